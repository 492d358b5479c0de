// KeyService: the keys of all zones that are signed here: made, kept, rolled.
//
// Each step is stored (synced) before anybody is told of it. The signer asks keysOf(), is called
// back when a zone's keys have other duties, and reports what is served, on which the next steps
// wait (dns/sign/key_plan). Waits are counted by the monotonic clock while this runs: when somebody
// sets the wall clock, what is kept is moved with it.
//
// Threads: the control thread. Crash: before the store's sync the old keys stand; after it, the new
// ones are what a start finds.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "dns/sign/key_plan.h"
#include "dns/sign/key_store.h"
#include "dns/zone/zone_policy.h"

namespace meridian::dns {

// What one call has changed.
struct KeyChange {
  std::uint16_t tag = 0;  // of the key that it is about
  bool changed = false;   // false: it was so already
};

class KeyService {
 public:
  static std::vector<std::string> families() { return KeyStore::families(); }
  // kIo, kCorrupt.
  static Result<KeyService> open(std::shared_ptr<KvStore> store, const Clock& clock,
                                 std::shared_ptr<const ZonePolicies> policies);

  // Is told each zone whose KeySet has changed, or is there for the first time.
  void onChange(std::function<void(NameView apex)> observer) { observer_ = std::move(observer); }

  // A zone is served here, or has changed; `largest_ttl` of its records. One that is to be signed
  // has keys when this returns. kIo: it has none yet; tick() tries again.
  Status zoneServed(NameView apex, std::chrono::seconds largest_ttl);
  // nullptr: the zone is not to be signed here, or has no keys yet. REQUIRES: `apex` is
  // lower-cased.
  std::shared_ptr<const KeySet> keysOf(NameView apex) const;

  // What the signer reports; it may do so late, and again. A signer takes keysOf() each time it
  // signs, but may be slow to bring what it signed into service. The DNSKEY RRset that is served is
  // that of `keys`.
  void keysServed(NameView apex, const KeySet& keys);
  // And all signatures of the zone that is served are of the signers of `keys`.
  void zoneSigned(NameView apex, const KeySet& keys);

  // Takes what steps are due. To be called about every second.
  void tick();
  // When the next step is due; nullopt: none is by itself.
  std::optional<WallTime> nextStep() const;

  // Begins a roll; changed = false: one is under way, and `tag` is its successor. kNotFound: no key
  // of the zone is here; kInvalid, kRefused: beginRoll().
  Result<KeyChange> roll(NameView apex, KeyRole role);
  // The parent serves the DS of this key. kNotFound, kInvalid, kRefused: withDsSeen().
  Result<KeyChange> dsSeen(NameView apex, std::uint16_t tag);
  // Takes a key that was made elsewhere. Where the zone has none of its role it is ACTIVE at once,
  // else it is the successor in a roll. kConflict: a key of that tag, or a roll, is there;
  // kInvalid, kRefused: the zone's other keys do not go with it.
  Result<KeyChange> import(NameView apex, std::shared_ptr<const ZoneKey> key, KeyRole role,
                           std::optional<WallTime> made);

  struct Shown {
    const ZoneKeys& keys;
    const std::optional<SigningPolicy>& policy;  // nullopt: it is not signed here
  };
  // nullopt: no key of the zone is here. Valid until the next call of another function.
  std::optional<Shown> show(NameView apex) const;

  struct Counters {
    std::array<std::uint64_t, 3> rolls_begun{};  // by role
    std::array<std::uint64_t, 3> rolls_ended{};  // a successor became ACTIVE
    std::uint64_t failures = 0;                  // steps that could not be stored, or keys not made
  };
  const Counters& counters() const { return counters_; }
  // Calls back with each zone that has keys.
  void forEach(const std::function<void(const Name& apex, const Shown& shown)>& visit) const;

 private:
  struct Entry {
    Name apex;
    std::optional<SigningPolicy> policy;
    ZoneKeys zone;
    bool served = false;
    std::shared_ptr<const KeySet> set;
    std::optional<WallTime> look_again;
  };

  KeyService(KeyStore store, const Clock& clock, std::shared_ptr<const ZonePolicies> policies)
      : store_(std::move(store)),
        clock_(&clock),
        policies_(std::move(policies)),
        clock_distance_(distance()) {}

  std::chrono::milliseconds distance() const;
  Entry* find(NameView apex);
  const Entry* find(NameView apex) const;
  Result<Entry*> findStored(NameView apex);
  Entry& add(NameView apex);
  Status applyPolicy(Entry& entry);
  Status keep(Entry& entry, ZoneKeys next);
  Result<std::shared_ptr<const ZoneKey>> make(const Entry& entry, const ZoneKeys& zone,
                                              KeyRole role) const;
  Result<ZoneKeys> taken(const Entry& entry, const std::vector<KeyStep>& steps) const;
  void count(const ZoneKeys& before, const ZoneKeys& after);
  Status advance(Entry& entry);
  void settle(Entry& entry);
  void tell(Entry& entry);
  void followClock();
  void report(NameView apex, const KeySet& keys, bool whole);

  KeyStore store_;
  const Clock* clock_;
  std::shared_ptr<const ZonePolicies> policies_;
  std::function<void(NameView)> observer_ = [](NameView) {};
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;  // by the apex' wire form
  std::chrono::milliseconds clock_distance_;  // wall clock before monotonic clock
  bool shift_is_stored_ = true;
  std::optional<WallTime> next_;  // the earliest look_again; may be too early
  Counters counters_;
};

}  // namespace meridian::dns
