#include "partition/site/evacuation_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

namespace meridian::partition {
namespace {

class Planner {
 public:
  Planner(const Topology& topology, const AssignmentTable& table, const SiteHealth& health,
          const LinkSource& links, std::string_view datacenter)
      : topology_(topology),
        table_(table),
        health_(health),
        links_(links),
        datacenter_(datacenter),
        weight_(topology.ezones.size(), 0.0) {
    for (std::size_t i = 0; i < topology.partitions.size(); ++i) {
      weight_[ownerOf(i).index()] += topology.partitions[i].weight_units;
    }
  }

  EvacuationPlan plan() {
    std::vector<std::size_t> owned;
    for (std::size_t i = 0; i < topology_.partitions.size(); ++i) {
      if (topology_.dcOf(ownerOf(i)).id == datacenter_) owned.push_back(i);
    }
    // The heavy ones first: the light ones then fill what is left.
    std::stable_sort(owned.begin(), owned.end(), [&](std::size_t a, std::size_t b) {
      return topology_.partitions[a].weight_units > topology_.partitions[b].weight_units;
    });
    for (const std::size_t partition : owned) place(partition);
    leaveGlobalZones();
    return std::move(plan_);
  }

 private:
  EZoneIx ownerOf(std::size_t partition) const { return table_.assignments[partition].ezone; }

  // Why the eZone is no choice, or nothing.
  std::string obstacle(EZoneIx ezone) const {
    const Datacenter& dc = topology_.dcOf(ezone);
    if (dc.id == datacenter_) return "is in the same datacenter";
    if (dc.admin_state != AdminState::kInService) {
      return fmt::format("is {}", adminStateName(dc.admin_state));
    }
    if (health_.datacenters[topology_.ezones[ezone.index()].dc.index()] == Health::kDown) {
      return "is DOWN";
    }
    return {};
  }
  // Lower is better: how much may be missing from the copy, then how full the site gets.
  std::tuple<int, double> cost(EZoneIx ezone, double weight) const {
    const Datacenter& dc = topology_.dcOf(ezone);
    const LinkView link = links_.link(datacenter_, dc.id);
    const int unsure = link.freshness == Freshness::kFresh ? 0 : link.effective_lag_ms ? 1 : 2;
    const double room = dc.capacity_units.value_or(1.0);
    return {unsure, room > 0 ? (weight_[ezone.index()] + weight) / room : 1e300};
  }

  void place(std::size_t index) {
    const Partition& partition = topology_.partitions[index];
    std::optional<EZoneIx> best;
    std::string why;
    for (const EZoneIx ezone : partition.allowed) {
      const std::string against = obstacle(ezone);
      if (!against.empty()) {
        why += fmt::format("{}{} {}", why.empty() ? "" : "; ", topology_.ezones[ezone.index()].id,
                           against);
        continue;
      }
      if (!best || cost(ezone, partition.weight_units) < cost(*best, partition.weight_units)) {
        best = ezone;
      }
    }
    if (!best) {
      plan_.left.push_back({partition.id, "nowhere to go: " + why});
      return;
    }
    weight_[best->index()] += partition.weight_units;
    add(topology_.zones[partition.zone.index()].id,
        {partition.id, topology_.ezones[best->index()].id, table_.assignments[index].epoch});
  }

  void add(const std::string& zone, ChangeTarget target) {
    auto found = std::find_if(plan_.zones.begin(), plan_.zones.end(),
                              [&](const auto& each) { return each.zone == zone; });
    if (found == plan_.zones.end()) {
      plan_.zones.push_back({zone, {}});
      found = std::prev(plan_.zones.end());
    }
    found->targets.push_back(std::move(target));
  }

  void leaveGlobalZones() {
    for (std::size_t i = topology_.partitions.size(); i < table_.assignments.size(); ++i) {
      const Assignment& assignment = table_.assignments[i];
      if (topology_.dcOf(assignment.ezone).id != datacenter_) continue;
      plan_.left.push_back(
          {assignment.subject,
           "its primary is here, and moves only by a switch that somebody asks for"});
    }
  }

  const Topology& topology_;
  const AssignmentTable& table_;
  const SiteHealth& health_;
  const LinkSource& links_;
  std::string_view datacenter_;
  std::vector<double> weight_;  // by eZone, with what was placed so far
  EvacuationPlan plan_;
};

}  // namespace

EvacuationPlan planEvacuation(const Topology& topology, const AssignmentTable& table,
                              const SiteHealth& health, const LinkSource& links,
                              std::string_view datacenter) {
  return Planner(topology, table, health, links, datacenter).plan();
}

EvacuationPlan planReturn(const Topology& topology, const AssignmentTable& table,
                          std::string_view datacenter) {
  EvacuationPlan plan;
  for (std::size_t i = 0; i < topology.partitions.size(); ++i) {
    const Partition& partition = topology.partitions[i];
    const Assignment& now = table.assignments[i];
    if (topology.dcOf(partition.home).id != datacenter) continue;
    if (topology.dcOf(now.ezone).id == datacenter) continue;
    const std::string& zone = topology.zones[partition.zone.index()].id;
    if (plan.zones.empty() || plan.zones.back().zone != zone) plan.zones.push_back({zone, {}});
    plan.zones.back().targets.push_back(
        {partition.id, topology.ezones[partition.home.index()].id, now.epoch});
  }
  return plan;
}

}  // namespace meridian::partition
