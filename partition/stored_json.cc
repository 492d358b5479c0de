#include "partition/stored_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace meridian::partition {

using Json = nlohmann::json;

std::string storedText(const Json& json) {
  // Strings were checked to be UTF-8 when they came in; should one not be, a replacement character
  // in a reason is better than a commit that fails.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parseStored(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(ErrorKind::kCorrupt, "is not JSON");
  MemberReader in(json);
  const std::uint64_t format = in.number("v");
  if (!in.ok()) return in.failure();
  if (format != kStoredFormat) {
    return fail(ErrorKind::kCorrupt,
                fmt::format("has format {}; this version reads {}", format, kStoredFormat));
  }
  return json;
}

MemberReader::MemberReader(const Json& object) : object_(object) {
  if (!object_.is_object()) problem_ = "is no object";
}

std::string MemberReader::string(const char* key) {
  const Json* member = find(key);
  if (member != nullptr && member->is_string()) return member->get<std::string>();
  wrong(key, "a string");
  return {};
}

std::uint64_t MemberReader::number(const char* key) {
  const Json* member = find(key);
  if (member != nullptr && member->is_number_unsigned()) return member->get<std::uint64_t>();
  wrong(key, "a whole number");
  return 0;
}

std::int64_t MemberReader::integer(const char* key) {
  const Json* member = find(key);
  if (member != nullptr && member->is_number_integer()) return member->get<std::int64_t>();
  wrong(key, "an integer");
  return 0;
}

std::optional<std::uint64_t> MemberReader::numberIfGiven(const char* key) {
  if (!has(key)) return std::nullopt;
  return number(key);
}

bool MemberReader::boolean(const char* key) {
  const Json* member = find(key);
  if (member != nullptr && member->is_boolean()) return member->get<bool>();
  wrong(key, "true or false");
  return false;
}

WallTime MemberReader::time(const char* key) {
  const Json* member = find(key);
  if (member != nullptr && member->is_number_integer()) {
    return WallTime(std::chrono::milliseconds(member->get<std::int64_t>()));
  }
  wrong(key, "milliseconds since 1970");
  return {};
}

const Json* MemberReader::array(const char* key) {
  const Json* member = find(key);
  if (member != nullptr && member->is_array()) return member;
  wrong(key, "an array");
  return nullptr;
}

const Json* MemberReader::object(const char* key) {
  const Json* member = find(key);
  if (member != nullptr && member->is_object()) return member;
  wrong(key, "an object");
  return nullptr;
}

const Json* MemberReader::find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

void MemberReader::wrong(const char* key, std::string_view expected) {
  if (problem_.empty()) problem_ = fmt::format("member \"{}\" must be {}", key, expected);
}

}  // namespace meridian::partition
