#include "dns/sign/key_service.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/log.h"

namespace meridian::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What clocks lose to each other by themselves is less.
constexpr milliseconds kClockTolerance{2'000};
constexpr seconds kRetryAfter{60};
constexpr int kMaxTagAttempts = 64;
// Every key may go through all its states.
constexpr std::size_t kMaxStepsAtOnce = ZoneKeys::kMaxKeys * 4;

std::string_view entryKey(NameView apex) {
  return asText(apex.wire());
}

tl::unexpected<Error> noKeys(NameView apex) {
  return fail(ErrorKind::kNotFound, "no key of zone " + apex.text() + " is here");
}

std::string stateText(const KeyStep& step) {
  return step.to ? std::string(keyStateName(*step.to)) : std::string("removed");
}

bool isMade(const ZoneKeys& before, const KeyRecord& record) {
  return before.find(record.tag()) == nullptr;
}

std::size_t inUse(const ZoneKeys& zone, KeyRole role) {
  return static_cast<std::size_t>(
      std::count_if(zone.keys.begin(), zone.keys.end(), [&](const KeyRecord& each) {
        return each.role == role && each.state != KeyState::kRetired;
      }));
}

Status fitsBeside(const ZoneKeys& zone, const ZoneKey& key, KeyRole role) {
  const std::string name(keyRoleName(role));
  if (key.isEntryPoint() != signsKeys(role)) {
    return fail(ErrorKind::kInvalid, signsKeys(role)
                                         ? "its flags are 256: a " + name + " has 257 (SEP)"
                                         : "its flags are 257 (SEP): a zsk has 256");
  }
  for (const KeyRecord& each : zone.keys) {
    if (each.key->algorithm() != key.algorithm()) {
      return fail(ErrorKind::kRefused,
                  "the zone's other keys are of another algorithm, and both would have to sign");
    }
    if ((each.role == KeyRole::kCsk) != (role == KeyRole::kCsk)) {
      return fail(ErrorKind::kRefused, "the zone has a " + std::string(keyRoleName(each.role)) +
                                           ", which does not go with a " + name);
    }
  }
  return {};
}

}  // namespace

Result<KeyService> KeyService::open(std::shared_ptr<KvStore> store, const Clock& clock,
                                    std::shared_ptr<const ZonePolicies> policies) {
  KeyService out(KeyStore(std::move(store)), clock, std::move(policies));
  auto rows = out.store_.load();
  if (!rows) return tl::unexpected(rows.error());
  for (auto& [apex, zone] : *rows) {
    // A clock that was set back while nobody looked: what waits waits anew, at the most.
    out.add(apex).zone = found(std::move(zone), clock.wallNow());
  }
  return out;
}

milliseconds KeyService::distance() const {
  return clock_->wallNow().time_since_epoch() - clock_->monotonicNow().time_since_epoch();
}

KeyService::Entry* KeyService::find(NameView apex) {
  const auto found = entries_.find(entryKey(apex));
  return found == entries_.end() ? nullptr : found->second.get();
}
const KeyService::Entry* KeyService::find(NameView apex) const {
  const auto found = entries_.find(entryKey(apex));
  return found == entries_.end() ? nullptr : found->second.get();
}

Result<KeyService::Entry*> KeyService::findStored(NameView apex) {
  Entry* entry = find(apex);
  if (entry == nullptr || entry->zone.keys.empty()) return noKeys(apex);
  if (!entry->policy) {
    return fail(ErrorKind::kRefused, "zone " + apex.text() +
                                         " is not signed here: no [dns.zones.sign] of the "
                                         "configuration is about it");
  }
  return entry;
}

KeyService::Entry& KeyService::add(NameView apex) {
  auto& entry = entries_[std::string(entryKey(apex))];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
    entry->apex = Name(apex);
    entry->policy = policies_->of(apex).sign;
  }
  return *entry;
}

