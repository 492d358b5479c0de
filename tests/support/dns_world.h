// A serving state in memory, without files or a journal: zone texts, a topology, network overrides.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "dns/answer/serving_state.h"
#include "dns/zone/loader.h"
#include "geo/network_list.h"
#include "partition/reassign.h"

namespace meridian::test {

template <class T, class E>
T must(tl::expected<T, E> result) {
  if (result) return std::move(*result);
  if constexpr (std::is_same_v<E, Diagnostics>) {
    throw std::runtime_error(result.error().text());
  } else {
    throw std::runtime_error(result.error().message);
  }
}

inline std::shared_ptr<const dns::ZoneSet> zoneSet(const std::vector<std::string>& texts) {
  std::vector<dns::LoadedZone> zones;
  for (const std::string& text : texts)
    zones.push_back({must(dns::parseZone(text, "test.zone")), "test.zone", {}});
  return std::make_shared<const dns::ZoneSet>(std::move(zones));
}

inline IpAddress address(std::string_view text) {
  return must(IpAddress::parse(text));
}

// A topology for worlds where no name is a service.
inline constexpr const char* kNoServices = R"({"format": 1,
  "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0}],
  "zones": [{"id": "free", "kind": "stateless", "ezones": ["one"]}], "services": []})";

struct DnsWorld {
  std::vector<std::string> zones;
  std::string topology;
  std::string networks;
  std::vector<geo::CatalogueEntry> cities;
  std::vector<geo::CatalogueEntry> pois;
  dns::AnswerSettings settings;
  partition::Rev rev = 1;
  // Partition or global zone → eZone that owns it instead of its home.
  std::vector<std::pair<std::string, partition::EZoneIx>> moved;
  std::vector<bool> endpoints_down;  // by EndpointIx; empty: none is
  // Makes the zones that are served of those of `zones`.
  std::function<std::shared_ptr<const dns::ZoneSet>(const dns::ZoneSet&)> sign;
  WallTime now{std::chrono::hours(490'000)};  // when it is signed: November 2025

  // Throws what is wrong with the world.
  std::shared_ptr<const dns::ServingState> serve() const {
    auto state = std::make_shared<dns::ServingState>();
    state->settings = std::make_shared<const dns::AnswerSettings>(settings);
    state->zones = zoneSet(zones);
    if (sign) state->zones = sign(*state->zones);
    auto sources = std::make_shared<partition::GeoSources>();
    sources->addresses = std::make_shared<const geo::AddressEvidence>(
        must(geo::AddressEvidence::build({}, must(geo::parseNetworks(networks, "networks")))));
    sources->cities = cities;
    sources->pois = pois;
    auto model = std::make_shared<const partition::Topology>(
        must(partition::decodeTopology(topology, "topology.json")));
    state->services = must(dns::ServiceSet::build(*model, *state->zones));
    state->signatures = dns::ServiceSignatures::make(*state->services, *state->zones, nullptr, now);
    state->placements = std::make_shared<const partition::PlacementSet>(
        must(partition::buildPlacements(*model, *sources)));
    state->sources = std::move(sources);
    state->map = {model, tableOf(*model), rev};
    auto sites = partition::allUp(*model);
    sites.endpoints_down = endpoints_down;
    state->health = std::make_shared<const partition::SiteHealth>(std::move(sites));
    for (std::size_t i = 0; i < model->zones.size(); ++i) {
      const partition::ZoneIx zone(static_cast<std::uint16_t>(i));
      state->decisions.push_back(std::make_shared<const partition::ZoneDecisions>(
          decideZone(*model, zone, *(*state->placements)[i], *state->map.table, *state->health)));
    }
    state->pools = partition::decidePools({*model, *state->placements, *state->map.table,
                                           *state->health, state->load, state->decisions});
    state->identity = dns::identityOf(settings, rev);
    return state;
  }

 private:
  std::shared_ptr<const partition::AssignmentTable> tableOf(
      const partition::Topology& model) const {
    partition::JournalRecord record;
    record.rev = rev;
    auto table = must(partition::reassign(nullptr, nullptr, model, record,
                                          [](std::string_view) -> Result<partition::Epoch> {
                                            return partition::Epoch{0};
                                          }))
                     .table;
    for (const auto& [subject, ezone] : moved)
      table.assignments[table.find(subject).value().index()].ezone = ezone;
    return std::make_shared<const partition::AssignmentTable>(std::move(table));
  }
};

}  // namespace meridian::test
