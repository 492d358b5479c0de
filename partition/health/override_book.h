// OverrideBook: what operators say about health in place of the checks, each with a reason, an
// author and an end (domain.md S9). Kept in the store: an override outlives a restart.
//
// Family "health": "override/ID" (20 digits) → the override, "next" → the next id; ids are never
// used again. Threads: the control thread.
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
#include "partition/model.h"

namespace meridian::partition {

struct HealthOverride {
  std::uint64_t id = 0;
  std::string glob;  // over "datacenter/ID", "check/ID", "endpoint/SERVICE/EZONE/ID"
  Health state = Health::kDown;
  std::string reason, author;
  WallTime created{}, expires{};
};

// '*' is any run of bytes (also of none, also over '/'), '?' one byte, all else itself.
bool globMatches(std::string_view glob, std::string_view text);

class OverrideBook {
 public:
  static constexpr std::chrono::seconds kDefaultLife{4 * 3600};
  static constexpr std::chrono::seconds kMaxLife{72 * 3600};
  static constexpr std::size_t kMaxOverrides = 256;
  static constexpr std::size_t kMaxGlob = 128;

  static std::vector<std::string> families();

  // kCorrupt: an override cannot be read; without it a site that somebody took out would be back.
  static Result<OverrideBook> open(std::shared_ptr<KvStore> store);

  // REQUIRES: created < expires. kRefused: there are too many. When it returns, a restart keeps it.
  Result<HealthOverride> add(HealthOverride entry) { return list_.add(std::move(entry)); }
  // kNotFound.
  Status remove(std::uint64_t id) { return list_.remove(id); }
  // As ExpiringList::expire().
  Result<bool> expire(WallTime now) { return list_.expire(now); }
  // Oldest first.
  const std::vector<HealthOverride>& all() const { return list_.all(); }
  // The newest one that matches, or nullptr.
  const HealthOverride* winner(std::string_view subject) const;

 private:
  explicit OverrideBook(ExpiringList<HealthOverride> list) : list_(std::move(list)) {}

  ExpiringList<HealthOverride> list_;
};

}  // namespace meridian::partition
