// The topology document and the datacenters in it.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/requests.h"
#include "base/log.h"
#include "partition/change/lost_forwarders.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::MapSnapshot;

HttpReply getTopology(const Context& context) {
  const MapSnapshot& map = context.map.current();
  // The document as it was put: it is valid JSON, so it can stand in the reply as it is.
  return {.status = 200,
          .body = "{\"rev\":" + std::to_string(map.table->rev) +
                  ",\"topology_rev\":" + std::to_string(map.topology_rev) +
                  ",\"topology\":" + map.topology->document + "}\n"};
}

Json diffJson(const partition::TopologyResult& result) {
  Json moves = Json::array();
  for (const auto& move : result.change.moves) moves.push_back(moveJson(move));
  Json placements = Json::array();
  for (const auto& zone : result.movements) {
    placements.push_back({{"zone", zone.zone},
                          {"ipv4_addresses", zone.diff.ipv4_addresses},
                          {"ipv6_48s", zone.diff.ipv6_48s},
                          {"pois", zone.diff.pois},
                          {"cities", zone.diff.cities}});
  }
  return {{"added", result.change.added},
          {"removed", result.change.removed},
          {"changed", result.change.changed},
          {"moves", std::move(moves)},
          {"placements", std::move(placements)}};
}

Json lostForwardersJson(const std::vector<partition::LostForwarder>& lost) {
  Json out = Json::array();
  for (const auto& each : lost) {
    out.push_back({{"subject", each.forwarder.subject},
                   {"ezone", each.forwarder.from},
                   {"change_id", partition::changeId(each.forwarder.change)},
                   {"until", rfc3339(each.forwarder.until)},
                   {"service", nullable(each.service)},
                   {"records", each.records}});
  }
  return out;
}

HttpReply putTopology(const Context& context, const ApiCall& call) {
  const auto dry_run = call.flag("dry_run");
  if (!dry_run) return errorReply(dry_run.error());
  const auto expected = call.number("expected_rev", 0, 1, partition::Rev{1} << 62);
  if (!expected) return errorReply(expected.error());
  const auto confirmed = call.flag("confirm_moves");
  if (!confirmed) return errorReply(confirmed.error());
  const std::string reason = call.parameter("reason").value_or("");
  if (reason.empty() || reason.size() > kMaxReason) {
    return errorReply(ErrorKind::kInvalid, "reason: must have 1 to " + std::to_string(kMaxReason) +
                                               " bytes; it is kept in the journal");
  }
  auto topology = partition::decodeTopology(call.http.body, "request");
  if (!topology) return invalidReply(topology.error());
  const auto next = std::make_shared<const partition::Topology>(std::move(*topology));
  // Against the topology that is served now.
  const auto lost = partition::lostForwarders(context.changes.forwarders(),
                                              *context.map.current().topology, *next);
  const auto result = context.map.putTopology(
      next, *expected == 0 ? std::nullopt : std::optional(*expected), reason, call.caller.name,
      *dry_run, *confirmed ? partition::PlaceMoves::kConfirmed : partition::PlaceMoves::kLimited);
  if (!result) return mapErrorReply(result.error());
  Json reply = {{"rev", result->rev}, {"applied", result->applied}, {"diff", diffJson(*result)}};
  const char* over = result->applied ? "confirmed" : "needs_confirmation";
  reply[over] = confirmationJson(result->needs_confirmation);
  reply["must_still_forward"] = lostForwardersJson(lost);
  if (result->applied) {
    for (const auto& each : lost) {
      logWarn("forwarder_lost", {{"why", each.text()},
                                 {"actor", call.caller.name},
                                 {"next", "keep what listens there, or put the address back"}});
    }
  }
  return jsonReply(reply);
}

HttpReply listDatacenters(const Context& context) {
  const ServingView view = context.view();
  const partition::Topology& topology = *view.map.topology;
  Json list = Json::array();
  for (std::size_t i = 0; i < topology.datacenters.size(); ++i) {
    const partition::Datacenter& dc = topology.datacenters[i];
    Json ezones = Json::array();
    for (const partition::EZone& ezone : topology.ezones) {
      if (ezone.dc.index() == i) ezones.push_back({{"id", ezone.id}, {"slot", ezone.slot}});
    }
    Json row = {{"id", dc.id},
                {"region", dc.region},
                {"lat", dc.point.lat},
                {"lon", dc.point.lon},
                {"capacity_units", nullptr},
                {"admin_state", partition::adminStateName(dc.admin_state)},
                {"health", partition::healthName(view.health->datacenters[i])},
                {"ezones", std::move(ezones)}};
    if (dc.capacity_units) row["capacity_units"] = *dc.capacity_units;
    list.push_back(std::move(row));
  }
  return jsonReply({{"rev", view.map.table->rev}, {"datacenters", std::move(list)}});
}

}  // namespace

void addTopologyRoutes(Router& router, const Context& context) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/topology",
              .handler = [&context](const ApiCall&, const auto&) { return getTopology(context); }});
  router.add({.method = HttpMethod::kPut,
              .path = "/v1/topology",
              .role = Role::kAdmin,
              .query = {"dry_run", "expected_rev", "reason", "confirm_moves"},
              .handler = [&context](const ApiCall& call, const auto&) {
                return putTopology(context, call);
              }});
  router.add(
      {.method = HttpMethod::kGet,
       .path = "/v1/datacenters",
       .handler = [&context](const ApiCall&, const auto&) { return listDatacenters(context); }});
}

}  // namespace meridian::admin
