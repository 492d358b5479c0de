#include "dns/sign/key_store.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/byte_reader.h"
#include "base/config_node.h"
#include "base/config_reader.h"
#include "base/digest.h"
#include "dns/zone/rdata_names.h"

namespace meridian::dns {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kKeysFamily = "keys";
constexpr std::int64_t kKeysFormat = 1;
constexpr std::int64_t kMaxSeconds = 0xffff'ffff;

std::span<const std::uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Json lastingJson(const Lasting& lasting) {
  return {{"now_s", lasting.now.count()}, {"before_until", unixMillis(lasting.before_until)}};
}

Json recordJson(const KeyRecord& record) {
  Json out = {{"dnskey", base64(record.key->dnskey())},
              {"private", base64(record.key->key().privateBytes())},
              {"role", keyRoleName(record.role)},
              {"state", keyStateName(record.state)},
              {"made", unixMillis(record.made)},
              {"since", unixMillis(record.since)}};
  const auto add = [&](const char* name, const std::optional<WallTime>& time) {
    if (time) out[name] = unixMillis(*time);
  };
  add("served_since", record.served_since);
  add("whole_since", record.whole_since);
  add("ds_seen", record.ds_seen);
  if (record.settled) out["settled"] = true;
  return out;
}

WallTime timeIn(ObjectReader& in, std::string_view name) {
  return WallTime(std::chrono::milliseconds(in.integer(name, {.required = true, .min = 0})));
}
std::optional<WallTime> maybeTimeIn(ObjectReader& in, std::string_view name) {
  if (!in.has(name)) return std::nullopt;
  return timeIn(in, name);
}

Lasting readLasting(ObjectReader& parent, std::string_view name) {
  Lasting out;
  const ConfigNode* node = parent.object(name, true);
  if (node == nullptr) return out;
  ObjectReader in(*node, parent.pathOf(name), parent.file(), parent.problems());
  out.now =
      std::chrono::seconds(in.integer("now_s", {.required = true, .min = 0, .max = kMaxSeconds}));
  out.before_until = timeIn(in, "before_until");
  return out;
}

// The pair, from its private half; the public one, which is kept beside it, must be of it. No
// error may show the private half.
std::shared_ptr<const ZoneKey> readKey(ObjectReader& in) {
  const auto shown = fromBase64(in.string("dnskey", {.required = true}));
  const auto secret = fromBase64(in.string("private", {.required = true}));
  if (!shown || !secret || shown->size() < 4) {
    in.error("", "is no key");
    return nullptr;
  }
  const auto algorithm = static_cast<SigningAlgorithm>((*shown)[3]);
  if (algorithm != SigningAlgorithm::kEcdsaP256Sha256 && algorithm != SigningAlgorithm::kEd25519) {
    in.error("dnskey", "has an algorithm that nobody signs with here");
    return nullptr;
  }
  auto pair = SigningKey::fromPrivate(keyKindOf(algorithm), bytesOf(*secret));
  if (!pair) {
    in.error("", "private: " + pair.error().message);
    return nullptr;
  }
  const bool is_entry_point =
      (static_cast<std::uint8_t>((*shown)[1]) & ZoneKey::kSecureEntryPointFlag) != 0;
  auto key = std::make_shared<const ZoneKey>(std::move(*pair), is_entry_point);
  if (asText(key->dnskey()) != *shown) {
    in.error("", "the private half is not of the public one beside it");
    return nullptr;
  }
  return key;
}

KeyRecord readRecord(ObjectReader& in) {
  KeyRecord out;
  out.key = readKey(in);
  const auto role = keyRoleOf(in.string("role", {.required = true}));
  const auto state = keyStateOf(in.string("state", {.required = true}));
  if (!role) in.error("role", "is none");
  if (!state) in.error("state", "is none");
  out.role = role.value_or(KeyRole::kCsk);
  out.state = state.value_or(KeyState::kPublished);
  out.made = timeIn(in, "made");
  out.since = timeIn(in, "since");
  out.served_since = maybeTimeIn(in, "served_since");
  out.whole_since = maybeTimeIn(in, "whole_since");
  out.ds_seen = maybeTimeIn(in, "ds_seen");
  out.settled = in.boolean("settled", false);
  return out;
}

Result<ZoneKeys> readZoneKeys(std::string_view text) {
  const auto root = parseJson(text, "store");
  if (!root) return fail(ErrorKind::kCorrupt, root.error().text());
  Diagnostics problems;
  ObjectReader in(*root, "", "store", problems);
  in.integer("v", {.required = true, .min = kKeysFormat, .max = kKeysFormat});
  ZoneKeys out;
  out.dnskey_ttl = readLasting(in, "dnskey_ttl");
  out.zone_ttl = readLasting(in, "zone_ttl");
  out.signatures = readLasting(in, "signatures");
  const ConfigNode::Array* keys = in.array("keys", {.required = true, .max = ZoneKeys::kMaxKeys});
  const std::size_t count = keys == nullptr ? 0 : keys->size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string path = elementPath("keys", i);
    ObjectReader each((*keys)[i], path, "store", problems);
    KeyRecord record = readRecord(each);
    if (record.key == nullptr) continue;
    if (out.find(record.tag()) != nullptr) in.error("keys", "have a tag twice");
    if (record.key->isEntryPoint() != signsKeys(record.role)) {
      each.error("role", "does not go with the key's flags");
    }
    out.keys.push_back(std::move(record));
  }
  if (!problems.empty()) return fail(ErrorKind::kCorrupt, problems.text());
  return out;
}

}  // namespace

std::vector<std::string> KeyStore::families() {
  return {std::string(kKeysFamily)};
}

Result<std::vector<KeyStore::Row>> KeyStore::load() const {
  std::vector<Row> out;
  Status read;
  const Status scanned = store_->scan(kKeysFamily, "", false, [&](auto key, auto value) {
    auto apex = Name::fromWire(bytesOf(key));
    if (!apex) {
      read = fail(ErrorKind::kCorrupt, "a key of family keys is no name");
      return false;
    }
    auto keys = readZoneKeys(value);
    if (!keys) {
      read =
          fail(ErrorKind::kCorrupt,
               "the keys of zone " + apex->text() + " in the store: " + keys.error().message +
                   "; restore state_dir from a backup: without its keys the zone would be bogus");
      return false;
    }
    out.emplace_back(*apex, std::move(*keys));
    return true;
  });
  if (!scanned) return tl::unexpected(scanned.error());
  if (!read) return tl::unexpected(read.error());
  return out;
}

Status KeyStore::keep(const std::vector<Row>& rows) const {
  std::vector<StoreWrite> batch;
  for (const auto& [apex, zone] : rows) {
    Json keys = Json::array();
    for (const KeyRecord& each : zone.keys) keys.push_back(recordJson(each));
    const Json row = {{"v", kKeysFormat},
                      {"dnskey_ttl", lastingJson(zone.dnskey_ttl)},
                      {"zone_ttl", lastingJson(zone.zone_ttl)},
                      {"signatures", lastingJson(zone.signatures)},
                      {"keys", std::move(keys)}};
    batch.push_back(
        {std::string(kKeysFamily), std::string(asText(apex.view().wire())), row.dump()});
  }
  return store_->writeSynced(batch);
}

}  // namespace meridian::dns
