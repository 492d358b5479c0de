#include "admin/zone_requests.h"

#include <utility>

#include "admin/requests.h"
#include "base/config_node.h"
#include "base/config_reader.h"
#include "dns/update/challenge_book.h"
#include "dns/zone/loader.h"
#include "dns/zone/rdata_parser.h"

namespace meridian::admin {
namespace {

using dns::Name;
using dns::RrsetEdit;
using dns::RrType;

constexpr const char* kBody = "request";
constexpr std::size_t kMaxRrsets = 10'000;
constexpr std::size_t kMaxRecords = 10'000;  // of an RRset
constexpr std::size_t kMaxRecordText = std::size_t{1} << 17;
constexpr std::int64_t kMaxTtl = 0x7fff'ffff;  // RFC 2181 §8
constexpr std::int64_t kMaxSerial = 0xffff'ffff;

RrType typeOf(ObjectReader& in) {
  const std::string text = in.string("type", {.required = true});
  if (text.empty()) return RrType::kA;
  const Result<RrType> type = dns::parseRrType(text);
  if (!type) {
    in.error("type", type.error().message);
  } else if (!dns::isDataType(*type)) {
    in.error("type", "a type that never stands in a zone");
  }
  return type.value_or(RrType::kA);
}

RrsetEdit readRrset(ObjectReader& in, const Name& apex) {
  RrsetEdit out;
  const std::string owner = in.string("name", {.required = true});
  if (const Result<Name> name = dns::parseName(owner, apex)) {
    out.owner = *name;
  } else if (!owner.empty()) {
    in.error("name", name.error().message);
  }
  out.type = typeOf(in);
  const std::vector<std::string> records =
      in.strings("records", {.required = true, .max = kMaxRecords}, {.max_bytes = kMaxRecordText});
  out.ttl = static_cast<std::uint32_t>(
      in.integer("ttl", {.required = !records.empty(), .min = 0, .max = kMaxTtl}));
  for (std::size_t i = 0; i < records.size(); ++i) {
    auto rdata = dns::parseRdataText(out.type, records[i], apex);
    if (!rdata) {
      in.error(elementPath("records", i), rdata.error().message);
    } else {
      out.rdata.push_back(std::move(*rdata));
    }
  }
  in.finish();
  return out;
}

// nullopt: as the zone's own policy says.
std::optional<dns::SerialPolicy> serialsOf(ObjectReader& in) {
  if (!in.has("serial")) return std::nullopt;
  return dns::serialPolicyOf(in.string("serial", {.one_of = {"increment", "unixtime", "date"}}));
}

}  // namespace

Checked<ZoneEditBody> decodeZoneEdit(std::string_view body, const Name& apex) {
  auto root = parseJson(body, kBody);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kBody, problems);
  ZoneEditBody out;
  out.edit.apex = apex;
  if (const auto* rrsets = in.array("rrsets", {.required = true, .min = 1, .max = kMaxRrsets})) {
    for (std::size_t i = 0; i < rrsets->size(); ++i) {
      ObjectReader each((*rrsets)[i], elementPath("rrsets", i), kBody, problems);
      out.edit.rrsets.push_back(readRrset(each, apex));
    }
  }
  const auto serial = in.integer("expected_serial", {.min = 0, .max = kMaxSerial});
  if (in.has("expected_serial")) out.edit.expected_serial = static_cast<std::uint32_t>(serial);
  out.edit.serials = serialsOf(in);
  out.reason = reasonOf(in);
  in.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return out;
}

Checked<ZoneTextBody> decodeZoneText(std::string_view body) {
  auto root = parseJson(body, kBody);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kBody, problems);
  ZoneTextBody out;
  out.zone = in.string("zone", {.required = true, .max_bytes = dns::kMaxZoneFileBytes});
  out.reason = reasonOf(in);
  in.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return out;
}

Checked<ZoneReloadBody> decodeZoneReload(std::string_view body) {
  if (body.empty()) return ZoneReloadBody{};
  auto root = parseJson(body, kBody);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kBody, problems);
  ZoneReloadBody out;
  if (in.boolean("discard_edits", false)) out.edits = dns::Edits::kDiscard;
  in.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return out;
}

Checked<ChallengeBody> decodeChallenge(std::string_view body) {
  using dns::ChallengeBook;
  auto root = parseJson(body, kBody);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kBody, problems);
  ChallengeBody out;
  const std::string owner = in.string("fqdn", {.required = true});
  if (const Result<Name> name = Name::parse(owner)) {
    out.owner = *name;
  } else if (!owner.empty()) {
    in.error("fqdn", name.error().message);
  }
  out.value = in.string("value", {.required = true});
  out.life = std::chrono::seconds(
      in.integer("expires_in_s", {.min = 1,
                                  .max = ChallengeBook::kMaxLife.count(),
                                  .fallback = ChallengeBook::kDefaultLife.count()}));
  in.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return out;
}

Checked<ZoneRefreshBody> decodeZoneRefresh(std::string_view body) {
  if (body.empty()) return ZoneRefreshBody{};
  auto root = parseJson(body, kBody);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kBody, problems);
  ZoneRefreshBody out;
  out.whole = in.boolean("whole", false);
  in.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return out;
}

}  // namespace meridian::admin
