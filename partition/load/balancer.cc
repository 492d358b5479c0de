#include "partition/load/balancer.h"

#include <fmt/format.h>

#include <algorithm>

#include "geo/distance.h"

namespace meridian::partition {
namespace {

struct SiteLevel {
  double units = 0, capacity = 0;
  double utilisation() const { return units / capacity; }
  double with(double more) const { return (units + more) / capacity; }
};

Health siteHealth(const BalanceView& view, EZoneIx ezone) {
  return view.health.datacenters[view.topology.ezones[ezone.index()].dc.index()];
}

// nullopt: takes no part.
std::optional<SiteLevel> levelOf(const BalanceView& view, EZoneIx ezone) {
  const EZoneLoad& load = view.load.ezones[ezone.index()];
  const bool serves = view.topology.dcOf(ezone).admin_state == AdminState::kInService &&
                      siteHealth(view, ezone) != Health::kDown;
  if (!serves || !load.units || !load.capacity || *load.capacity <= 0) return std::nullopt;
  return SiteLevel{*load.units, *load.capacity};
}

// From where the partition's clients are, as far as the model says: the mean over its anchors, or
// from its home.
double placeKm(const Topology& topology, const Partition& partition, EZoneIx ezone) {
  const geo::GeoPoint site = topology.dcOf(ezone).point;
  if (partition.anchors.empty()) {
    return geo::geodesicMetres(topology.dcOf(partition.home).point, site) / 1000;
  }
  double sum = 0;
  for (const geo::GeoPoint anchor : partition.anchors) sum += geo::geodesicMetres(anchor, site);
  return sum / 1000 / static_cast<double>(partition.anchors.size());
}

class RoundSearch {
 public:
  RoundSearch(const BalanceView& view, ZoneIx zone, const BalancePolicy& policy)
      : view_(view), policy_(policy), zone_(view.topology.zones[zone.index()]) {
    levels_.resize(view.topology.ezones.size());
    for (const EZoneIx ezone : zone_.ezones) levels_[ezone.index()] = levelOf(view, ezone);
    for (std::size_t i = 0; i < zone_.partition_count; ++i) {
      zone_units_ += view.load.partitions[partitionAt(i)].units.value_or(0);
    }
  }

  void run(BalanceRound& round) {
    while (round.moves.size() < policy_.max_partitions) {
      round.blocked.fill(0);
      const auto best = bestMove(round);
      if (!best) return;
      levels_[best->from.index()]->units -= best->move.units;
      levels_[best->to.index()]->units += best->move.units;
      moved_units_ += best->move.units;
      moved_.insert(best->move.partition);
      round.moves.push_back(best->move);
    }
  }

 private:
  struct Candidate {
    EZoneIx from, to;
    BalanceMove move;
    double worth() const { return move.gain / move.cost; }
  };

  std::size_t partitionAt(std::size_t i) const { return zone_.first_partition.index() + i; }

  // Fullest first.
  std::vector<EZoneIx> sources() const {
    std::vector<EZoneIx> out;
    for (const EZoneIx ezone : zone_.ezones) {
      if (levels_[ezone.index()]) out.push_back(ezone);
    }
    std::stable_sort(out.begin(), out.end(), [&](EZoneIx a, EZoneIx b) {
      return levels_[a.index()]->utilisation() > levels_[b.index()]->utilisation();
    });
    return out;
  }

  // The best that the fullest site can do; the next fullest is asked only when it can do nothing.
  std::optional<Candidate> bestMove(BalanceRound& round) const {
    const std::vector<EZoneIx> order = sources();
    if (order.size() < 2) return std::nullopt;
    const double lowest = levels_[order.back().index()]->utilisation();
    for (const EZoneIx from : order) {
      if (levels_[from.index()]->utilisation() - lowest <= policy_.gap_stop) break;
      std::optional<Candidate> best;
      for (std::size_t i = 0; i < zone_.partition_count; ++i) {
        if (view_.table.assignments[partitionAt(i)].ezone == from) {
          tryPartition(partitionAt(i), from, best, round);
        }
      }
      if (best) return best;
    }
    return std::nullopt;
  }

