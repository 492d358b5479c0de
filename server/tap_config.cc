#include "server/tap_config.h"

#include <sys/un.h>

#include <algorithm>
#include <string>

namespace meridian::server {
namespace {

Status isTapPath(std::string_view text) {
  return text.empty() ? fail(ErrorKind::kInvalid, "must not be empty") : Status{};
}
Status isCollector(std::string_view text) {
  const auto value = IpEndpoint::parse(text);
  if (!value) return tl::unexpected(value.error());
  return value->port == 0 ? fail(ErrorKind::kInvalid, "must have a port") : Status{};
}

std::int64_t tapNumber(ObjectReader& in, std::string_view name) {
  const auto& keys = tapNumbers();
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& each) {
    return each.section == in.path() && each.name == name;
  });
  return in.integer(name, {.min = key->min, .max = key->max, .fallback = key->fallback});
}

std::filesystem::path tapPath(ObjectReader& in, std::string_view key,
                              const std::filesystem::path& folder) {
  const std::filesystem::path given(in.string(key, {.check = isTapPath}));
  return given.is_absolute() ? given : folder / given;
}

void decodeDnstap(ObjectReader& in, const std::filesystem::path& folder, dns::TapSettings& out) {
  dns::DnstapSettings settings;
  if (in.has("socket")) {
    settings.socket = tapPath(in, "socket", folder).string();
    constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
    if (settings.socket.size() > kLongest) {
      in.error("socket", "with its folder it is longer than " + std::to_string(kLongest) +
                             " bytes, which is all that a unix socket's path may have");
    }
  }
  if (in.has("address")) {
    settings.address =
        IpEndpoint::parse(in.string("address", {.check = isCollector})).value_or(IpEndpoint{});
    if (in.has("socket"))
      in.error("address", "is for TCP, and socket names a unix socket: one only");
  }
  settings.sample = static_cast<std::uint32_t>(tapNumber(in, "sample"));
  settings.queries = in.boolean("queries", settings.queries);
  settings.responses = in.boolean("responses", settings.responses);
  if (!settings.queries && !settings.responses)
    in.error("responses", "is off, as queries is: nothing would be told");
  if (in.has("socket") || in.has("address")) out.dnstap = settings;
  for (const std::string_view key : {"socket", "address"}) in.ignore(key);
  in.finish();
}

void decodeQueryLog(ObjectReader& in, const std::filesystem::path& folder, dns::TapSettings& out) {
  dns::QueryLogSettings settings;
  if (in.has("folder")) settings.folder = tapPath(in, "folder", folder);
  settings.sample = static_cast<std::uint32_t>(tapNumber(in, "sample"));
  settings.keep_days = static_cast<int>(tapNumber(in, "keep_days"));
  if (in.has("folder")) out.log = settings;
  in.ignore("folder");
  in.finish();
}

}  // namespace

dns::TapSettings decodeTap(ObjectReader& root, const std::filesystem::path& folder) {
  dns::TapSettings out;
  if (const ConfigNode* node = root.object("dnstap")) {
    ObjectReader in(*node, root.pathOf("dnstap"), root.file(), root.problems());
    decodeDnstap(in, folder, out);
  }
  if (const ConfigNode* node = root.object("query_log")) {
    ObjectReader in(*node, root.pathOf("query_log"), root.file(), root.problems());
    decodeQueryLog(in, folder, out);
  }
  return out;
}

const std::vector<ConfigKey>& tapNumbers() {
  static const std::vector<ConfigKey> kKeys = {
      {"dnstap", "sample", "integer", "", 1, 1'000'000, 1},
      {"query_log", "sample", "integer", "", 1, 1'000'000, 100},
      {"query_log", "keep_days", "integer", "days", 1, 366, 7}};
  return kKeys;
}

const std::vector<std::string_view>& tapTexts() {
  static const std::vector<std::string_view> kKeys = {
      "dnstap.socket", "dnstap.address", "dnstap.queries", "dnstap.responses", "query_log.folder"};
  return kKeys;
}

}  // namespace meridian::server
