// Load of sites: reports in, what is known of it out, and what the balancer makes of it.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/report_body.h"
#include "partition/load/balance_service.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::BalanceService;
using partition::LoadBook;
using partition::LoadOutcome;
using partition::LoadPicture;
using partition::Topology;

HttpReply takeLoad(const Context& context, LoadBook& book, const ApiCall& call) {
  const partition::MapSnapshot map = context.map.current();
  const partition::LoadIds ids(*map.topology);
  const partition::LoadTime now{context.clock.monotonicNow(), context.clock.wallNow()};
  const auto offer = [&](const Checked<partition::LoadReport>& report) -> Checked<ReportVerdict> {
    if (!report) return tl::unexpected(report.error());
    const LoadOutcome outcome = book.report(*report, ids, now);
    return ReportVerdict{outcome == LoadOutcome::kAccepted, loadOutcomeName(outcome),
                         loadOutcomeText(outcome)};
  };
  return takeReports(
      call.http.body,
      {"load reports",
       [&](const ConfigNode& node) { return offer(partition::decodeLoadReport(node, "request")); },
       [&](std::string_view line) { return offer(partition::decodeLoadReport(line, "request")); },
       [&] {
         book.refuse(LoadOutcome::kMalformed);
         return ReportVerdict{false, loadOutcomeName(LoadOutcome::kMalformed), {}};
       }});
}

std::string_view capacitySource(const LoadBook& book, const partition::EZoneLoad& load,
                                const std::string& ezone, MonotonicTime now) {
  if (!load.capacity) return "none";
  return book.reportsCapacity(ezone, now) ? "report" : "topology";
}

// The share of its clients that an eZone sends away now.
double spillOf(const partition::SiteLoad& served, std::size_t ezone) {
  if (ezone >= served.spill.size()) return 0;
  return static_cast<double>(served.spill[ezone]) / partition::kWholeShare;
}

Json ezoneLoads(const LoadBook& book, const Topology& topology, const LoadPicture& picture,
                const partition::SiteLoad& served, MonotonicTime now) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < topology.ezones.size(); ++i) {
    const partition::EZone& ezone = topology.ezones[i];
    const partition::EZoneLoad& load = picture.ezones[i];
    const auto status = book.status(ezone.id, now);
    rows.push_back({{"ezone", ezone.id},
                    {"dc", topology.datacenters[ezone.dc.index()].id},
                    {"units", status ? Json(status->last_units) : Json(nullptr)},
                    {"ewma_units", nullable(load.units)},
                    {"capacity_units", nullable(load.capacity)},
                    {"capacity_from", capacitySource(book, load, ezone.id, now)},
                    {"utilisation", nullable(load.utilisation())},
                    {"spill", spillOf(served, i)},
                    {"fresh", status && status->fresh},
                    {"age_ms", status ? Json(status->age.count()) : Json(nullptr)},
                    {"reported_at", status ? Json(rfc3339(status->heard)) : Json(nullptr)}});
  }
  return rows;
}

Json partitionLoads(const partition::MapSnapshot& map, const LoadPicture& picture) {
  const Topology& topology = *map.topology;
  Json rows = Json::array();
  for (std::size_t i = 0; i < topology.partitions.size(); ++i) {
    const partition::Assignment& assignment = map.table->assignments[i];
    const partition::PartitionLoad& load = picture.partitions[i];
    rows.push_back({{"partition", assignment.subject},
                    {"zone", assignment.zone},
                    {"ezone", topology.ezones[assignment.ezone.index()].id},
                    {"units", nullable(load.units)},
                    {"measured", load.measured},
                    {"weight_units", topology.partitions[i].weight_units}});
  }
  return rows;
}

HttpReply load(const Context& context, const BalanceService& balancer) {
  const partition::MapSnapshot map = context.map.current();
  const LoadPicture picture = balancer.load().picture(*map.topology, *map.table);
  return jsonReply({{"now", rfc3339(context.clock.wallNow())},
                    {"reported", picture.reported},
                    {"ezones", ezoneLoads(balancer.book(), *map.topology, picture,
                                          context.view().load, context.clock.monotonicNow())},
                    {"partitions", partitionLoads(map, picture)}});
}

Json moveProposal(const partition::BalanceMove& move) {
  return {{"partition", move.partition},
          {"from", move.from},
          {"to", move.to},
          {"units", move.units},
          {"gain", move.gain},
          {"cost", move.cost},
          {"from_utilisation", {{"before", move.from_before}, {"after", move.from_after}}},
          {"to_utilisation", {{"before", move.to_before}, {"after", move.to_after}}},
          {"growth_km", move.growth_km},
          {"home", move.home},
          {"reason", move.reason}};
}