Status KeyService::zoneServed(NameView apex, seconds largest_ttl) {
  followClock();
  if (find(apex) == nullptr && !policies_->of(apex).sign) return {};
  Entry& entry = add(apex);
  if (!entry.policy) return {};
  entry.served = true;
  const SigningPolicy& policy = *entry.policy;
  ZoneKeys next = entry.zone;
  const WallTime now = clock_->wallNow();
  next.zone_ttl.become(largest_ttl, now, policy.propagation_delay);
  // A shorter one counts from when it is served.
  next.dnskey_ttl.now = std::max(next.dnskey_ttl.now, policy.dnskey_ttl);
  next.signatures.become(policy.signature_lifetime, now, policy.propagation_delay);
  const bool same = next.zone_ttl == entry.zone.zone_ttl &&
                    next.dnskey_ttl == entry.zone.dnskey_ttl &&
                    next.signatures == entry.zone.signatures;
  if (entry.zone.keys.empty()) {
    entry.zone = std::move(next);
  } else if (!same) {
    if (Status kept = keep(entry, std::move(next)); !kept) return kept;
  }
  const auto differs = [&](const KeyRecord& each) {
    return each.key->algorithm() != policy.algorithm ||
           (each.role == KeyRole::kCsk) == policy.split_keys;
  };
  if (!entry.set && std::any_of(entry.zone.keys.begin(), entry.zone.keys.end(), differs)) {
    logWarn("zone_keys_differ", {{"zone", apex.text()},
                                 {"why",
                                  "its keys are of another algorithm or kind than algorithm "
                                  "and keys of its [dns.zones.sign]"},
                                 {"next", "nothing: they stay as they are, rolls too"}});
  }
  return advance(entry);
}

std::shared_ptr<const KeySet> KeyService::keysOf(NameView apex) const {
  const Entry* entry = find(apex);
  return entry == nullptr ? nullptr : entry->set;
}

void KeyService::keysServed(NameView apex, const KeySet& keys) {
  report(apex, keys, false);
}
void KeyService::zoneSigned(NameView apex, const KeySet& keys) {
  report(apex, keys, true);
}

void KeyService::report(NameView apex, const KeySet& keys, bool whole) {
  followClock();
  Entry* entry = find(apex);
  if (entry == nullptr || !entry->policy) return;
  const WallTime now = clock_->wallNow();
  const SigningPolicy& policy = *entry->policy;
  ZoneKeys next = entry->zone;
  const bool is_shorter =
      next.dnskey_ttl.now > policy.dnskey_ttl && policy.dnskey_ttl == seconds(keys.dnskey_ttl);
  if (is_shorter) next.dnskey_ttl.become(policy.dnskey_ttl, now, policy.propagation_delay);
  bool news = is_shorter;
  for (KeyRecord& each : next.keys) {
    const auto& dnskey = each.key->dnskey();
    const auto is_it = [&](const auto& key) { return key->dnskey() == dnskey; };
    const bool is_served =
        std::find(keys.dnskeys.begin(), keys.dnskeys.end(), dnskey) != keys.dnskeys.end();
    if (is_served && !each.served_since) {
      each.served_since = now;
      news = true;
    }
    const bool signs =
        whole && std::any_of(keys.zone_signers.begin(), keys.zone_signers.end(), is_it);
    if (signs && !each.whole_since) {
      each.whole_since = now;
      news = true;
    }
  }
  if (!news) return;
  // What could not be stored is reported again after a restart; a wait that begins later does no
  // harm.
  if (keep(*entry, std::move(next))) static_cast<void>(advance(*entry));
}

Status KeyService::keep(Entry& entry, ZoneKeys next) {
  if (Status kept = store_.keep({{entry.apex, next}}); !kept) {
    ++counters_.failures;
    logError("zone_keys_not_stored",
             {{"zone", entry.apex.text()},
              {"why", kept.error().message},
              {"next", "the keys stay as they are; it is tried again within a minute"}});
    entry.look_again = clock_->wallNow() + kRetryAfter;
    next_ = std::min(next_.value_or(*entry.look_again), *entry.look_again);
    return kept;
  }
  count(entry.zone, next);
  entry.zone = std::move(next);
  return {};
}

void KeyService::count(const ZoneKeys& before, const ZoneKeys& after) {
  for (const KeyRecord& each : after.keys) {
    const auto role = static_cast<std::size_t>(each.role);
    if (isMade(before, each)) {
      if (inUse(before, each.role) != 0) ++counters_.rolls_begun[role];
    } else if (each.state == KeyState::kActive &&
               before.find(each.tag())->state != KeyState::kActive &&
               inUse(after, each.role) < inUse(before, each.role)) {
      ++counters_.rolls_ended[role];
    }
  }
}

// Keys are known by their tags, so no zone may have one twice.
Result<std::shared_ptr<const ZoneKey>> KeyService::make(const Entry& entry, const ZoneKeys& zone,
                                                        KeyRole role) const {
  const SigningAlgorithm algorithm =
      zone.keys.empty() ? entry.policy->algorithm : zone.keys.back().key->algorithm();
  for (int i = 0; i < kMaxTagAttempts; ++i) {
    auto pair = SigningKey::generate(keyKindOf(algorithm));
    if (!pair) return tl::unexpected(pair.error());
    auto key = std::make_shared<const ZoneKey>(std::move(*pair), signsKeys(role));
    if (zone.find(key->tag()) == nullptr) return key;
  }
  return fail(ErrorKind::kUnavailable, "no key with a tag of its own was found");
}

