#include "partition/decision.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>

namespace meridian::partition {
namespace {

Health healthOf(const Topology& topology, const SiteHealth& health, EZoneIx ezone) {
  return health.datacenters[topology.ezones[ezone.index()].dc.index()];
}

// Why the eZone itself is no choice, or kChosen when it is one.
RejectedFor obstacle(const Topology& topology, const SiteHealth& health, EZoneIx ezone) {
  switch (topology.dcOf(ezone).admin_state) {
    case AdminState::kOutOfService:
      return RejectedFor::kOutOfService;
    case AdminState::kDraining:
      return RejectedFor::kDraining;
    case AdminState::kInService:
      break;
  }
  return healthOf(topology, health, ezone) == Health::kDown ? RejectedFor::kDown
                                                            : RejectedFor::kChosen;
}

// The nearest eZone that has none but the allowed obstacles.
std::optional<EZoneIx> nearestWith(const Topology& topology, const SiteHealth& health,
                                   const std::vector<EZoneIx>& order,
                                   std::initializer_list<RejectedFor> allowed) {
  const auto found = std::find_if(order.begin(), order.end(), [&](EZoneIx ezone) {
    const RejectedFor why = obstacle(topology, health, ezone);
    return std::find(allowed.begin(), allowed.end(), why) != allowed.end();
  });
  if (found == order.end()) return std::nullopt;
  return *found;
}

// A wrong answer is better than none: what an operator wants least is given up last.
EZoneIx chooseStateless(const Topology& topology, const SiteHealth& health,
                        const std::vector<EZoneIx>& order) {
  using enum RejectedFor;
  if (const auto usable = nearestWith(topology, health, order, {kChosen})) return *usable;
  if (const auto down = nearestWith(topology, health, order, {kDown})) return *down;
  return nearestWith(topology, health, order, {kDraining}).value_or(order.front());
}

EZoneIx chooseReadOnly(const Topology& topology, const SiteHealth& health,
                       const std::vector<EZoneIx>& order, EZoneIx primary) {
  return nearestWith(topology, health, order, {RejectedFor::kChosen}).value_or(primary);
}

// Where the owner of a global zone stands: behind the partitions, in topology order.
const Assignment& globalAssignment(const Topology& topology, const AssignmentTable& table,
                                   ZoneIx zone) {
  const auto first = topology.zones.begin();
  const auto before = std::count_if(
      first, first + zone.value, [](const Zone& each) { return each.kind == ZoneKind::kGlobal; });
  return table.assignments[topology.partitions.size() + static_cast<std::size_t>(before)];
}

EZoneIx chooseByPlace(const Topology& topology, ZoneIx zone, const Placement& placement,
                      const AssignmentTable& table, const SiteHealth& health, Locus locus) {
  const std::vector<EZoneIx>& order = placement.siteOrder(locus);
  if (topology.zones[zone.index()].kind == ZoneKind::kStateless) {
    return chooseStateless(topology, health, order);
  }
  return chooseReadOnly(topology, health, order, globalAssignment(topology, table, zone).ezone);
}

std::vector<Verdict> ownerVerdicts(const Zone& zone, EZoneIx owner,
                                   const std::vector<EZoneIx>& candidates) {
  std::vector<Verdict> verdicts{{owner, RejectedFor::kChosen}};
  for (const EZoneIx ezone : zone.ezones) {
    if (ezone == owner) continue;
    const bool member = std::find(candidates.begin(), candidates.end(), ezone) != candidates.end();
    verdicts.push_back({ezone, member ? RejectedFor::kNotOwner : RejectedFor::kNotMember});
  }
  return verdicts;
}

std::vector<Verdict> placeVerdicts(const Topology& topology, const SiteHealth& health,
                                   const std::vector<EZoneIx>& order, EZoneIx chosen) {
  std::vector<Verdict> verdicts;
  for (const EZoneIx ezone : order) {
    const RejectedFor why = obstacle(topology, health, ezone);
    if (ezone == chosen) {
      verdicts.push_back({ezone, RejectedFor::kChosen});
    } else {
      verdicts.push_back({ezone, why == RejectedFor::kChosen ? RejectedFor::kFarther : why});
    }
  }
  return verdicts;
}

// The usual case, which costs an answer one look at a size.
void dropIfNone(std::vector<std::uint8_t>& prepared) {
  if (std::find(prepared.begin(), prepared.end(), 1) == prepared.end()) prepared.clear();
}

}  // namespace

SiteHealth allUp(const Topology& topology) {
  return {std::vector<Health>(topology.datacenters.size(), Health::kUp)};
}

std::string_view rejectedForName(RejectedFor why) {
  switch (why) {
    case RejectedFor::kChosen:
      return "chosen";
    case RejectedFor::kNotOwner:
      return "not-owner";
    case RejectedFor::kFarther:
      return "farther";
    case RejectedFor::kDraining:
      return "draining";
    case RejectedFor::kOutOfService:
      return "out-of-service";
    case RejectedFor::kDown:
      return "down";
    case RejectedFor::kNotMember:
      return "not-member";
  }
  return "unknown";
}

ZoneDecisions decideZone(const Topology& topology, ZoneIx zone_ix, const Placement& placement,
                         const AssignmentTable& table, const SiteHealth& health) {
  const Zone& zone = topology.zones[zone_ix.index()];
  ZoneDecisions out;
  if (zone.kind == ZoneKind::kSharding) {
    for (std::size_t i = 0; i < zone.partition_count; ++i) {
      const Assignment& assignment = table.assignments[zone.first_partition.index() + i];
      out.by_locus.push_back(assignment.ezone);
      out.epoch_by_locus.push_back(assignment.epoch);
      out.prepared.push_back(assignment.prepared ? 1 : 0);
    }
    dropIfNone(out.prepared);
    return out;
  }
  if (zone.kind == ZoneKind::kGlobal) {
    const Assignment& assignment = globalAssignment(topology, table, zone_ix);
    out.primary = assignment.ezone;
    if (assignment.prepared) out.prepared = {1};
  }
  for (std::size_t i = 0; i < placement.locusCount(); ++i) {
    const Locus locus(static_cast<Locus::Representation>(i));
    out.by_locus.push_back(chooseByPlace(topology, zone_ix, placement, table, health, locus));
  }
  return out;
}

std::vector<Verdict> explainDecision(const Topology& topology, ZoneIx zone_ix,
                                     const Placement& placement, const AssignmentTable& table,
                                     const SiteHealth& health, Locus locus, bool read_write) {
  const Zone& zone = topology.zones[zone_ix.index()];
  if (zone.kind == ZoneKind::kSharding) {
    const std::size_t partition = zone.first_partition.index() + locus.index();
    return ownerVerdicts(zone, table.assignments[partition].ezone,
                         topology.partitions[partition].allowed);
  }
  if (zone.kind == ZoneKind::kGlobal && read_write) {
    return ownerVerdicts(zone, globalAssignment(topology, table, zone_ix).ezone, zone.ezones);
  }
  return placeVerdicts(topology, health, placement.siteOrder(locus),
                       chooseByPlace(topology, zone_ix, placement, table, health, locus));
}

}  // namespace meridian::partition
