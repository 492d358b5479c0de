#include "partition/topology_diff.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace meridian::partition {
namespace {

// Object → all that it says, with ids in place of indices, so that two topologies compare.
using Descriptions = std::map<std::string, std::string>;

std::string ezoneIds(const Topology& topology, const std::vector<EZoneIx>& ezones) {
  std::string out;
  for (const EZoneIx ezone : ezones) out += topology.ezones[ezone.index()].id + " ";
  return out;
}

std::string describe(const Datacenter& dc) {
  return fmt::format("{} {} {} {} {}", dc.region, dc.point.lat, dc.point.lon,
                     dc.capacity_units.value_or(0), adminStateName(dc.admin_state));
}

std::string describe(const Topology& topology, const Zone& zone) {
  // A sharding zone's eZones follow from its partitions.
  if (zone.kind == ZoneKind::kSharding) {
    const std::optional<PartitionIx> fallback = zone.placement.default_partition;
    return fmt::format("sharding {} {} {} {}",
                       fallback ? topology.partitions[fallback->index()].id : std::string(),
                       zone.placement.fence_snap_km, zone.placement.unknown_ttl,
                       zone.min_in_service);
  }
  std::string out = fmt::format("{} {}", zoneKindName(zone.kind), ezoneIds(topology, zone.ezones));
  if (zone.kind != ZoneKind::kStateless) return out;
  const StatelessRules& rules = zone.stateless;
  for (const std::uint16_t weight : rules.weights) out += fmt::format("\nweight {}", weight);
  if (rules.distance_slack_km) out += fmt::format("\nslack {}", *rules.distance_slack_km);
  out += fmt::format("\nall down {}", allDownName(rules.all_down));
  if (rules.all_down == AllDown::kFallback) {
    out += " " + topology.ezones[rules.fallback.index()].id;
  }
  return out;
}

std::string describe(const Topology& topology, const Partition& partition) {
  std::string out = fmt::format("{} {} {} {}", topology.zones[partition.zone.index()].id,
                                topology.ezones[partition.home.index()].id,
                                ezoneIds(topology, partition.allowed), partition.weight_units);
  for (const FenceRef& fence : partition.fences) out += "\nfence " + fence.id;
  for (const PlaceRule& rule : partition.rules) {
    out += fmt::format("\nrule {} {} {}", rule.country, rule.asn, rule.subdivision);
  }
  for (const geo::GeoPoint& anchor : partition.anchors) {
    out += fmt::format("\nanchor {} {}", anchor.lat, anchor.lon);
  }
  return out;
}

std::string describe(const Topology& topology, const Service& service) {
  std::map<std::string, std::string> endpoints;
  for (const Endpoint& endpoint : service.endpoints) {
    std::string& records = endpoints[topology.ezones[endpoint.ezone.index()].id];
    for (const EndpointRecord& record : endpoint.records) records += "\n" + record.text;
    for (const PoolEndpoint& each : endpoint.pool) {
      records += fmt::format("\nendpoint {} {} {} {}", each.id, each.weight, each.check,
                             each.record_count);
    }
  }
  std::string out = fmt::format("{} {}", topology.zones[service.zone.index()].id, service.ttl);
  if (service.pooled()) {
    out += fmt::format("\npools {} {}", service.min_up_share, service.answer_count);
  }
  for (const auto& [ezone, records] : endpoints) out += fmt::format("\nat {}{}", ezone, records);
  for (const ServiceAlias& alias : service.aliases) out += "\nalias " + alias.name;
  return out;
}

Descriptions describeAll(const Topology& topology) {
  Descriptions out;
  for (const Datacenter& dc : topology.datacenters) out["datacenter " + dc.id] = describe(dc);
  for (const EZone& ezone : topology.ezones) {
    out["ezone " + ezone.id] =
        fmt::format("{} {}", topology.datacenters[ezone.dc.index()].id, ezone.slot);
  }
  for (const Zone& zone : topology.zones) out["zone " + zone.id] = describe(topology, zone);
  for (const Partition& partition : topology.partitions) {
    out["partition " + partition.id] = describe(topology, partition);
  }
  for (const Service& service : topology.services) {
    out["service " + service.name] = describe(topology, service);
  }
  return out;
}

}  // namespace

TopologyChange diffTopologies(const Topology& before, const Topology& after) {
  const Descriptions old_objects = describeAll(before);
  const Descriptions new_objects = describeAll(after);
  TopologyChange diff;
  for (const auto& [object, description] : new_objects) {
    const auto old = old_objects.find(object);
    if (old == old_objects.end()) {
      diff.added.push_back(object);
    } else if (old->second != description) {
      diff.changed.push_back(object);
    }
  }
  for (const auto& [object, description] : old_objects) {
    if (!new_objects.contains(object)) diff.removed.push_back(object);
  }
  return diff;
}

}  // namespace meridian::partition