  void tryPartition(std::size_t index, EZoneIx from, std::optional<Candidate>& best,
                    BalanceRound& round) const {
    const Partition& partition = view_.topology.partitions[index];
    if (moved_.contains(partition.id)) return;
    const auto block = [&](BalanceBlocker why) { ++round.blocked[static_cast<std::size_t>(why)]; };
    const Assignment& now = view_.table.assignments[index];
    const auto units = view_.load.partitions[index].units;
    if (view_.history.held.contains(partition.id)) return block(BalanceBlocker::kHeld);
    if (now.prev_ezone && view_.now - now.since < policy_.dwell) {
      return block(BalanceBlocker::kDwell);
    }
    if (!units || *units <= 0) return block(BalanceBlocker::kUnits);
    if (moved_units_ + *units > policy_.max_share * zone_units_) {
      return block(BalanceBlocker::kShare);
    }
    for (const EZoneIx to : partition.allowed) {
      if (to == from) continue;
      if (const auto why = blocker(partition, from, to, *units)) {
        block(*why);
        continue;
      }
      Candidate candidate = candidateOf(partition, from, to, *units);
      if (candidate.move.gain < kMinGainPerCost * candidate.move.cost) {
        block(BalanceBlocker::kGain);
        continue;
      }
      if (!best || candidate.worth() > best->worth()) best = std::move(candidate);
    }
  }

  std::optional<BalanceBlocker> blocker(const Partition& partition, EZoneIx from, EZoneIx to,
                                        double units) const {
    const auto& target = levels_[to.index()];
    if (!target || siteHealth(view_, to) != Health::kUp) return BalanceBlocker::kSite;
    const double gap = levels_[from.index()]->utilisation() - target->utilisation();
    if (gap <= policy_.gap_stop) return BalanceBlocker::kGap;
    const double growth =
        placeKm(view_.topology, partition, to) - placeKm(view_.topology, partition, partition.home);
    if (growth > policy_.max_growth_km) return BalanceBlocker::kDistance;
    if (!replicates(from, to)) return BalanceBlocker::kLink;
    if (target->with(units) > policy_.max_target) return BalanceBlocker::kFull;
    return std::nullopt;
  }

  bool replicates(EZoneIx from, EZoneIx to) const {
    const Datacenter& source = view_.topology.dcOf(from);
    const Datacenter& target = view_.topology.dcOf(to);
    if (source.id == target.id) return true;
    const LinkView link = view_.links.link(source.id, target.id);
    return link.freshness == Freshness::kFresh && link.state == LinkState::kRunning &&
           !link.skewed && link.worst_lag_60s_ms && *link.worst_lag_60s_ms <= policy_.max_lag_ms;
  }

  Candidate candidateOf(const Partition& partition, EZoneIx from, EZoneIx to, double units) const {
    const SiteLevel& source = *levels_[from.index()];
    const SiteLevel& target = *levels_[to.index()];
    Candidate out{from, to, {}};
    BalanceMove& move = out.move;
    move.partition = partition.id;
    move.from = view_.topology.ezones[from.index()].id;
    move.to = view_.topology.ezones[to.index()].id;
    move.units = units;
    move.from_before = source.utilisation();
    move.from_after = source.with(-units);
    move.to_before = target.utilisation();
    move.to_after = target.with(units);
    move.gain =
        std::max(move.from_before, move.to_before) - std::max(move.from_after, move.to_after);
    move.growth_km =
        placeKm(view_.topology, partition, to) - placeKm(view_.topology, partition, from);
    move.home = to == partition.home;
    move.cost = move.home ? kMoveCost / 2 : kMoveCost;
    if (from == partition.home) move.cost += kAwayCost;
    move.cost += std::max(0.0, move.growth_km) / 1000 * kCostOfThousandKm;
    move.reason = fmt::format(
        "{} from {:.1f} to {:.1f} %, {} from {:.1f} to {:.1f} %; gain {:.1f}, cost {:.1f} points{}",
        move.from, 100 * move.from_before, 100 * move.from_after, move.to, 100 * move.to_before,
        100 * move.to_after, 100 * move.gain, 100 * move.cost, move.home ? "; goes home" : "");
    return out;
  }

