#include "partition/change/impact.h"

#include <algorithm>
#include <map>

#include "partition/change/machine.h"

namespace meridian::partition {
namespace {

// The units that its partitions bring to an eZone; nullopt: of one it is unknown.
std::optional<double> arriving(const Change& change, const Topology& topology,
                               const LoadPicture& load, const std::string& ezone) {
  double units = 0;
  for (const auto& wave : change.waves) {
    for (const ChangeItem& item : wave) {
      if (item.to != ezone || item.kind != SubjectKind::kPartition) continue;
      const auto partition = topology.findPartition(item.subject);
      if (!partition || !load.partitions[partition->index()].units) return std::nullopt;
      units += *load.partitions[partition->index()].units;
    }
  }
  return units;
}

Impact::Target targetOf(const Change& change, const Topology& topology, const LoadPicture& load,
                        const std::string& ezone) {
  Impact::Target out{ezone, {}, {}};
  const auto found = topology.findEZone(ezone);
  if (!found || !load.reported) return out;
  const EZoneLoad& now = load.ezones[found->index()];
  out.utilisation = now.utilisation();
  const auto units = arriving(change, topology, load, ezone);
  if (out.utilisation && units) out.utilisation_after = (*now.units + *units) / *now.capacity;
  return out;
}

std::chrono::milliseconds budgetIn(Change change, ChangeState state, const ChangePolicy& policy) {
  change.state = state;
  return stateBudget(change, policy).value_or(std::chrono::milliseconds(0));
}

}  // namespace

Impact impactOf(const Change& change, const Topology& topology, const LoadPicture& load,
                const SeenTraffic& traffic, const ChangePolicy& policy) {
  Impact out;
  std::vector<std::string_view> subjects;
  for (const auto& wave : change.waves) {
    for (const ChangeItem& item : wave) {
      const bool seen = std::any_of(out.targets.begin(), out.targets.end(),
                                    [&](const auto& each) { return each.ezone == item.to; });
      if (!seen) out.targets.push_back(targetOf(change, topology, load, item.to));
      const auto rate = traffic.rates == nullptr ? std::nullopt : traffic.rates->of(item.subject);
      subjects.push_back(item.subject);
      if (rate) out.queries_per_s = out.queries_per_s.value_or(0) + *rate;
    }
  }
  if (traffic.resolvers != nullptr) out.resolvers = traffic.resolvers->of(subjects);
  const double all = traffic.rates == nullptr ? 0 : traffic.rates->sum();
  if (out.queries_per_s && all > 0) out.query_share = *out.queries_per_s / all;
  if (change.mode != ChangeMode::kEmergency) {
    out.until_moved = budgetIn(change, ChangeState::kPrepared, policy);
  }
  out.until_drained = budgetIn(change, ChangeState::kDraining, policy);
  return out;
}

}  // namespace meridian::partition
