#include "partition/load/spill.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/log.h"

namespace meridian::partition {
namespace {

constexpr double kWhole = kWholeShare;
constexpr int kPartOfTheWay = 3;  // that one period goes

using EZones = std::bitset<kEpochSlots>;

// With whom each eZone shares clients: those that may answer beside it in some stateless zone.
std::vector<EZones> neighboursOf(const Topology& topology, const SiteHealth& health) {
  std::vector<EZones> out(topology.ezones.size());
  for (const Zone& zone : topology.zones) {
    if (zone.kind != ZoneKind::kStateless) continue;
    const std::vector<std::uint16_t>& weights = zone.stateless.weights;
    EZones able;
    for (std::size_t i = 0; i < zone.ezones.size(); ++i) {
      const EZoneIx ezone = zone.ezones[i];
      const bool weighs = weights.empty() || weights[i] > 0;
      able.set(ezone.index(),
               weighs && obstacleOf(topology, health, ezone) == RejectedFor::kChosen);
    }
    for (const EZoneIx ezone : zone.ezones) {
      out[ezone.index()] |= able;
      out[ezone.index()].reset(ezone.index());
    }
  }
  return out;
}

class SpillRound {
 public:
  SpillRound(const SpillView& view, const SpillPolicy& policy)
      : view_(view),
        policy_(policy),
        goal_((policy.start + policy.stop) / 2),
        neighbours_(neighboursOf(view.topology, view.health)) {
    for (std::size_t i = 0; i < neighbours_.size(); ++i) wanted_room_ += excessOf(i);
  }

  std::uint16_t next(std::size_t ezone) const {
    const int now = servedBy(ezone);
    const int aim = aimOf(ezone);
    if (aim == 0 && now <= 2 * kLeastSpillStep) return 0;
    const int rest = std::abs(aim - now);
    if (rest < kLeastSpillStep) return static_cast<std::uint16_t>(now);
    if (rest < 2 * kLeastSpillStep) return static_cast<std::uint16_t>(aim);
    const int most = std::max(kLeastSpillStep, static_cast<int>(policy_.max_step * kWhole));
    const int step = std::clamp(rest / kPartOfTheWay, kLeastSpillStep, most);
    return static_cast<std::uint16_t>(aim > now ? now + step : now - step);
  }

 private:
  int servedBy(std::size_t ezone) const {
    return ezone < view_.served.spill.size() ? view_.served.spill[ezone] : 0;
  }

  // Units above the goal, of one that is too full and may do something about it.
  double excessOf(std::size_t ezone) const {
    const EZoneLoad& load = view_.load.ezones[ezone];
    const auto full = load.utilisation();
    if (!full || *full <= policy_.start || neighbours_[ezone].none()) return 0;
    return *load.units - goal_ * *load.capacity;
  }

  // Units that the neighbours can take. Who spills has no room: its own clients come first.
  double roomAround(std::size_t ezone) const {
    double room = 0;
    for (std::size_t i = 0; i < neighbours_.size(); ++i) {
      const EZoneLoad& load = view_.load.ezones[i];
      if (!neighbours_[ezone].test(i) || servedBy(i) > 0 || !load.utilisation()) continue;
      room += std::max(0.0, goal_ * *load.capacity - *load.units);
    }
    return room;
  }

  // Basis points that would bring the eZone to its goal.
  int aimOf(std::size_t ezone) const {
    const int now = servedBy(ezone);
    const auto full = view_.load.ezones[ezone].utilisation();
    if (!policy_.enabled || !full || neighbours_[ezone].none()) return 0;
    const bool over = *full > policy_.start;
    if (!over && (now == 0 || *full >= policy_.stop)) return now;
    if (*full <= 0) return 0;
    const double kept = (1 - now / kWhole) * goal_ / *full;
    double aim = std::clamp(1 - kept, 0.0, policy_.max) * kWhole;
    if (over && aim > now) aim = now + (aim - now) * shareOfRoom(ezone);
    return static_cast<int>(std::lround(aim));
  }

  // Neighbours are shared with others that are too full: nobody takes more than its part.
  double shareOfRoom(std::size_t ezone) const {
    return std::min(1.0, roomAround(ezone) / wanted_room_);
  }

  const SpillView& view_;
  const SpillPolicy& policy_;
  double goal_;
  std::vector<EZones> neighbours_;
  double wanted_room_ = 0;
};

}  // namespace

std::string spillPolicyProblem(const SpillPolicy& policy) {
  return policy.stop < policy.start ? "" : "spill must stop below the load that it starts at";
}

SiteLoad nextSpill(const SpillView& view, const SpillPolicy& policy) {
  const SpillRound round(view, policy);
  SiteLoad out;
  bool any = false;
  for (std::size_t i = 0; i < view.topology.ezones.size(); ++i) {
    out.spill.push_back(round.next(i));
    any = any || out.spill.back() > 0;
  }
  if (!any) out.spill.clear();
  return out;
}

void SpillService::tick() {
  const Served served = served_();
  const LoadPicture picture = load_.picture(*served.topology, *served.table);
  const SiteLoad next =
      nextSpill({*served.topology, *served.health, picture, served.load}, policy_);
  if (next == served.load) return;
  for (std::size_t i = 0; i < served.topology->ezones.size(); ++i) {
    const auto part = [&](const SiteLoad& load) {
      return load.spill.empty() ? std::uint16_t{0} : load.spill[i];
    };
    if (part(next) == part(served.load)) continue;
    logInfo("spill_changed", {{"ezone", served.topology->ezones[i].id},
                              {"from", std::to_string(part(served.load))},
                              {"to", std::to_string(part(next))}});
  }
  serve_(next);
}

}  // namespace meridian::partition