Json zoneBalance(const std::string& zone, const partition::ZoneBalance& balance,
                 MonotonicTime now) {
  const partition::BalanceRound& round = balance.round;
  Json blocked = Json::object();
  for (std::size_t i = 0; i < partition::kBalanceBlockers; ++i) {
    if (round.blocked[i] == 0) continue;
    blocked[std::string(balanceBlockerName(static_cast<partition::BalanceBlocker>(i)))] =
        round.blocked[i];
  }
  Json proposals = Json::array();
  for (const partition::BalanceMove& move : round.moves) proposals.push_back(moveProposal(move));
  const auto& since = balance.state.since;
  return {{"zone", zone},
          {"at", rfc3339(balance.at)},
          {"verdict", balanceVerdictName(round.verdict)},
          {"text", round.text},
          {"known_sites", round.spread.known},
          {"lowest", round.spread.lowest},
          {"highest", round.spread.highest},
          {"over_for_s",
           since ? Json(std::chrono::duration_cast<std::chrono::seconds>(now - *since).count())
                 : Json(nullptr)},
          {"active", balance.state.active},
          {"proposals", std::move(proposals)},
          {"blocked", std::move(blocked)},
          {"refused", balance.refused.empty() ? Json(nullptr) : Json(balance.refused)}};
}

Json pastRound(const partition::Change& change) {
  Json subjects = Json::array();
  for (const auto& wave : change.waves) {
    for (const partition::ChangeItem& item : wave) {
      subjects.push_back({{"partition", item.subject}, {"from", item.from}, {"to", item.to}});
    }
  }
  return {{"change", partition::changeId(change.number)},
          {"created", rfc3339(change.created)},
          {"state", changeStateName(change.state)},
          {"reason", change.reason},
          {"moves", std::move(subjects)}};
}

HttpReply balance(const Context& context, const BalanceService& balancer) {
  Json zones = Json::array();
  for (const auto& [zone, each] : balancer.zones()) {
    zones.push_back(zoneBalance(zone, each, context.clock.monotonicNow()));
  }
  Json rounds = Json::array();
  for (const partition::Change* change : balancer.rounds()) rounds.push_back(pastRound(*change));
  return jsonReply({{"now", rfc3339(context.clock.wallNow())},
                    {"mode", balanceModeName(balancer.mode())},
                    {"zones", std::move(zones)},
                    {"rounds", std::move(rounds)}});
}

Metric loadGauge(std::string name, std::string help) {
  return {.name = std::move(name),
          .help = std::move(help),
          .type = Metric::Type::kGauge,
          .samples = {}};
}

}  // namespace

std::vector<Metric> loadMetrics(const Context& context, const BalanceService& balancer) {
  const partition::MapSnapshot map = context.map.current();
  const LoadPicture picture = balancer.load().picture(*map.topology, *map.table);
  Metric units = loadGauge("meridian_load_units", "Smoothed load of eZones that report it");
  Metric utilisation =
      loadGauge("meridian_load_utilisation", "Share of an eZone's capacity in use, where known");
  Metric spill =
      loadGauge("meridian_load_spill", "Share of its stateless clients that an eZone sends away");
  const partition::SiteLoad served = context.view().load;
  for (std::size_t i = 0; i < map.topology->ezones.size(); ++i) {
    const Metric::Labels labels{{"ezone", map.topology->ezones[i].id}};
    const partition::EZoneLoad& each = picture.ezones[i];
    spill.samples.push_back({labels, spillOf(served, i)});
    if (each.units) units.samples.push_back({labels, *each.units});
    if (each.utilisation()) utilisation.samples.push_back({labels, *each.utilisation()});
  }
  Metric reports{.name = "meridian_load_reports_total",
                 .help = "Load reports by outcome",
                 .type = Metric::Type::kCounter,
                 .samples = {}};
  for (std::size_t i = 0; i < partition::kLoadOutcomes; ++i) {
    const auto outcome = static_cast<LoadOutcome>(i);
    reports.samples.push_back({{{"outcome", std::string(loadOutcomeName(outcome))}},
                               static_cast<double>(balancer.book().count(outcome))});
  }
  Metric proposals =
      loadGauge("meridian_balancer_proposals", "Moves that the balancer proposes now, by zone");
  for (const auto& [zone, each] : balancer.zones()) {
    proposals.samples.push_back({{{"zone", zone}}, static_cast<double>(each.round.moves.size())});
  }
  return {std::move(units), std::move(utilisation), std::move(spill), std::move(reports),
          std::move(proposals)};
}

void addLoadRoutes(Router& router, const Context& context, BalanceService& balancer) {
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/load",
              .role = Role::kAgent,
              .handler = [&context, &balancer](const ApiCall& call, const auto&) {
                return takeLoad(context, balancer.book(), call);
              }});
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/load",
              .handler = [&context, &balancer](const ApiCall&, const auto&) {
                return load(context, balancer);
              }});
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/balancer",
              .handler = [&context, &balancer](const ApiCall&, const auto&) {
                return balance(context, balancer);
              }});
}

}  // namespace meridian::admin