  const BalanceView& view_;
  const BalancePolicy& policy_;
  const Zone& zone_;
  std::vector<std::optional<SiteLevel>> levels_;  // by EZoneIx
  double zone_units_ = 0, moved_units_ = 0;
  std::set<std::string, std::less<>> moved_;
};

bool passesBound(const LoadSpread& spread, const BalancePolicy& policy) {
  return spread.gap() >= policy.gap_start ||
         (spread.highest >= policy.high && spread.gap() > policy.gap_stop);
}

std::string spreadText(const LoadSpread& spread) {
  return fmt::format("{} sites from {:.1f} to {:.1f} % full", spread.known, 100 * spread.lowest,
                     100 * spread.highest);
}

std::string blockedText(const BalanceRound& round) {
  std::string out;
  for (std::size_t i = 0; i < kBalanceBlockers; ++i) {
    if (round.blocked[i] == 0) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", round.blocked[i],
                       balanceBlockerName(static_cast<BalanceBlocker>(i)));
  }
  return out.empty() ? "no partition of it is where it is full" : "not open: " + out;
}

}  // namespace

std::string balancePolicyProblem(const BalancePolicy& policy) {
  if (policy.gap_stop >= policy.gap_start) return "the gap to stop at must be below that to start";
  if (policy.max_target >= policy.high) {
    return "a target may not become so full that it is the next source";
  }
  return {};
}

std::string_view balanceVerdictName(BalanceVerdict verdict) {
  constexpr std::array<std::string_view, 7> kNames = {
      "moves", "balanced", "waiting", "load-unknown", "change-open", "rounds-used", "no-candidate"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string_view balanceBlockerName(BalanceBlocker blocker) {
  constexpr std::array<std::string_view, kBalanceBlockers> kNames = {
      "held", "dwell", "units", "site", "gap", "distance", "link", "full", "share", "gain"};
  return kNames[static_cast<std::size_t>(blocker)];
}

LoadSpread spreadOf(const BalanceView& view, ZoneIx zone) {
  LoadSpread out;
  for (const EZoneIx ezone : view.topology.zones[zone.index()].ezones) {
    const auto level = levelOf(view, ezone);
    if (!level) continue;
    const double utilisation = level->utilisation();
    out.lowest = out.known == 0 ? utilisation : std::min(out.lowest, utilisation);
    out.highest = out.known == 0 ? utilisation : std::max(out.highest, utilisation);
    ++out.known;
  }
  return out;
}

BalanceState observed(BalanceState state, const LoadSpread& spread, MonotonicTime now,
                      const BalancePolicy& policy) {
  if (spread.known < 2 || spread.gap() <= policy.gap_stop) return {};
  if (!passesBound(spread, policy)) {
    state.since.reset();
    return state;
  }
  if (!state.since) state.since = now;
  if (now - *state.since >= policy.sustained) state.active = true;
  return state;
}

BalanceRound proposeRound(const BalanceView& view, ZoneIx zone, const BalanceState& state,
                          MonotonicTime now, const BalancePolicy& policy) {
  BalanceRound round;
  round.spread = spreadOf(view, zone);
  const auto ends = [&](BalanceVerdict verdict, std::string why) {
    round.verdict = verdict;
    round.text = std::move(why);
    return round;
  };
  if (round.spread.known < 2) {
    return ends(BalanceVerdict::kLoadUnknown,
                fmt::format("the utilisation of {} of its sites is known", round.spread.known));
  }
  if (!state.active && !state.since) {
    return ends(BalanceVerdict::kBalanced, spreadText(round.spread));
  }
  if (!state.active) {
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(now - *state.since);
    const auto wanted = std::chrono::duration_cast<std::chrono::seconds>(policy.sustained);
    return ends(BalanceVerdict::kWaiting,
                fmt::format("{}, for {} s; acts after {} s", spreadText(round.spread),
                            passed.count(), wanted.count()));
  }
  if (view.history.zone_changing) {
    return ends(BalanceVerdict::kChangeOpen, "a change of this zone is under way");
  }
  if (view.history.rounds_last_hour >= policy.max_rounds_per_hour) {
    return ends(BalanceVerdict::kRoundsUsed,
                fmt::format("{} rounds in the last hour; at most {}", view.history.rounds_last_hour,
                            policy.max_rounds_per_hour));
  }
  RoundSearch(view, zone, policy).run(round);
  if (round.moves.empty()) {
    return ends(BalanceVerdict::kNoCandidate,
                fmt::format("{}; {}", spreadText(round.spread), blockedText(round)));
  }
  return ends(BalanceVerdict::kMoves, spreadText(round.spread));
}

}  // namespace meridian::partition