Result<ZoneKeys> KeyService::taken(const Entry& entry, const std::vector<KeyStep>& steps) const {
  ZoneKeys out = entry.zone;
  for (const KeyStep& step : steps) {
    std::shared_ptr<const ZoneKey> made;
    if (!step.tag) {
      auto key = make(entry, out, step.role);
      if (!key) return tl::unexpected(key.error());
      made = std::move(*key);
    }
    const std::uint16_t tag = step.tag ? *step.tag : made->tag();
    out = after(std::move(out), step, clock_->wallNow(), std::move(made));
    logInfo("zone_key_step", {{"zone", entry.apex.text()},
                              {"key", std::to_string(tag)},
                              {"role", std::string(keyRoleName(step.role))},
                              {"state", stateText(step)}});
  }
  return out;
}

Status KeyService::advance(Entry& entry) {
  if (!entry.policy || !entry.served) return {};
  for (std::size_t i = 0; i < kMaxStepsAtOnce; ++i) {
    const KeyPlan plan = nextSteps(entry.zone, *entry.policy, clock_->wallNow());
    entry.look_again = plan.look_again;
    if (plan.steps.empty()) break;
    auto next = taken(entry, plan.steps);
    if (!next) {
      ++counters_.failures;
      logError("zone_key_not_made", {{"zone", entry.apex.text()}, {"why", next.error().message}});
      entry.look_again = clock_->wallNow() + kRetryAfter;
      next_ = std::min(next_.value_or(*entry.look_again), *entry.look_again);
      return tl::unexpected(next.error());
    }
    if (Status kept = keep(entry, std::move(*next)); !kept) return kept;
  }
  if (entry.look_again) next_ = std::min(next_.value_or(*entry.look_again), *entry.look_again);
  tell(entry);
  settle(entry);
  return {};
}

void KeyService::settle(Entry& entry) {
  ZoneKeys next = entry.zone;
  bool is_new = false;
  for (KeyRecord& each : next.keys) {
    const bool settles = each.state == KeyState::kRetired && !each.settled;
    is_new = is_new || settles;
    each.settled = each.settled || settles;
  }
  // If it fails, a restart lets the key wait anew.
  if (is_new) static_cast<void>(keep(entry, std::move(next)));
}

void KeyService::tell(Entry& entry) {
  auto set = std::make_shared<const KeySet>(keySetOf(entry.zone, *entry.policy, entry.apex));
  if (entry.set && sameDuties(*entry.set, *set)) return;
  entry.set = std::move(set);
  // May report at once what is served, and so lead to the next step.
  observer_(entry.apex);
}

// Somebody set the wall clock: time that did not pass must not count.
void KeyService::followClock() {
  const milliseconds by = distance() - clock_distance_;
  const bool was_set = std::chrono::abs(by) > kClockTolerance;
  if (!was_set && shift_is_stored_) return;
  const WallTime now = clock_->wallNow();
  std::vector<KeyStore::Row> rows;
  for (auto& [key, entry] : entries_) {
    if (was_set) {
      entry->zone = shifted(std::move(entry->zone), by, now);
      entry->look_again = now;
    }
    if (!entry->zone.keys.empty()) rows.emplace_back(entry->apex, entry->zone);
  }
  if (was_set) {
    clock_distance_ += by;
    next_ = now;
    logWarn("zone_keys_follow_clock", {{"clock_set_by_ms", std::to_string(by.count())},
                                       {"zones", std::to_string(rows.size())}});
  }
  if (rows.empty()) return;
  const Status kept = store_.keep(rows);
  shift_is_stored_ = kept.has_value();
  if (kept) return;
  ++counters_.failures;
  logError("zone_keys_not_stored",
           {{"zones", std::to_string(rows.size())},
            {"why", kept.error().message},
            {"next",
             "it is tried again; a restart before that would take the clock's jump for time that "
             "has passed"}});
}

void KeyService::tick() {
  followClock();
  const WallTime now = clock_->wallNow();
  if (!next_ || *next_ > now) return;
  next_.reset();
  for (auto& [key, entry] : entries_) {
    if (!entry->look_again) continue;
    if (*entry->look_again <= now) {
      entry->look_again.reset();
      static_cast<void>(advance(*entry));  // which says in the log what fails
    }
    if (entry->look_again) next_ = std::min(next_.value_or(*entry->look_again), *entry->look_again);
  }
}

