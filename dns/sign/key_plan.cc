#include "dns/sign/key_plan.h"

#include <algorithm>
#include <array>
#include <utility>

namespace meridian::dns {
namespace {

using std::chrono::seconds;

constexpr std::array<std::string_view, 3> kRoleNames{"ksk", "zsk", "csk"};
constexpr std::array<std::string_view, 4> kStateNames{"published", "ready", "active", "retired"};
constexpr std::array<std::string_view, 6> kEventNames{"none",    "ready",   "active",
                                                      "retired", "removed", "roll"};

template <class Enum, std::size_t kCount>
std::optional<Enum> enumOf(const std::array<std::string_view, kCount>& names,
                           std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

bool isRetired(const KeyRecord& record) {
  return record.state == KeyState::kRetired;
}

// The one that has this duty: ACTIVE, or else the oldest that is not RETIRED.
template <class HasDuty>
const KeyRecord* holderOf(const ZoneKeys& zone, const HasDuty& hasDuty) {
  const KeyRecord* oldest = nullptr;
  for (const KeyRecord& each : zone.keys) {
    if (!hasDuty(each) || isRetired(each)) continue;
    if (each.state == KeyState::kActive) return &each;
    if (oldest == nullptr) oldest = &each;
  }
  return oldest;
}

const KeyRecord* holderOf(const ZoneKeys& zone, KeyRole role) {
  return holderOf(zone, [&](const KeyRecord& each) { return each.role == role; });
}

bool hasConfirmedKey(const ZoneKeys& zone) {
  return std::any_of(zone.keys.begin(), zone.keys.end(), [](const KeyRecord& each) {
    return signsKeys(each.role) && each.state == KeyState::kActive;
  });
}

// Since when all signatures of the zone are of keys newer than `old`; nullptr: of any keys.
std::optional<WallTime> wholeSince(const ZoneKeys& zone, const KeyRecord* old) {
  std::optional<WallTime> out;
  for (const KeyRecord& each : zone.keys) {
    if ((old != nullptr && &each <= old) || !each.whole_since) continue;
    if (!out || *each.whole_since < *out) out = each.whole_since;
  }
  return out;
}

KeyOutlook fromPublished(const ZoneKeys& zone, const KeyRecord& record,
                         const SigningPolicy& policy) {
  const bool confirmed_later = signsKeys(record.role);
  KeyOutlook out{.next = confirmed_later ? KeyEvent::kReady : KeyEvent::kActive};
  if (!record.served_since) {
    out.waits_for = "the zone to be served with it";
    return out;
  }
  const WallTime known = zone.dnskey_ttl.outlived(*record.served_since, policy.propagation_delay);
  if (!confirmed_later || hasConfirmedKey(zone)) {
    out.at = known;
    return out;
  }
  // With the first DS all that is not signed becomes bogus, in caches too.
  const std::optional<WallTime> whole = wholeSince(zone, nullptr);
  if (!whole) {
    out.waits_for = "the whole zone to be signed";
    return out;
  }
  out.at = std::max(known, zone.zone_ttl.outlived(*whole, policy.propagation_delay));
  return out;
}

KeyOutlook fromReady(const KeyRecord& record) {
  KeyOutlook out{.next = KeyEvent::kActive, .at = record.ds_seen};
  if (!out.at) out.waits_for = "its DS at the parent";
  return out;
}

KeyOutlook fromActive(const ZoneKeys& zone, const KeyRecord& record, const SigningPolicy& policy) {
  if (const KeyRecord* successor = successorOf(zone, record.role)) {
    KeyOutlook out{.next = KeyEvent::kRetired};
    const KeyOutlook theirs = outlookOf(zone, *successor, policy);
    if (theirs.next == KeyEvent::kActive) out.at = theirs.at;
    if (!out.at) out.waits_for = "its successor, key " + std::to_string(successor->tag());
    return out;
  }
  const bool is_zsk = record.role == KeyRole::kZsk;
  const seconds lifetime = is_zsk ? policy.zsk_lifetime : policy.ksk_lifetime;
  if (lifetime == seconds(0)) return {};
  // The successor of a ZSK is in every cache when the lifetime ends.
  const seconds lead = is_zsk ? zone.dnskey_ttl.now + policy.propagation_delay : seconds(0);
  return {.next = KeyEvent::kRoll, .at = record.since + std::max(lifetime - lead, seconds(0))};
}

KeyOutlook fromRetired(const ZoneKeys& zone, const KeyRecord& record, const SigningPolicy& policy) {
  WallTime at = record.since;
  if (signsKeys(record.role)) at += policy.parent_propagation_delay + policy.parent_ds_ttl;
  if (signsZone(record.role)) {
    // Its signatures have been replaced, or, if nobody says so, they have ended.
    WallTime unused = zone.signatures.outlived(record.since, policy.propagation_delay);
    if (const auto whole = wholeSince(zone, &record)) {
      unused = std::min(unused, zone.zone_ttl.outlived(*whole, policy.propagation_delay));
    }
    at = std::max(at, unused);
  }
  return {.next = KeyEvent::kRemoved, .at = at};
}

void addMissingKeys(const ZoneKeys& zone, const SigningPolicy& policy,
                    std::vector<KeyStep>& steps) {
  const bool lacks_key_signer =
      holderOf(zone, [](const auto& each) { return signsKeys(each.role); }) == nullptr;
  const bool lacks_zone_signer = zoneSigner(zone) == nullptr;
  if (lacks_key_signer && lacks_zone_signer && !policy.split_keys) {
    steps.push_back({std::nullopt, KeyRole::kCsk, KeyState::kPublished});
    return;
  }
  if (lacks_key_signer) steps.push_back({std::nullopt, KeyRole::kKsk, KeyState::kPublished});
  if (lacks_zone_signer) steps.push_back({std::nullopt, KeyRole::kZsk, KeyState::kActive});
}

void addSteps(const ZoneKeys& zone, const KeyRecord& record, KeyEvent event,
              std::vector<KeyStep>& steps) {
  switch (event) {
    case KeyEvent::kReady:
      steps.push_back({record.tag(), record.role, KeyState::kReady});
      return;
    case KeyEvent::kActive:
      steps.push_back({record.tag(), record.role, KeyState::kActive});
      for (const KeyRecord& older : zone.keys) {
        if (&older == &record) return;
        if (older.role != record.role || isRetired(older)) continue;
        steps.push_back({older.tag(), older.role, KeyState::kRetired});
      }
      return;
    case KeyEvent::kRemoved:
      steps.push_back({record.tag(), record.role, std::nullopt});
      return;
    case KeyEvent::kRoll:
      if (zone.keys.size() < ZoneKeys::kMaxKeys) {
        steps.push_back({std::nullopt, record.role, KeyState::kPublished});
      }
      return;
    case KeyEvent::kRetired:  // with the successor's own step
    case KeyEvent::kNone:
      return;
  }
}

}  // namespace

std::string_view keyRoleName(KeyRole role) {
  return kRoleNames[static_cast<std::size_t>(role)];
}
std::optional<KeyRole> keyRoleOf(std::string_view name) {
  return enumOf<KeyRole>(kRoleNames, name);
}
std::string_view keyStateName(KeyState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}
std::optional<KeyState> keyStateOf(std::string_view name) {
  return enumOf<KeyState>(kStateNames, name);
}
std::string_view keyEventName(KeyEvent event) {
  return kEventNames[static_cast<std::size_t>(event)];
}

void Lasting::become(seconds next, WallTime when, seconds propagation) {
  if (next < now) before_until = std::max(before_until, when + propagation + now);
  now = next;
}

WallTime Lasting::outlived(WallTime when, seconds propagation) const {
  return std::max(when + propagation + now, before_until);
}

const KeyRecord* ZoneKeys::find(std::uint16_t tag) const {
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [&](const KeyRecord& each) { return each.tag() == tag; });
  return found == keys.end() ? nullptr : &*found;
}
KeyRecord* ZoneKeys::find(std::uint16_t tag) {
  return const_cast<KeyRecord*>(std::as_const(*this).find(tag));
}

const KeyRecord* zoneSigner(const ZoneKeys& zone) {
  return holderOf(zone, [](const KeyRecord& each) { return signsZone(each.role); });
}

const KeyRecord* successorOf(const ZoneKeys& zone, KeyRole role) {
  const KeyRecord* holder = holderOf(zone, role);
  for (const KeyRecord& each : zone.keys) {
    if (each.role == role && !isRetired(each) && &each != holder) return &each;
  }
  return nullptr;
}

KeyOutlook outlookOf(const ZoneKeys& zone, const KeyRecord& record, const SigningPolicy& policy) {
  switch (record.state) {
    case KeyState::kPublished:
      return fromPublished(zone, record, policy);
    case KeyState::kReady:
      return fromReady(record);
    case KeyState::kActive:
      return fromActive(zone, record, policy);
    case KeyState::kRetired:
      break;
  }
  return fromRetired(zone, record, policy);
}

KeyPlan nextSteps(const ZoneKeys& zone, const SigningPolicy& policy, WallTime now) {
  KeyPlan out;
  addMissingKeys(zone, policy, out.steps);
  if (!out.steps.empty()) return out;
  for (const KeyRecord& each : zone.keys) {
    const KeyOutlook outlook = outlookOf(zone, each, policy);
    if (!outlook.at) continue;
    if (*outlook.at <= now) {
      addSteps(zone, each, outlook.next, out.steps);
      // One key at a time: what another does next may hang on it.
      if (!out.steps.empty()) return out;
    } else if (!out.look_again || *outlook.at < *out.look_again) {
      out.look_again = outlook.at;
    }
  }
  return out;
}

Result<std::optional<KeyStep>> beginRoll(const ZoneKeys& zone, const SigningPolicy& policy,
                                         KeyRole role) {
  if (holderOf(zone, role) == nullptr) {
    std::string roles;
    for (const KeyRecord& each : zone.keys) {
      const std::string name(keyRoleName(each.role));
      if (roles.find(name) == std::string::npos) roles += (roles.empty() ? "" : ", ") + name;
    }
    return fail(ErrorKind::kInvalid, "the zone has no " + std::string(keyRoleName(role)) +
                                         "; its keys: " + (roles.empty() ? "none" : roles));
  }
  if (successorOf(zone, role) != nullptr) return std::nullopt;
  if (zone.keys.size() >= ZoneKeys::kMaxKeys) {
    std::optional<WallTime> until;
    for (const KeyRecord& each : zone.keys) {
      const KeyOutlook outlook = outlookOf(zone, each, policy);
      if (outlook.next != KeyEvent::kRemoved || (until && *until <= *outlook.at)) continue;
      until = outlook.at;
    }
    return fail(ErrorKind::kRefused, "the zone has " + std::to_string(ZoneKeys::kMaxKeys) +
                                         " keys, which is the most; the next goes " +
                                         (until ? "at " + rfc3339(*until) : "when a roll ends"));
  }
  return KeyStep{std::nullopt, role, KeyState::kPublished};
}

Result<ZoneKeys> withDsSeen(ZoneKeys zone, const SigningPolicy& policy, std::uint16_t tag,
                            WallTime now) {
  const std::string name = "key " + std::to_string(tag);
  KeyRecord* record = zone.find(tag);
  if (record == nullptr) return fail(ErrorKind::kNotFound, "the zone has no " + name);
  if (!signsKeys(record->role)) {
    return fail(ErrorKind::kInvalid, name + " is a zsk, which has no DS at the parent");
  }
  if (record->state == KeyState::kRetired) {
    return fail(ErrorKind::kRefused, name +
                                         " is retired: the parent's DS must be of its successor; "
                                         "replace it there");
  }
  if (record->state == KeyState::kPublished) {
    const KeyOutlook outlook = outlookOf(zone, *record, policy);
    return fail(
        ErrorKind::kRefused,
        name +
            " is published, and caches may lack it: its DS must not be at the parent "
            "before it is ready, " +
            (outlook.at ? "at " + rfc3339(*outlook.at) : "which waits for " + outlook.waits_for));
  }
  if (!record->ds_seen) record->ds_seen = now;
  return zone;
}

ZoneKeys after(ZoneKeys zone, const KeyStep& step, WallTime now,
               std::shared_ptr<const ZoneKey> made) {
  if (!step.tag) {
    KeyRecord& record = zone.keys.emplace_back();
    record.key = std::move(made);
    record.role = step.role;
    record.state = step.to.value_or(KeyState::kPublished);
    record.made = now;
    record.since = now;
    return zone;
  }
  if (!step.to) {
    std::erase_if(zone.keys, [&](const KeyRecord& each) { return each.tag() == *step.tag; });
  } else if (KeyRecord* record = zone.find(*step.tag)) {
    record->state = *step.to;
    record->since = now;
  }
  return zone;
}

ZoneKeys found(ZoneKeys zone, WallTime now) {
  for (KeyRecord& each : zone.keys) {
    if (isRetired(each) && !each.settled) each.since = now;
  }
  return shifted(std::move(zone), std::chrono::milliseconds(0), now);
}

ZoneKeys shifted(ZoneKeys zone, std::chrono::milliseconds by, WallTime now) {
  const auto shift = [&](WallTime& time) { time = std::min(time + by, now); };
  for (KeyRecord& each : zone.keys) {
    shift(each.made);
    shift(each.since);
    for (auto* time : {&each.served_since, &each.whole_since, &each.ds_seen}) {
      if (*time) shift(**time);
    }
  }
  for (Lasting* each : {&zone.dnskey_ttl, &zone.zone_ttl, &zone.signatures}) {
    if (each->before_until == WallTime{}) continue;
    each->before_until = std::min(each->before_until + by, now + Lasting::kLongest);
  }
  return zone;
}

KeySet keySetOf(const ZoneKeys& zone, const SigningPolicy& policy, NameView apex) {
  KeySet out;
  out.dnskey_ttl = static_cast<std::uint32_t>(policy.dnskey_ttl.count());
  const KeyRecord* for_parent = nullptr;
  for (const KeyRecord& each : zone.keys) {
    out.dnskeys.push_back(each.key->dnskey());
    if (!signsKeys(each.role)) continue;
    out.key_signers.push_back(each.key);
    const bool is_known = each.state == KeyState::kReady || each.state == KeyState::kActive;
    if (is_known) for_parent = &each;
  }
  if (for_parent != nullptr) {
    out.cds.push_back(dsOf(apex, for_parent->key->dnskey()));
    out.cdnskeys.push_back(for_parent->key->dnskey());
  }
  if (const KeyRecord* signer = zoneSigner(zone)) out.zone_signers.push_back(signer->key);
  return out;
}

bool sameDuties(const KeySet& a, const KeySet& b) {
  const auto same = [](const KeySet::Keys& mine, const KeySet::Keys& theirs) {
    return std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end(),
                      [](const auto& x, const auto& y) { return x->dnskey() == y->dnskey(); });
  };
  return a.dnskeys == b.dnskeys && a.cds == b.cds && a.cdnskeys == b.cdnskeys &&
         a.dnskey_ttl == b.dnskey_ttl && same(a.key_signers, b.key_signers) &&
         same(a.zone_signers, b.zone_signers);
}

}  // namespace meridian::dns
