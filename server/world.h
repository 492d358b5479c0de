// World: everything a configuration names, loaded and checked. The server starts from it;
// `meridianctl check` and the offline `explain` are it, so that they can never disagree with the
// server.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "dns/answer/serving_state.h"
#include "dns/zone/zone_set.h"
#include "partition/decision.h"
#include "partition/model.h"
#include "partition/placement.h"
#include "server/config.h"

namespace meridian::server {

struct World {
  Config config;
  std::shared_ptr<const partition::GeoSources> sources;
  std::shared_ptr<const dns::ZoneSet> zones;
  // The file's; the journal's wins once there is one. Null: see topology_problems.
  std::shared_ptr<const partition::Topology> topology;
  Diagnostics topology_problems = {};  // why there is none
};

// Whether a topology file that is missing, unreadable or invalid fails the load. A start may do
// without it: nothing but a first import is made from it.
enum class TopologyFile : std::uint8_t { kRequired, kMayFail };

// Every error of every file at once, as far as one does not hide another. With kMayFail errors of
// the topology file alone leave World::topology null.
Checked<World> loadWorld(const std::filesystem::path& config_file, WallTime now,
                         TopologyFile topology_file = TopologyFile::kRequired);

// The parts of loadWorld(), for whoever needs less.
Checked<std::shared_ptr<const partition::GeoSources>> loadGeoSources(const Config& config);
Checked<std::shared_ptr<const partition::Topology>> loadTopology(const std::filesystem::path& file);

// What depends on topology and zones together: services and placements. Errors of both.
struct Compiled {
  std::shared_ptr<const dns::ServiceSet> services;
  std::shared_ptr<const partition::PlacementSet> placements;
};
Checked<Compiled> compile(const partition::Topology& topology, const dns::ZoneSet& zones,
                          const partition::GeoSources& sources);

// The assignments a topology starts with, before any journal: for checks and offline explanations.
Result<partition::MapSnapshot> initialMap(std::shared_ptr<const partition::Topology> topology);

std::shared_ptr<const dns::AnswerSettings> answerSettings(const Config& config);

// What was known of the eZones before this topology, in its own indices: for stateless zones.
struct CarriedInputs {
  partition::SiteLoad load = {};
  std::vector<std::vector<partition::EZoneIx>> last_good = {};  // by ZoneIx; empty: nothing was
  std::vector<std::vector<partition::EZoneIx>> service_last_good = {};  // PoolView::last_good
};

// Joins compiled parts with a map into what workers serve. `health` has every datacenter.
std::shared_ptr<const dns::ServingState> servingState(
    std::shared_ptr<const dns::AnswerSettings> settings, std::shared_ptr<const dns::ZoneSet> zones,
    std::shared_ptr<const partition::GeoSources> sources, const Compiled& compiled,
    const partition::MapSnapshot& map, partition::SiteHealth health, CarriedInputs carried = {});

// A serving state of the loaded files alone, without a journal: homes as assignments, all sites UP.
// REQUIRES: the world has a topology.
Checked<std::shared_ptr<const dns::ServingState>> stateOf(const World& world);

}  // namespace meridian::server
