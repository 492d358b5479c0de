// Health: sites, checks, overrides, and reports of pushed checks.
#include <charconv>
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/requests.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::CheckBoard;
using partition::HealthOverride;
using partition::HealthService;
using partition::Topology;

Json timeOrNull(WallTime time) {
  return time == WallTime{} ? Json(nullptr) : Json(rfc3339(time));
}

Json sitesJson(const HealthService& health, const Topology& topology) {
  Json list = Json::array();
  const std::vector<partition::SiteReading> sites = health.sites();
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const partition::SiteReading& site = sites[i];
    list.push_back({{"datacenter", topology.datacenters[i].id},
                    {"health", partition::healthName(site.health)},
                    {"measured", partition::healthName(site.measured)},
                    {"watched", site.watched},
                    {"stasis", site.stasis},
                    {"override", site.override_id ? Json(*site.override_id) : Json(nullptr)}});
  }
  return list;
}

Json lastJson(const partition::CheckState& state) {
  if (!state.last()) return nullptr;
  const partition::ProbeResult& last = *state.last();
  const char* outcome = last.outcome == partition::ProbeOutcome::kUp     ? "up"
                        : last.outcome == partition::ProbeOutcome::kDown ? "down"
                                                                         : "no-sensor";
  return {{"outcome", outcome},
          {"reason", last.reason},
          {"took_ms", last.took.count()},
          {"at", rfc3339(state.lastAt())}};
}

Json checksJson(const HealthService& health, const Topology& topology) {
  Json list = Json::array();
  const CheckBoard& board = health.board();
  for (std::size_t i = 0; i < board.checks().size(); ++i) {
    const partition::CheckConfig& check = board.checks()[i];
    const partition::CheckState& state = board.state(i);
    const auto dc = partition::siteOf(topology, check);
    const HealthOverride* forced = health.overrides().winner(partition::checkSubject(check.id));
    list.push_back({{"id", check.id},
                    {"kind", partition::checkKindName(check.kind)},
                    {"datacenter", dc ? Json(topology.datacenters[dc->index()].id) : Json(nullptr)},
                    {"critical", check.critical},
                    {"state", partition::healthName(state.state())},
                    {"since", timeOrNull(state.since())},
                    {"stasis", partition::stasisName(state.stasis(health.now()))},
                    {"successes", state.successes()},
                    {"failures", state.failures()},
                    {"last", lastJson(state)},
                    {"override", forced != nullptr ? Json(forced->id) : Json(nullptr)}});
  }
  return list;
}

// Those that are not simply UP; of many the first.
Json endpointsJson(const HealthService& health, const Topology& topology) {
  constexpr std::size_t kMostShown = 1000;
  Json list = Json::array();
  const std::vector<partition::EndpointReading> readings = health.endpoints();
  for (const partition::Service& service : topology.services) {
    for (const partition::Endpoint& endpoint : service.endpoints) {
      for (std::size_t i = 0; i < endpoint.pool.size(); ++i) {
        const partition::PoolEndpoint& each = endpoint.pool[i];
        const partition::EndpointReading& reading = readings[endpoint.first_of_pool.index() + i];
        const bool plain = reading.health == partition::Health::kUp && !reading.override_id;
        if (plain || list.size() >= kMostShown) continue;
        list.push_back(
            {{"service", service.name},
             {"ezone", topology.ezones[endpoint.ezone.index()].id},
             {"endpoint", each.id},
             {"health", partition::healthName(reading.health)},
             {"check", each.check.empty() ? Json(nullptr) : Json(each.check)},
             {"override", reading.override_id ? Json(*reading.override_id) : Json(nullptr)}});
      }
    }
  }
  return list;
}

Json overrideJson(const HealthOverride& entry, const partition::MatchCount& matches) {
  return {{"id", entry.id},
          {"glob", entry.glob},
          {"state", partition::healthName(entry.state)},
          {"reason", entry.reason},
          {"author", entry.author},
          {"created", rfc3339(entry.created)},
          {"expires", rfc3339(entry.expires)},
          {"matches",
           {{"datacenters", matches.datacenters},
            {"checks", matches.checks},
            {"endpoints", matches.endpoints}}}};
}

HttpReply getHealth(const Context& context) {
  const HealthService& health = context.health;
  const ServingView view = context.view();
  Json overrides = Json::array();
  for (const HealthOverride& each : health.overrides().all()) {
    overrides.push_back(overrideJson(each, health.matches(each.glob)));
  }
  return jsonReply({{"now", rfc3339(context.clock.wallNow())},
                    {"blind", health.board().blind()},
                    {"sites", sitesJson(health, *view.map.topology)},
                    {"checks", checksJson(health, *view.map.topology)},
                    {"endpoints_total", view.map.topology->endpoint_count},
                    {"endpoints", endpointsJson(health, *view.map.topology)},
                    {"overrides", std::move(overrides)}});
}

HttpReply addOverride(const Context& context, const ApiCall& call) {
  auto request = decodeOverride(call.http.body);
  if (!request) return invalidReply(request.error());
  request->author = call.caller.name;
  const partition::MatchCount matches = context.health.matches(request->glob);
  const bool nothing = matches.none();
  const auto added = context.health.addOverride(std::move(*request));
  if (added) return jsonReply(overrideJson(added->entry, added->matches));
  if (added.error().kind != ErrorKind::kRefused) return errorReply(added.error());
  return refusedReply(nothing ? "matches-nothing" : "too-many-overrides", added.error().message);
}

HttpReply removeOverride(const Context& context, const ApiCall& call) {
  const std::string& text = call.params.at("id");
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return errorReply(ErrorKind::kNotFound, "override ids are whole numbers: GET /v1/health");
  }
  const Status removed = context.health.removeOverride(id, call.caller.name);
  if (!removed) return errorReply(removed.error());
  return jsonReply({{"removed", id}});
}

HttpReply takeReport(const Context& context, const ApiCall& call) {
  auto report = decodeReport(call.http.body);
  if (!report) return invalidReply(report.error());
  const Status taken = context.health.report(report->check, report->up, report->reason);
  if (!taken && taken.error().kind == ErrorKind::kRefused) {
    return refusedReply("not-pushed", taken.error().message);
  }
  if (!taken) return errorReply(taken.error());
  const CheckBoard& board = context.health.board();
  const auto check = board.find(report->check);
  return jsonReply(
      {{"check", report->check}, {"state", partition::healthName(board.state(*check).state())}});
}

}  // namespace

void addHealthRoutes(Router& router, const Context& context) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/health",
              .handler = [&context](const ApiCall&, const auto&) { return getHealth(context); }});
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/health/overrides",
              .role = Role::kOperator,
              .handler = [&context](const ApiCall& call, const auto&) {
                return addOverride(context, call);
              }});
  router.add({.method = HttpMethod::kDelete,
              .path = "/v1/health/overrides/{id}",
              .role = Role::kOperator,
              .handler = [&context](const ApiCall& call, const auto&) {
                return removeOverride(context, call);
              }});
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/health/reports",
              .role = Role::kOperator,
              .handler = [&context](const ApiCall& call, const auto&) {
                return takeReport(context, call);
              }});
}

}  // namespace meridian::admin
