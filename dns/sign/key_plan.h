// The life of a zone's keys: what comes next for each, from how far it has come and what is known
// now (RFC 6781 §4.1, RFC 7583 §3; docs/decisions/0009-keys.md).
//
// Pure: no clock, no store, no network; every input is a value. The service (dns/sign/key_service)
// asks nextSteps() whenever something may have changed, stores what the steps make of the keys, and
// only then acts on it.
//
//   ZSK       PUBLISHED ── all caches have it ──────────────────────────────────────▶ ACTIVE
//   KSK, CSK  PUBLISHED ── all caches have it ─▶ READY ── the parent has its DS ────▶ ACTIVE
//   ACTIVE ── another takes its place ─▶ RETIRED ── nothing in any cache needs it ──▶ gone
//
// The DNSKEY RRset has every key, and every KSK and CSK signs it. One key signs the rest: the
// ACTIVE one, or where none is the oldest. So the first key of a zone signs at once, and becomes
// READY when no cache has anything of the zone that is not signed. CDS and CDNSKEY name the newest
// READY or ACTIVE key.
//
// What caches have is reckoned from when it was served (KeyRecord::served_since, whole_since), not
// from when it was decided.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "dns/sign/key_set.h"
#include "dns/sign/zone_key.h"
#include "dns/wire/name.h"
#include "dns/zone/signing_policy.h"

namespace meridian::dns {

enum class KeyRole : std::uint8_t {
  kKsk,  // signs the keys; the parent's DS is of it
  kZsk,  // signs the rest
  kCsk   // both
};
std::string_view keyRoleName(KeyRole role);  // "ksk", "zsk", "csk"
std::optional<KeyRole> keyRoleOf(std::string_view name);
inline bool signsKeys(KeyRole role) {
  return role != KeyRole::kZsk;
}
inline bool signsZone(KeyRole role) {
  return role != KeyRole::kKsk;
}

enum class KeyState : std::uint8_t { kPublished, kReady, kActive, kRetired };
std::string_view keyStateName(KeyState state);  // "published", …
std::optional<KeyState> keyStateOf(std::string_view name);

struct KeyRecord {
  std::shared_ptr<const ZoneKey> key;
  KeyRole role = KeyRole::kCsk;
  KeyState state = KeyState::kPublished;
  WallTime made{};
  WallTime since{};                           // in this state
  std::optional<WallTime> served_since = {};  // in the DNSKEY RRset that is served
  std::optional<WallTime> whole_since = {};   // all the zone's signatures are of it
  std::optional<WallTime> ds_seen = {};       // at the parent, as somebody said
  // Of a RETIRED key: a write after that which retired it has succeeded, so that nobody has signed
  // with it since.
  bool settled = false;
  std::uint16_t tag() const { return key->tag(); }
};

// How long what is served now may be used, and until when what was served before a decrease may.
struct Lasting {
  // A clock that was wrong can keep a key no longer than that.
  static constexpr std::chrono::seconds kLongest = std::chrono::days(400);

  std::chrono::seconds now{0};
  WallTime before_until{};

  // From `when` on it is `next`; what was served until then spreads for `propagation`.
  void become(std::chrono::seconds next, WallTime when, std::chrono::seconds propagation);
  // When nothing is used any longer that was not served after `when`.
  WallTime outlived(WallTime when, std::chrono::seconds propagation) const;
  bool operator==(const Lasting&) const = default;
};

// All that is kept of a zone's keys.
struct ZoneKeys {
  static constexpr std::size_t kMaxKeys = 8;

  std::vector<KeyRecord> keys;  // oldest first; no two with the same tag
  Lasting dnskey_ttl;
  Lasting zone_ttl;    // the largest of the zone
  Lasting signatures;  // from when one is made until it ends

  const KeyRecord* find(std::uint16_t tag) const;
  KeyRecord* find(std::uint16_t tag);
};

// nullptr: no key has the duty. Of zone signatures; of those that are not RETIRED.
const KeyRecord* zoneSigner(const ZoneKeys& zone);

struct KeyStep {
  std::optional<std::uint16_t> tag;  // nullopt: a key of `role` is made, in state `to`
  KeyRole role = KeyRole::kCsk;
  std::optional<KeyState> to;  // nullopt: the key goes
};

enum class KeyEvent : std::uint8_t {
  kNone,
  kReady,
  kActive,
  kRetired,
  kRemoved,
  kRoll  // a successor is made
};
std::string_view keyEventName(KeyEvent event);  // "none", "ready", …

// What comes next for a key, and when, or what it waits for.
struct KeyOutlook {
  KeyEvent next = KeyEvent::kNone;
  std::optional<WallTime> at = {};  // nullopt: nobody knows yet
  std::string waits_for = {};       // empty: for that time alone
};
// REQUIRES: `record` is of `zone`.
KeyOutlook outlookOf(const ZoneKeys& zone, const KeyRecord& record, const SigningPolicy& policy);

struct KeyPlan {
  std::vector<KeyStep> steps;               // to be taken together
  std::optional<WallTime> look_again = {};  // nullopt: nothing happens by itself
};
// To be asked again after its steps, until there are none.
KeyPlan nextSteps(const ZoneKeys& zone, const SigningPolicy& policy, WallTime now);

// The step that begins a roll; nullopt: one is under way. kRefused says why not, and until when.
Result<std::optional<KeyStep>> beginRoll(const ZoneKeys& zone, const SigningPolicy& policy,
                                         KeyRole role);
// The successor of a roll that is under way, or nullptr.
const KeyRecord* successorOf(const ZoneKeys& zone, KeyRole role);
// The zone once somebody has said that the parent serves the DS of the key. kNotFound, kRefused.
Result<ZoneKeys> withDsSeen(ZoneKeys zone, const SigningPolicy& policy, std::uint16_t tag,
                            WallTime now);
// The zone after a step. `made`: of a step without a tag.
ZoneKeys after(ZoneKeys zone, const KeyStep& step, WallTime now,
               std::shared_ptr<const ZoneKey> made = nullptr);
// What is found at a start: the last write may have been reported as failed, and its keys used on.
ZoneKeys found(ZoneKeys zone, WallTime now);
// All times moved with the wall clock that was set; none of them is later than `now`.
ZoneKeys shifted(ZoneKeys zone, std::chrono::milliseconds by, WallTime now);

// REQUIRES: some key signs keys, and some the zone.
KeySet keySetOf(const ZoneKeys& zone, const SigningPolicy& policy, NameView apex);
bool sameDuties(const KeySet& a, const KeySet& b);

}  // namespace meridian::dns
