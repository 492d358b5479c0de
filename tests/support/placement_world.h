// A small world for placements: a topology in code, fences as boxes, no databases but what a test
// adds as overrides.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "geo/address_evidence.h"
#include "partition/model.h"
#include "partition/placement.h"
#include "partition/table.h"

namespace meridian::test {

inline geo::Fence boxFence(std::string id, double west, double south, double east, double north) {
  geo::Ring ring{{{south, west}, {south, east}, {north, east}, {north, west}}};
  return {std::move(id), {{std::move(ring), {}}}, {"fences.json", 1, 1}};
}

// Zones: order (sharding: a [0,10]², b [10,20]×[0,10], far with an anchor, rest as default),
// account (global), web (stateless).
struct PlacementWorld {
  partition::Topology topology;
  partition::GeoSources sources;

  PlacementWorld() {
    using namespace partition;
    addSite("dal", {32.78, -96.80}, 0);
    addSite("iad", {38.95, -77.45}, 1);
    addSite("fra", {50.03, 8.57}, 2);
    Zone order;
    order.id = "order";
    order.kind = ZoneKind::kSharding;
    order.ezones = {EZoneIx(0), EZoneIx(1), EZoneIx(2)};
    topology.zones.push_back(order);
    addPartition("a", 0).fences = {{"box/a", {"topology.json", 10, 5}}};
    addPartition("b", 1).fences = {{"box/b", {"topology.json", 11, 5}}};
    addPartition("far", 2).anchors = {{50, 50}, {-50, -50}};
    addPartition("rest", 0);
    topology.zones[0].placement.default_partition = PartitionIx(3);
    Zone account;
    account.id = "account";
    account.kind = ZoneKind::kGlobal;
    account.primary = EZoneIx(1);
    account.ezones = {EZoneIx(1), EZoneIx(0)};
    topology.zones.push_back(account);
    Zone web;
    web.id = "web";
    web.kind = ZoneKind::kStateless;
    web.ezones = {EZoneIx(0), EZoneIx(1), EZoneIx(2)};
    topology.zones.push_back(web);
    sources.fences = {boxFence("box/a", 0, 0, 10, 10), boxFence("box/b", 10, 0, 20, 10)};
  }

  void addSite(const std::string& id, geo::GeoPoint point, std::uint8_t slot) {
    partition::Datacenter site;
    site.id = id;
    site.point = point;
    topology.datacenters.push_back(site);
    topology.ezones.push_back({id, partition::DcIx(slot), slot});
  }

  partition::Partition& addPartition(const std::string& id, std::uint16_t home) {
    partition::Partition partition;
    partition.id = id;
    partition.home = partition::EZoneIx(home);
    partition.allowed = {partition::EZoneIx(0), partition::EZoneIx(1), partition::EZoneIx(2)};
    topology.partitions.push_back(partition);
    ++topology.zones[0].partition_count;
    return topology.partitions.back();
  }

  partition::Partition& partitionNamed(const std::string& id) {
    for (partition::Partition& each : topology.partitions) {
      if (each.id == id) return each;
    }
    return topology.partitions.front();
  }

  // Networks of these overrides and nothing else; an error makes the sources have no addresses.
  void setOverrides(const std::string& text) {
    auto overrides = geo::parseNetworks(text, "networks.txt");
    if (!overrides) return;
    auto evidence = geo::AddressEvidence::build({}, std::move(*overrides));
    if (!evidence) return;
    sources.addresses = std::make_shared<const geo::AddressEvidence>(std::move(*evidence));
  }

  // Every subject at home, epochs 100, 101, …
  partition::AssignmentTable homeTable() const {
    using namespace partition;
    AssignmentTable table;
    table.rev = 1;
    const auto add = [&](SubjectKind kind, const std::string& subject, EZoneIx ezone) {
      Assignment assignment;
      assignment.kind = kind;
      assignment.subject = subject;
      assignment.ezone = ezone;
      assignment.epoch = 100 + table.assignments.size();
      table.assignments.push_back(assignment);
    };
    for (const Partition& each : topology.partitions) {
      add(SubjectKind::kPartition, each.id, each.home);
    }
    for (const Zone& zone : topology.zones) {
      if (zone.kind == ZoneKind::kGlobal) add(SubjectKind::kGlobalZone, zone.id, zone.primary);
    }
    return table;
  }
};

}  // namespace meridian::test
