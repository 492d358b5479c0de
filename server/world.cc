#include "server/world.h"

#include <utility>

#include "base/file.h"
#include "dns/zone/loader.h"
#include "geo/address_evidence.h"
#include "geo/network_list.h"
#include "partition/reassign.h"
#include "server/version.h"

namespace meridian::server {
namespace {

// Keeps what was loaded, collects what was not.
template <class T>
bool take(Checked<T> loaded, T& into, Diagnostics& problems) {
  if (loaded) {
    into = std::move(*loaded);
    return true;
  }
  problems.append(loaded.error());
  return false;
}

void problemWith(const std::filesystem::path& file, const Error& error, Diagnostics& problems) {
  problems.add({file.string()}, "", "", error.message);
}

void loadAddresses(const Config& config, partition::GeoSources& sources, Diagnostics& problems) {
  std::vector<geo::NetworkOverride> overrides;
  take(geo::loadNetworks(config.networks), overrides, problems);
  std::vector<std::shared_ptr<const geo::Mmdb>> databases;
  for (const geo::MmdbSource& source : config.databases) {
    auto database = geo::Mmdb::open(source);
    if (database) {
      databases.push_back(std::move(*database));
    } else {
      problems.add({}, "", "", database.error().message);  // names the file
    }
  }
  if (!problems.empty()) return;
  auto evidence = geo::AddressEvidence::build(std::move(databases), std::move(overrides));
  if (evidence) {
    sources.addresses = std::make_shared<const geo::AddressEvidence>(std::move(*evidence));
  } else {
    problemWith("geo.databases", evidence.error(), problems);
  }
}

void loadFences(const Config& config, partition::GeoSources& sources, Diagnostics& problems) {
  for (const geo::FenceSource& source : config.fences) {
    std::vector<geo::Fence> fences;
    if (!take(geo::loadFences(source), fences, problems)) continue;
    std::move(fences.begin(), fences.end(), std::back_inserter(sources.fences));
  }
}

void loadCatalogues(const Config& config, partition::GeoSources& sources, Diagnostics& problems) {
  for (const geo::CatalogueSource& source : config.catalogues) {
    std::vector<geo::CatalogueEntry> entries;
    if (!take(geo::loadCatalogue(source.path), entries, problems)) continue;
    auto& into = source.kind == geo::CatalogueKind::kPoi ? sources.pois : sources.cities;
    std::move(entries.begin(), entries.end(), std::back_inserter(into));
  }
}

}  // namespace

Checked<std::shared_ptr<const partition::GeoSources>> loadGeoSources(const Config& config) {
  Diagnostics problems;
  auto sources = std::make_shared<partition::GeoSources>();
  loadAddresses(config, *sources, problems);
  loadFences(config, *sources, problems);
  loadCatalogues(config, *sources, problems);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return sources;
}

Checked<std::shared_ptr<const partition::Topology>> loadTopology(
    const std::filesystem::path& file) {
  auto text = readFile(file, partition::kMaxTopologyBytes);
  if (!text) {
    Diagnostics problems;
    problems.add({}, "", "", text.error().message);  // names the file
    return tl::unexpected(std::move(problems));
  }
  auto topology = partition::decodeTopology(*text, file.string());
  if (!topology) return tl::unexpected(topology.error());
  return std::make_shared<const partition::Topology>(std::move(*topology));
}

Checked<World> loadWorld(const std::filesystem::path& config_file, WallTime now,
                         TopologyFile topology_file) {
  auto config = loadConfig(config_file);
  if (!config) return tl::unexpected(config.error());
  World world;
  world.config = std::move(*config);
  Diagnostics problems;
  take(loadGeoSources(world.config), world.sources, problems);
  take(dns::loadZones(world.config.zones_dir, now), world.zones, problems);
  take(loadTopology(world.config.topology_file), world.topology, world.topology_problems);
  if (!problems.empty() || topology_file == TopologyFile::kRequired) {
    problems.append(world.topology_problems);
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return world;
}

Checked<Compiled> compile(const partition::Topology& topology, const dns::ZoneSet& zones,
                          const partition::GeoSources& sources) {
  Diagnostics problems;
  Compiled compiled;
  take(dns::ServiceSet::build(topology, zones), compiled.services, problems);
  partition::PlacementSet placements;
  if (take(partition::buildPlacements(topology, sources), placements, problems)) {
    compiled.placements = std::make_shared<const partition::PlacementSet>(std::move(placements));
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return compiled;
}

Result<partition::MapSnapshot> initialMap(std::shared_ptr<const partition::Topology> topology) {
  partition::JournalRecord record;
  record.rev = 1;
  auto assigned = partition::reassign(
      nullptr, nullptr, *topology, record,
      [](std::string_view) -> Result<partition::Epoch> { return partition::Epoch{0}; });
  if (!assigned) return tl::unexpected(assigned.error());
  auto table = std::make_shared<const partition::AssignmentTable>(std::move(assigned->table));
  return partition::MapSnapshot{std::move(topology), std::move(table), record.rev};
}

std::shared_ptr<const dns::AnswerSettings> answerSettings(const Config& config) {
  auto settings = std::make_shared<dns::AnswerSettings>();
  settings->node_id = config.node_id;
  settings->version = kVersion;
  settings->udp_payload_max = config.udp_payload_max;
  settings->minimal_responses = config.minimal_responses;
  settings->location_option_code = config.location_option_code;
  settings->tcp_keepalive = static_cast<std::uint16_t>(
      std::min<std::int64_t>(config.tcp_idle_timeout.count() / 100, 0xFFFF));
  settings->explain_from = config.explain_from;
  settings->location_option_from = config.location_option_from;
  settings->zone_policies = std::make_shared<const dns::ZonePolicies>(config.zone_policies);
  return settings;
}

std::shared_ptr<const dns::ServingState> servingState(
    std::shared_ptr<const dns::AnswerSettings> settings, std::shared_ptr<const dns::ZoneSet> zones,
    std::shared_ptr<const partition::GeoSources> sources, const Compiled& compiled,
    const partition::MapSnapshot& map, partition::SiteHealth health, CarriedInputs carried) {
  auto state = std::make_shared<dns::ServingState>();
  state->settings = std::move(settings);
  state->zones = std::move(zones);
  state->sources = std::move(sources);
  state->services = compiled.services;
  state->placements = compiled.placements;
  state->map = map;
  state->health = std::make_shared<const partition::SiteHealth>(std::move(health));
  state->load = std::move(carried.load);
  carried.last_good.resize(map.topology->zones.size());
  for (std::size_t i = 0; i < map.topology->zones.size(); ++i) {
    const partition::ZoneIx zone(static_cast<std::uint16_t>(i));
    state->decisions.push_back(std::make_shared<const partition::ZoneDecisions>(
        partition::decideZone(*map.topology, zone, *(*state->placements)[i], *map.table,
                              *state->health, {state->load, std::move(carried.last_good[i])})));
  }
  state->pools =
      partition::decidePools({*map.topology, *state->placements, *map.table, *state->health,
                              state->load, state->decisions, std::move(carried.service_last_good)});
  state->identity = dns::identityOf(*state->settings, map.table->rev);
  return state;
}

Checked<std::shared_ptr<const dns::ServingState>> stateOf(const World& world) {
  auto compiled = compile(*world.topology, *world.zones, *world.sources);
  if (!compiled) return tl::unexpected(compiled.error());
  auto map = initialMap(world.topology);
  if (!map) {
    Diagnostics problems;
    problemWith(world.config.topology_file, map.error(), problems);
    return tl::unexpected(std::move(problems));
  }
  return servingState(answerSettings(world.config), world.zones, world.sources, *compiled, *map,
                      partition::allUp(*world.topology));
}

}  // namespace meridian::server
