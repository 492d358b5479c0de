// HoldBook: who wants a partition, a zone or a site to stay where it is until a given time: a
// comparison of data, a migration, a schema change, a person. Each hold has a holder, a reason and
// an end (domain.md S9). Planned and gradual changes wait for it or are refused (rule S14,
// partition/change/safety.h); an emergency passes, and the hold remembers by what.
//
// Family "holds", as ExpiringList keeps it. A hold outlives a restart. Threads: the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "partition/expiring_list.h"

namespace meridian::partition {

// A global zone is held as the zone that it is.
enum class HoldScope : std::uint8_t { kPartition, kZone, kDatacenter };
std::string_view holdScopeName(HoldScope scope);  // "partition", "zone", "datacenter"
std::optional<HoldScope> holdScopeOf(std::string_view name);

struct Hold {
  std::uint64_t id = 0;
  HoldScope scope = HoldScope::kPartition;
  std::string subject;  // id of the partition, zone or datacenter
  std::string holder;   // what holds: "dcp", "d-bus", "mm-ost", a person
  std::string reason;
  std::string actor;  // whose token it was
  WallTime created{}, expires{};
  std::string passed_by = {};  // the newest change that went over it; empty: none did
};
std::string holdId(std::uint64_t id);  // "h-3"
std::optional<std::uint64_t> holdNumberOf(std::string_view id);
// "dcp holds us-tx until 2026-11-25T10:00:00.000Z (h-3): nightly comparison"
std::string describeHold(const Hold& hold);

// What a change would do, for the question whether somebody holds it.
struct HeldMove {
  std::string_view subject, zone;   // partition or global zone id; its zone
  std::string_view from_dc, to_dc;  // may be empty
};

class HoldBook {
 public:
  static constexpr std::chrono::seconds kDefaultLife{4 * 3600};
  static constexpr std::chrono::seconds kMaxLife{72 * 3600};
  static constexpr std::size_t kMaxHolds = 1024;

  static std::vector<std::string> families();
  // kCorrupt: a hold cannot be read.
  static Result<HoldBook> open(std::shared_ptr<KvStore> store);

  // REQUIRES: created < expires. kRefused: there are too many.
  Result<Hold> add(Hold hold) { return list_.add(std::move(hold)); }
  // kNotFound.
  Status release(std::uint64_t id) { return list_.remove(id); }
  Result<bool> expire(WallTime now) { return list_.expire(now); }
  // Notes on each of these holds that the change went over it, and logs it.
  Status passed(const std::vector<std::uint64_t>& ids, const std::string& change_id);
  // Oldest first; those whose time is over are in it until expire().
  const std::vector<Hold>& all() const { return list_.all(); }
  // Those that are about this move and have not ended.
  std::vector<const Hold*> on(const HeldMove& move, WallTime now) const;

 private:
  explicit HoldBook(ExpiringList<Hold> list) : list_(std::move(list)) {}

  ExpiringList<Hold> list_;
};

}  // namespace meridian::partition
