// The balancer's judgement (domain.md §3e): which partitions of a sharding zone should move to even
// out how full sites are, each with its reason, gain and cost; or why none. Pure.
//
// A round begins when the gap between the fullest and the emptiest site of the zone, or the fullest
// alone, has been over its bound for `sustained` without a break, and rounds go on until the gap is
// at most `gap_stop`. A site whose load is unknown is neither source nor target. Every move lowers
// the fuller of its two sites by at least kMinGain, so rounds over a steady load come to an end:
// the sites' loads in falling order only ever become smaller (I8). How long a partition rests is
// counted from the table's own `since`: moves by hand count too. Not considered, since the model
// does not have them: affinity groups that move together, and the border that a move cuts between
// neighbours.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "partition/decision.h"
#include "partition/drc/link_view.h"
#include "partition/load/load_view.h"
#include "partition/model.h"
#include "partition/table.h"

namespace meridian::partition {

// Utilisations and shares: 1 is all of it.
struct BalancePolicy {
  double gap_start = 0.20;  // ≥ this
  double gap_stop = 0.10;   // ≤ this; < gap_start
  double high = 0.75;       // a site that is so full begins a round, too
  std::chrono::milliseconds sustained{600'000};
  double max_share = 0.10;              // of the zone's load, in a round
  std::size_t max_partitions = 2;       // in a round
  std::size_t max_rounds_per_hour = 2;  // of all zones together: they share sites
  std::chrono::milliseconds dwell{6 * 3'600'000};
  double max_target = 0.70;         // predicted
  double max_growth_km = 600;       // beyond what it is from home, so that hops do not add up
  std::int64_t max_lag_ms = 1'000;  // the worst of the last 60 s, old site to new
};
// What makes a policy impossible; empty: nothing.
std::string balancePolicyProblem(const BalancePolicy& policy);

// A move's cost, in utilisation of a site: what it must be worth twice. A move home costs half.
inline constexpr double kMoveCost = 0.005;
inline constexpr double kAwayCost = 0.005;           // it leaves home
inline constexpr double kCostOfThousandKm = 0.0167;  // farther from its place than before
inline constexpr double kMinGainPerCost = 2;
inline constexpr double kMinGain = kMinGainPerCost * kMoveCost / 2;

// What the caller keeps of a zone from look to look.
struct BalanceState {
  std::optional<MonotonicTime> since = {};  // over a bound without a break
  bool active = false;                      // rounds go on until gap_stop
};

struct BalanceHistory {
  std::size_t rounds_last_hour = 0;
  bool zone_changing = false;                    // a change of this zone is open
  std::set<std::string, std::less<>> held = {};  // partitions that may not move now
};

struct BalanceView {
  const Topology& topology;
  const AssignmentTable& table;
  const LoadPicture& load;
  const LinkSource& links;
  const SiteHealth& health;
  const BalanceHistory& history;
  WallTime now{};
};

// Of the sites of a zone that are in service, not DOWN, and whose utilisation is known.
struct LoadSpread {
  std::size_t known = 0;
  double lowest = 0, highest = 0;
  double gap() const { return highest - lowest; }
};
LoadSpread spreadOf(const BalanceView& view, ZoneIx zone);

BalanceState observed(BalanceState state, const LoadSpread& spread, MonotonicTime now,
                      const BalancePolicy& policy);

enum class BalanceVerdict : std::uint8_t {
  kMoves,
  kBalanced,     // no bound is passed
  kWaiting,      // one is, but not for long enough
  kLoadUnknown,  // of fewer than two sites
  kChangeOpen,
  kRoundsUsed,
  kNoCandidate  // see `blocked`
};
std::string_view balanceVerdictName(BalanceVerdict verdict);  // "moves", "balanced", …

// Why a partition may not go to a site.
enum class BalanceBlocker : std::uint8_t {
  kHeld,      // part of a change
  kDwell,     // moved lately
  kUnits,     // its load is not known, or nothing
  kSite,      // the target is not in service and UP, or its load is unknown
  kGap,       // the target is about as full
  kDistance,  // too far
  kLink,      // replication to there is not fresh, running and within the bound
  kFull,      // the target would be too full
  kShare,     // more of the zone than a round may move
  kGain       // not worth its cost
};
inline constexpr std::size_t kBalanceBlockers = 10;
std::string_view balanceBlockerName(BalanceBlocker blocker);  // "held", "dwell", …

struct BalanceMove {
  std::string partition, from, to;  // from, to: eZone ids
  double units = 0;
  double from_before = 0, from_after = 0, to_before = 0, to_after = 0;  // utilisation
  double gain = 0;  // by how much the fuller of the two becomes emptier
  double cost = 0;
  double growth_km = 0;  // farther from its place than now; negative: nearer
  bool home = false;
  std::string reason;  // for people
};

struct BalanceRound {
  BalanceVerdict verdict = BalanceVerdict::kBalanced;
  LoadSpread spread;
  std::vector<BalanceMove> moves;  // in the order they were chosen
  // Ways (partition and target) that were looked at and not open, when the search ended.
  std::array<std::size_t, kBalanceBlockers> blocked{};
  std::string text;  // for people: why these, or why none
};

// REQUIRES: `zone` is a sharding zone of the view's topology.
BalanceRound proposeRound(const BalanceView& view, ZoneIx zone, const BalanceState& state,
                          MonotonicTime now, const BalancePolicy& policy);

}  // namespace meridian::partition
