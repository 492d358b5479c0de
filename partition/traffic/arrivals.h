// ArrivalBook: how many requests for a subject come to each eZone, as their routers count them. So
// a drain is measured (domain.md §3b, DRAINING; §3f, "resolver ignores TTL"): the share of arrivals
// that come to the old eZone is the share of clients that still have the old answer.
//
// A router's newest report stands for it, and is nothing any more kFresh after it came. Soft state:
// after a start everything is unknown. Bounds: subjects and eZones of the topology, kMaxRouters of
// each pair, kMaxKept of all. Pure: time comes in with each call and must not go back. Threads:
// one.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "partition/map_service.h"
#include "partition/traffic/arrival_report.h"

namespace meridian::partition {

// Label values of meridian_arrival_reports_total; stable.
enum class ArrivalOutcome : std::uint8_t {
  kAccepted,
  kMalformed,       // no report at all (arrival_report.h)
  kUnknownSubject,  // not in the table
  kUnknownEZone,    // not in the topology
  kBadTime,         // `ts` and this server's clock differ by more than 300 s
  kOutdated,        // not newer than what the router said before
  kTooMany          // more routers than are kept
};
inline constexpr std::size_t kArrivalOutcomes = 7;
std::string_view arrivalOutcomeName(ArrivalOutcome outcome);  // "accepted", "unknown-subject", …
std::string_view arrivalOutcomeText(ArrivalOutcome outcome);  // for people

struct ArrivalTime {
  MonotonicTime mono{};
  WallTime wall{};
};

// The ids of one map, for batches. The map must outlive it.
class ArrivalIds {
 public:
  explicit ArrivalIds(const MapSnapshot& map);
  bool subject(std::string_view id) const { return subjects_.contains(id); }
  bool ezone(std::string_view id) const { return ezones_.contains(id); }

 private:
  std::set<std::string_view> subjects_, ezones_;
};

class ArrivalBook {
 public:
  static constexpr std::chrono::seconds kFresh{60};
  static constexpr std::chrono::seconds kMaxClockDifference{300};
  static constexpr std::size_t kMaxRouters = 64;
  static constexpr std::size_t kMaxKept = 65'536;

  // Takes the report whole or not at all, and counts the outcome.
  ArrivalOutcome report(const ArrivalReport& report, const ArrivalIds& ids, const ArrivalTime& now);
  // Counts what its caller refused.
  void refuse(ArrivalOutcome outcome) { ++counts_[static_cast<std::size_t>(outcome)]; }
  std::uint64_t count(ArrivalOutcome outcome) const {
    return counts_[static_cast<std::size_t>(outcome)];
  }

  // 0 to 1: the part of the subject's arrivals that came to `ezone`. nullopt: nobody there has told
  // anything for kFresh, or nothing came anywhere.
  std::optional<double> share(std::string_view subject, std::string_view ezone,
                              MonotonicTime now) const;
  std::size_t size() const { return kept_; }
  // Drops what is not fresh. To be called now and then.
  void forget(MonotonicTime now);

 private:
  struct Heard {
    double per_second = 0;
    MonotonicTime at{};
    std::int64_t ts = 0;
  };
  using Routers = std::map<std::string, Heard, std::less<>>;
  using Rooms = std::map<std::string, Routers, std::less<>>;  // by eZone id

  ArrivalOutcome taken(const ArrivalReport& report, const ArrivalIds& ids, const ArrivalTime& now);

  std::map<std::string, Rooms, std::less<>> subjects_;
  std::size_t kept_ = 0;  // routers of all
  std::array<std::uint64_t, kArrivalOutcomes> counts_{};
};

}  // namespace meridian::partition
