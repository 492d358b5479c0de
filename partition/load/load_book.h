// LoadBook: what eZones carry, as it is reported (domain.md §3e), smoothed.
//
// Smoothing: an exponentially weighted mean with a time constant of 60 s; a report that comes dt
// after the one before weighs 1 - exp(-dt/60 s), so neither its pace nor two at once matter. Age is
// by the monotonic clock: 60 s after its last report an eZone's load is unknown.
// An eZone's load is what was reported of it as a whole; reports of partitions say how it is
// divided. Of a partition the reports of all eZones add up (while it moves, two carry it); one that
// nobody reports has its share, by weight, of what its owner's reported ones leave over.
// Soft state: after a start everything is unknown until it is reported. Bounds: kMaxParts.
// Pure: time comes in with each call and must not go back. Threads: one.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "partition/load/load_report.h"
#include "partition/load/load_view.h"

namespace meridian::partition {

// Label values of meridian_load_reports_total; stable.
enum class LoadOutcome : std::uint8_t {
  kAccepted,
  kMalformed,         // no report at all (load_report.h)
  kUnknownEZone,      // not in the topology
  kUnknownPartition,  // not in the topology
  kNotAllowed,        // the partition may never be on that eZone
  kBadNumber,         // negative, not finite, too big, or a capacity of nothing
  kBadTime,           // `ts` and this server's clock differ by more than 300 s
  kTooMany            // more pairs of eZone and partition than are kept
};
inline constexpr std::size_t kLoadOutcomes = 8;
std::string_view loadOutcomeName(LoadOutcome outcome);  // "accepted", "unknown-ezone", …
std::string_view loadOutcomeText(LoadOutcome outcome);  // for people

struct LoadTime {
  MonotonicTime mono{};
  WallTime wall{};
};

// Looks ids of one topology up, for batches. The topology must outlive it.
class LoadIds {
 public:
  explicit LoadIds(const Topology& topology);
  const Topology& topology() const { return topology_; }
  std::optional<EZoneIx> ezone(std::string_view id) const;
  std::optional<PartitionIx> partition(std::string_view id) const;

 private:
  const Topology& topology_;
  std::unordered_map<std::string_view, EZoneIx> ezones_;
  std::unordered_map<std::string_view, PartitionIx> partitions_;
};

// The last report about an eZone as a whole.
struct LoadStatus {
  double last_units = 0;  // as reported
  double ewma_units = 0;
  std::chrono::milliseconds age{};
  WallTime heard{};
  bool fresh = false;  // not older than LoadBook::kFresh
};

// Of an eZone, or of a partition at one.
struct SmoothedLoad {
  double last = 0, mean = 0;
  MonotonicTime at{};  // of the last report
  WallTime heard{};
};
struct ReportedCapacity {
  double units = 0;
  MonotonicTime at{};
};

class LoadBook {
 public:
  static constexpr std::chrono::seconds kTimeConstant{60};
  static constexpr std::chrono::seconds kFresh{60};
  static constexpr std::chrono::seconds kMaxClockDifference{300};
  static constexpr std::chrono::hours kKept{1};  // silent entries go after this
  static constexpr std::size_t kMaxParts = 65'536;

  // Takes the report whole or not at all, and counts the outcome.
  LoadOutcome report(const LoadReport& report, const LoadIds& ids, const LoadTime& now);
  // Counts what its caller refused.
  void refuse(LoadOutcome outcome) { ++counts_[static_cast<std::size_t>(outcome)]; }
  std::uint64_t count(LoadOutcome outcome) const {
    return counts_[static_cast<std::size_t>(outcome)];
  }

  LoadPicture picture(const Topology& topology, const AssignmentTable& table,
                      MonotonicTime now) const;
  // nullopt: never reported, or long ago.
  std::optional<LoadStatus> status(std::string_view ezone, MonotonicTime now) const;
  // Whether the capacity in picture() comes from a report.
  bool reportsCapacity(std::string_view ezone, MonotonicTime now) const;

  // Drops what has been silent for kKept. To be called now and then.
  void forget(MonotonicTime now);

 private:
  struct Record {
    std::optional<SmoothedLoad> whole;
    std::optional<ReportedCapacity> capacity;
    std::map<std::string, SmoothedLoad, std::less<>> parts;
  };

  LoadOutcome judged(const LoadReport& report, const LoadIds& ids, const LoadTime& now);
  static void add(SmoothedLoad& to, bool first, double units, const LoadTime& now);
  const Record* find(std::string_view ezone) const;
  EZoneLoad loadOf(const Topology& topology, EZoneIx ezone, MonotonicTime now) const;

  std::map<std::string, Record, std::less<>> records_;  // by eZone id
  std::size_t parts_ = 0;
  bool reported_ = false;
  std::array<std::uint64_t, kLoadOutcomes> counts_{};
};

// The book at the clock's now.
class ClockedLoad final : public LoadSource {
 public:
  // Both must outlive this.
  ClockedLoad(const LoadBook& book, const Clock& clock) : book_(book), clock_(clock) {}
  LoadPicture picture(const Topology& topology, const AssignmentTable& table) const override {
    return book_.picture(topology, table, clock_.monotonicNow());
  }

 private:
  const LoadBook& book_;
  const Clock& clock_;
};

}  // namespace meridian::partition