std::optional<WallTime> KeyService::nextStep() const {
  std::optional<WallTime> out;
  for (const auto& [key, entry] : entries_) {
    if (entry->look_again && (!out || *entry->look_again < *out)) out = entry->look_again;
  }
  return out;
}

Result<KeyChange> KeyService::roll(NameView apex, KeyRole role) {
  followClock();
  auto entry = findStored(apex);
  if (!entry) return tl::unexpected(entry.error());
  const auto step = beginRoll((*entry)->zone, *(*entry)->policy, role);
  if (!step) return tl::unexpected(step.error());
  if (!*step) return KeyChange{successorOf((*entry)->zone, role)->tag(), false};
  auto next = taken(**entry, {**step});
  if (!next) return tl::unexpected(next.error());
  const std::uint16_t tag = next->keys.back().tag();
  if (Status kept = keep(**entry, std::move(*next)); !kept) return tl::unexpected(kept.error());
  if (Status done = advance(**entry); !done) return tl::unexpected(done.error());
  return KeyChange{tag, true};
}

Result<KeyChange> KeyService::dsSeen(NameView apex, std::uint16_t tag) {
  followClock();
  auto entry = findStored(apex);
  if (!entry) return tl::unexpected(entry.error());
  const KeyRecord* before = (*entry)->zone.find(tag);
  const bool was_seen = before != nullptr && before->ds_seen.has_value();
  auto next = withDsSeen((*entry)->zone, *(*entry)->policy, tag, clock_->wallNow());
  if (!next) return tl::unexpected(next.error());
  if (was_seen) return KeyChange{tag, false};
  if (Status kept = keep(**entry, std::move(*next)); !kept) return tl::unexpected(kept.error());
  if (Status done = advance(**entry); !done) return tl::unexpected(done.error());
  return KeyChange{tag, true};
}

Result<KeyChange> KeyService::import(NameView apex, std::shared_ptr<const ZoneKey> key,
                                     KeyRole role, std::optional<WallTime> made) {
  followClock();
  const Entry* known = find(apex);
  const ZoneKeys none;
  const ZoneKeys& zone = known == nullptr ? none : known->zone;
  const std::uint16_t tag = key->tag();
  if (const KeyRecord* same = zone.find(tag)) {
    const bool is_same = same->key->dnskey() == key->dnskey();
    if (is_same && same->role == role) return KeyChange{tag, false};
    if (is_same) {
      return fail(ErrorKind::kConflict,
                  "the key is here already, as a " + std::string(keyRoleName(same->role)));
    }
    return fail(ErrorKind::kConflict, "the zone has another key of the tag " + std::to_string(tag));
  }
  if (Status fits = fitsBeside(zone, *key, role); !fits) return tl::unexpected(fits.error());
  if (const KeyRecord* successor = successorOf(zone, role)) {
    return fail(ErrorKind::kConflict, "a roll is under way, to key " +
                                          std::to_string(successor->tag()) +
                                          "; wait until it has ended");
  }
  if (zone.keys.size() >= ZoneKeys::kMaxKeys) {
    return fail(ErrorKind::kRefused,
                "the zone has " + std::to_string(ZoneKeys::kMaxKeys) + " keys, which is the most");
  }
  const WallTime now = clock_->wallNow();
  const KeyState state = inUse(zone, role) == 0 ? KeyState::kActive : KeyState::kPublished;
  Entry& entry = add(apex);
  ZoneKeys next = after(entry.zone, {std::nullopt, role, state}, now, std::move(key));
  if (made) next.keys.back().made = std::min(*made, now);
  if (Status kept = keep(entry, std::move(next)); !kept) return tl::unexpected(kept.error());
  if (Status done = advance(entry); !done) return tl::unexpected(done.error());
  return KeyChange{tag, true};
}

std::optional<KeyService::Shown> KeyService::show(NameView apex) const {
  const Entry* entry = find(apex);
  if (entry == nullptr || entry->zone.keys.empty()) return std::nullopt;
  return Shown{entry->zone, entry->policy};
}

void KeyService::forEach(
    const std::function<void(const Name& apex, const Shown& shown)>& visit) const {
  for (const auto& [key, entry] : entries_) {
    if (!entry->zone.keys.empty()) visit(entry->apex, {entry->zone, entry->policy});
  }
}

}  // namespace meridian::dns
