// Health as metrics: states as one sample each (1 for the present one), so that a query can count
// them.
#include <array>

#include "admin/metrics.h"
#include "partition/pool.h"

namespace meridian::admin {
namespace {

using partition::Health;
using partition::HealthService;
using enum Metric::Type;

constexpr std::array kStates = {Health::kUp, Health::kDegraded, Health::kDown, Health::kUnknown};

void addStates(Metric& metric, const char* label, const std::string& id, Health now) {
  for (const Health state : kStates) {
    metric.samples.push_back({{{label, id}, {"state", std::string(partition::healthName(state))}},
                              state == now ? 1.0 : 0.0});
  }
}

Metric single(std::string name, std::string help, double value) {
  return {std::move(name), std::move(help), kGauge, {{{}, value}}};
}

}  // namespace

std::vector<Metric> healthMetrics(const HealthService& health,
                                  const partition::Topology& topology) {
  Metric sites{"meridian_health_site_state", "1 for the datacenter's present state", kGauge, {}};
  const std::vector<partition::SiteReading> readings = health.sites();
  for (std::size_t i = 0; i < readings.size(); ++i) {
    addStates(sites, "datacenter", topology.datacenters[i].id, readings[i].health);
  }
  Metric states{"meridian_health_check_state", "1 for the check's present state", kGauge, {}};
  Metric stasis{"meridian_health_check_stasis", "1 while nobody measures the check", kGauge, {}};
  Metric took{"meridian_health_check_seconds", "Duration of the check's last run", kGauge, {}};
  Metric results{"meridian_health_results_total", "Results of checks", kCounter, {}};
  const partition::CheckBoard& board = health.board();
  for (std::size_t i = 0; i < board.checks().size(); ++i) {
    const std::string& id = board.checks()[i].id;
    const partition::CheckState& state = board.state(i);
    addStates(states, "check", id, state.state());
    const bool kept = state.stasis(health.now()) != partition::Stasis::kNone;
    stasis.samples.push_back({{{"check", id}}, kept ? 1.0 : 0.0});
    results.samples.push_back(
        {{{"check", id}, {"outcome", "up"}}, static_cast<double>(state.successes())});
    results.samples.push_back(
        {{{"check", id}, {"outcome", "down"}}, static_cast<double>(state.failures())});
    if (!state.last()) continue;
    took.samples.push_back(
        {{{"check", id}}, static_cast<double>(state.last()->took.count()) / 1000.0});
  }
  return {std::move(sites),
          std::move(states),
          std::move(stasis),
          std::move(took),
          std::move(results),
          single("meridian_health_blind", "1 while this node sees nothing at all",
                 board.blind() ? 1.0 : 0.0),
          single("meridian_health_overrides", "Overrides in force",
                 static_cast<double>(health.overrides().all().size()))};
}

std::vector<Metric> poolMetrics(const ServingView& view) {
  Metric endpoints{"meridian_endpoint_up", "1 while an endpoint with an id is up", kGauge, {}};
  Metric shares{"meridian_pool_up_share",
                "Share of the weight of a service's endpoints in an eZone that is up",
                kGauge,
                {}};
  const partition::Topology& topology = *view.map.topology;
  for (const partition::Service& service : topology.services) {
    for (const partition::Endpoint& endpoint : service.endpoints) {
      if (endpoint.pool.empty()) continue;
      const std::string& ezone = topology.ezones[endpoint.ezone.index()].id;
      for (std::size_t i = 0; i < endpoint.pool.size(); ++i) {
        const partition::EndpointIx ix(endpoint.first_of_pool.value +
                                       static_cast<std::uint32_t>(i));
        endpoints.samples.push_back(
            {{{"service", service.name}, {"ezone", ezone}, {"endpoint", endpoint.pool[i].id}},
             partition::isUp(*view.health, ix) ? 1.0 : 0.0});
      }
      shares.samples.push_back({{{"service", service.name}, {"ezone", ezone}},
                                static_cast<double>(partition::upShare(endpoint, *view.health)) /
                                    partition::kWholeShare});
    }
  }
  return {std::move(endpoints), std::move(shares)};
}

}  // namespace meridian::admin
