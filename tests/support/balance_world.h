// A world for the balancer: sites on a line, partitions by weight, loads that follow the table.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "partition/load/balancer.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_seams.h"

namespace meridian::test {

// A sharding zone "z" whose partitions may go anywhere. Each site is one eZone with capacity 100;
// a partition's units are its weight.
struct BalanceWorld {
  partition::Topology topology;
  partition::AssignmentTable table;
  partition::LoadPicture load;
  ScriptedLinks links;
  partition::SiteHealth health;
  partition::BalanceHistory history;
  partition::BalancePolicy policy;
  FakeClock clock;

  explicit BalanceWorld(std::size_t sites) {
    partition::Zone zone;
    zone.id = "z";
    for (std::size_t i = 0; i < sites; ++i) {
      partition::Datacenter site;
      site.id = "s" + std::to_string(i);
      // A degree of longitude on the equator: 111 km.
      site.point = {0, static_cast<double>(i)};
      site.capacity_units = 100;
      topology.datacenters.push_back(site);
      const auto at = static_cast<std::uint16_t>(i);
      topology.ezones.push_back({site.id, partition::DcIx(at), static_cast<std::uint8_t>(i)});
      zone.ezones.emplace_back(at);
    }
    topology.zones.push_back(zone);
    health = partition::allUp(topology);
  }

  partition::Partition& add(const std::string& id, std::size_t home, double units) {
    partition::Partition partition;
    partition.id = id;
    partition.home = partition::EZoneIx(static_cast<std::uint16_t>(home));
    partition.allowed = topology.zones[0].ezones;
    partition.weight_units = units;
    topology.partitions.push_back(partition);
    ++topology.zones[0].partition_count;
    partition::Assignment assignment;
    assignment.subject = id;
    assignment.zone = "z";
    assignment.ezone = partition.home;
    assignment.since = clock.wallNow();
    table.assignments.push_back(assignment);
    return topology.partitions.back();
  }
  partition::Assignment& assignment(const std::string& partition) {
    return table.assignments[topology.findPartition(partition).value().index()];
  }
  void move(const std::string& partition, const std::string& to) {
    partition::Assignment& row = assignment(partition);
    row.prev_ezone = row.ezone;
    row.ezone = topology.findEZone(to).value();
    row.since = clock.wallNow();
  }
  // Every partition carries its weight, times `factor` where a test has its load change.
  void measure(const std::vector<double>& factor = {}) {
    load = {};
    load.reported = true;
    for (const partition::Datacenter& site : topology.datacenters) {
      load.ezones.push_back({0.0, site.capacity_units});
    }
    for (std::size_t i = 0; i < topology.partitions.size(); ++i) {
      const double units = topology.partitions[i].weight_units * (factor.empty() ? 1 : factor[i]);
      load.partitions.push_back({units, true});
      *load.ezones[table.assignments[i].ezone.index()].units += units;
    }
  }
  partition::BalanceView view() const {
    return {topology, table, load, links, health, history, clock.wallNow()};
  }
  // As if the bounds had been passed for long enough.
  partition::BalanceRound round() const {
    partition::BalanceState state;
    state.active = true;
    return partition::proposeRound(view(), partition::ZoneIx(0), state, clock.monotonicNow(),
                                   policy);
  }
};

}  // namespace meridian::test
