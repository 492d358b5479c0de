#include "server/zone_config.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "dns/zone/rdata_parser.h"
#include "server/catalog_config.h"
#include "server/signing_config.h"

namespace meridian::server {
namespace {

constexpr std::size_t kMaxOfZone = 64;  // transfer_to, notify and the like
constexpr std::size_t kMaxNetworks = 256;
constexpr std::size_t kMaxTypes = 64;
constexpr std::uint16_t kDnsPort = 53;
constexpr std::int64_t kMaxMembers = 1'000'000;  // of a catalog
constexpr std::int64_t kDefaultMembers = 100'000;

using dns::RrType;
using Keys = std::vector<TsigKeyConfig>;

Status isZoneName(std::string_view text) {
  const auto name = dns::Name::parse(text);
  return name ? Status{} : tl::unexpected(name.error());
}
Status isAccessNetwork(std::string_view text) {
  const auto value = IpPrefix::parse(text);
  return value ? Status{} : tl::unexpected(value.error());
}
Status isZoneType(std::string_view text) {
  const auto type = dns::parseRrType(text);
  if (!type) return tl::unexpected(type.error());
  return dns::isDataType(*type) ? Status{} : fail(ErrorKind::kInvalid, "never stands in a zone");
}
// "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53".
Result<IpEndpoint> serverAt(std::string_view text) {
  if (const auto endpoint = IpEndpoint::parse(text)) return *endpoint;
  const auto address = IpAddress::parse(text);
  if (!address) return fail(ErrorKind::kInvalid, "must be an address, or an address and a port");
  return IpEndpoint{*address, kDnsPort};
}
Status isServer(std::string_view text) {
  const auto server = serverAt(text);
  if (!server) return tl::unexpected(server.error());
  return server->port != 0 ? Status{} : fail(ErrorKind::kInvalid, "port 0 is none");
}

std::optional<dns::Name> keyOf(ObjectReader& in, const Keys& keys) {
  if (!in.has("key")) return std::nullopt;
  const auto name = dns::Name::parse(in.string("key", {.check = isZoneName}));
  if (!name) return std::nullopt;
  const dns::Name lowered = name->lowered();
  const bool known = std::any_of(keys.begin(), keys.end(),
                                 [&](const TsigKeyConfig& key) { return key.name == lowered; });
  if (!known) in.error("key", "is not among tsig.keys");
  return lowered;
}

dns::ZoneAccess accessOf(ObjectReader& in, const Keys& keys) {
  dns::ZoneAccess out;
  if (in.has("from")) {
    std::vector<IpPrefix> networks;
    for (const std::string& text :
         in.strings("from", {.min = 1, .max = kMaxNetworks}, {.check = isAccessNetwork})) {
      if (const auto network = IpPrefix::parse(text)) networks.push_back(*network);
    }
    out.from.emplace(std::move(networks));
  }
  out.key = keyOf(in, keys);
  if (!in.has("from") && !in.has("key")) {
    in.error("from", "is missing, and so is key: that would admit everybody");
  }
  return out;
}

dns::ZoneAccess decodeAccess(ObjectReader& in, const Keys& keys) {
  dns::ZoneAccess out = accessOf(in, keys);
  in.finish();
  return out;
}

dns::NotifyTarget decodeTarget(ObjectReader& in, const Keys& keys) {
  dns::NotifyTarget out;
  out.address =
      serverAt(in.string("address", {.required = true, .check = isServer})).value_or(IpEndpoint{});
  out.key = keyOf(in, keys);
  in.finish();
  return out;
}

dns::ZonePrimary decodePrimary(ObjectReader& in, const Keys& keys) {
  const dns::NotifyTarget server = decodeTarget(in, keys);
  return {server.address, server.key};
}

// A catalog is one zone, and nobody edits it.
void checkCatalog(ObjectReader& in, const dns::ZonePolicy& policy) {
  const char* key = policy.catalog ? "catalog" : "members";
  if (!policy.catalog && policy.members.empty()) return;
  if (policy.name.view().isRoot())
    in.error(key, "makes a catalog of one zone, and \".\" means all");
  if (policy.name.view().size() > dns::kMaxCatalogName) {
    in.error("name", "is too long for a catalog: its members need room below it");
  }
  if (!policy.catalog) {
    if (policy.primaries.empty()) in.error("members", "are of no use without primaries");
    return;
  }
  if (!policy.primaries.empty()) {
    in.error("catalog", "goes together with no primaries: the catalog is made here, or there");
  }
  if (policy.sign) in.error("sign", "goes together with no catalog: who may have it trusts a key");
  if (!policy.update.empty()) in.error("update", "goes together with no catalog: it follows zones");
}

// A zone that comes from primaries is one zone, and made nowhere else.
void checkPrimaries(ObjectReader& in, const dns::ZonePolicy& policy) {
  if (policy.primaries.empty()) {
    if (!policy.allow_notify.empty()) {
      in.error("allow_notify", "is of no use without primaries");
    }
    return;
  }
  if (policy.name.view().isRoot()) {
    in.error("primaries", "are those of one zone, and \".\" means all");
  }
  if (policy.sign) in.error("sign", "goes together with no primaries: the zone is signed there");
  if (!policy.update.empty()) {
    in.error("update", "goes together with no primaries: the zone is changed there");
  }
}

std::vector<RrType> typesOf(ObjectReader& in) {
  std::vector<RrType> out;
  for (const std::string& text : in.strings("types", {.max = kMaxTypes}, {.check = isZoneType})) {
    if (const auto type = dns::parseRrType(text)) out.push_back(*type);
  }
  return out;
}

dns::UpdateGrant decodeGrant(ObjectReader& in, const Keys& keys, const dns::Name& zone) {
  using Names = dns::UpdateGrant::Names;
  dns::UpdateGrant out;
  const dns::ZoneAccess access = accessOf(in, keys);
  out.key = access.key;
  out.networks = access.from.value_or(IpPrefixList{});
  const std::string names =
      in.string("names", {.fallback = "below", .one_of = {"exact", "below", "self", "pattern"}});
  out.names = names == "exact"   ? Names::kExact
              : names == "self"  ? Names::kSelf
              : names == "below" ? Names::kBelow
                                 : Names::kPattern;
  out.name = zone;
  if (in.has("name")) {
    const auto name = dns::Name::parse(in.string("name", {.check = isZoneName}));
    if (name) out.name = name->lowered();
  } else if (out.names == Names::kExact || out.names == Names::kPattern) {
    in.error("name", "is missing: names = \"" + names + "\" needs it");
  }
  if (out.names == Names::kSelf && !out.key)
    in.error("key", "is missing: names = \"self\" needs it");
  out.types = typesOf(in);
  in.finish();
  return out;
}

template <class Decode>
auto decodeEach(ObjectReader& in, std::string_view key, std::size_t max, const Decode& decode) {
  std::vector<decltype(decode(in))> out;
  const ConfigNode::Array* items = in.array(key, {.max = max});
  const std::size_t count = items == nullptr ? 0 : items->size();
  for (std::size_t i = 0; i < count; ++i) {
    ObjectReader each((*items)[i], elementPath(in.pathOf(key), i), in.file(), in.problems());
    out.push_back(decode(each));
  }
  return out;
}

dns::SerialPolicy serialOf(ObjectReader& in) {
  const std::string text =
      in.string("serial", {.fallback = "increment", .one_of = {"increment", "unixtime", "date"}});
  return dns::serialPolicyOf(text).value_or(dns::SerialPolicy::kIncrement);
}

// What holds of a zone that comes from primaries, and of members of a catalog.
void decodeOnward(ObjectReader& in, const Keys& keys, dns::ZonePolicy& out) {
  out.transfer_to = decodeEach(in, "transfer_to", kMaxOfZone,
                               [&](ObjectReader& each) { return decodeAccess(each, keys); });
  out.notify = decodeEach(in, "notify", kMaxOfZone,
                          [&](ObjectReader& each) { return decodeTarget(each, keys); });
  out.primaries = decodeEach(in, "primaries", kMaxOfZone,
                             [&](ObjectReader& each) { return decodePrimary(each, keys); });
  out.allow_notify = decodeEach(in, "allow_notify", kMaxOfZone,
                                [&](ObjectReader& each) { return decodeAccess(each, keys); });
}

// Members come from where their catalog does, unless their template says otherwise.
std::vector<dns::MemberTemplate> decodeMembers(ObjectReader& in, const Keys& keys,
                                               const dns::ZonePolicy& catalog) {
  std::set<std::string> groups;
  return decodeEach(in, "members", kMaxOfZone, [&](ObjectReader& each) {
    dns::MemberTemplate out;
    if (each.has("group")) out.group = each.string("group", {.check = isCatalogGroup});
    if (!groups.insert(out.group).second) {
      each.error("group",
                 each.has("group") ? "stands here twice" : "is missing, as in another one");
    }
    auto policy = std::make_shared<dns::ZonePolicy>();
    policy->name = catalog.name;
    decodeOnward(each, keys, *policy);
    if (policy->primaries.empty()) policy->primaries = catalog.primaries;
    each.finish();
    out.policy = std::move(policy);
    return out;
  });
}

}  // namespace

std::vector<dns::ZonePolicy> decodeZonePolicies(ObjectReader& dns, const Keys& keys) {
  std::set<std::string> names;
  return decodeEach(dns, "zones", kMaxZonePolicies, [&](ObjectReader& in) {
    dns::ZonePolicy out;
    const auto name = dns::Name::parse(in.string("name", {.required = true, .check = isZoneName}));
    if (name) {
      out.name = name->lowered();
      if (!names.insert(out.name.text()).second) in.error("name", "stands here twice");
    }
    out.serials = serialOf(in);
    decodeOnward(in, keys, out);
    out.update = decodeEach(in, "update", kMaxOfZone,
                            [&](ObjectReader& each) { return decodeGrant(each, keys, out.name); });
    out.sign = decodeSigning(in);
    out.catalog = decodeCatalogRule(in);
    out.members = decodeMembers(in, keys, out);
    out.max_members = static_cast<std::size_t>(
        in.integer("max_members", {.min = 1, .max = kMaxMembers, .fallback = kDefaultMembers}));
    if (in.has("max_members") && out.members.empty()) {
      in.error("max_members", "is of no use without members");
    }
    checkPrimaries(in, out);
    checkCatalog(in, out);
    in.finish();
    return out;
  });
}

}  // namespace meridian::server
