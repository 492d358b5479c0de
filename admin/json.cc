#include "admin/json.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace meridian::admin {

using Json = nlohmann::json;

std::string dumpJson(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json nullable(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json nullable(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

HttpReply jsonReply(const Json& json) {
  return {.status = 200, .body = dumpJson(json) + "\n"};
}

namespace {

const char* subjectKey(partition::SubjectKind kind) {
  return kind == partition::SubjectKind::kPartition ? "partition" : "global_zone";
}

}  // namespace

Json assignmentJson(const partition::Topology& topology, const partition::Assignment& assignment) {
  Json out = {{subjectKey(assignment.kind), assignment.subject},
              {"zone", assignment.zone},
              {"ezone", topology.ezones[assignment.ezone.index()].id},
              {"dc", topology.dcOf(assignment.ezone).id},
              {"prev_ezone", nullptr},
              {"epoch", assignment.epoch},
              {"rev", assignment.rev},
              {"since", rfc3339(assignment.since)},
              {"change", assignment.change_id},
              {"write_state", partition::writeStateName(assignment.write_state)},
              {"block_expires", nullptr},
              {"prepared", assignment.prepared},
              {"reason", assignment.reason},
              {"actor", assignment.actor}};
  if (assignment.block_expires) out["block_expires"] = rfc3339(*assignment.block_expires);
  if (assignment.prev_ezone) {
    out["prev_ezone"] = topology.ezones[assignment.prev_ezone->index()].id;
  }
  return out;
}

Json moveJson(const partition::AssignmentMove& move) {
  Json out = {{subjectKey(move.kind), move.subject},
              {"zone", move.zone},
              {"from", nullptr},
              {"to", nullptr},
              {"epoch_old", move.epoch_old},
              {"epoch_new", move.epoch_new}};
  if (!move.from.empty()) out["from"] = move.from;
  if (!move.to.empty()) out["to"] = move.to;
  return out;
}

Json confirmationJson(const std::vector<partition::MovedPlaces>& places) {
  Json out = Json::array();
  for (const partition::MovedPlaces& each : places) {
    out.push_back({{"zone", each.zone},
                   {"places", each.kind},
                   {"moved", each.moved},
                   {"of", each.of},
                   {"percent", std::round(each.percent() * 100) / 100}});
  }
  return out;
}

Json recordJson(const partition::JournalRecord& record) {
  Json moves = Json::array();
  for (const auto& move : record.moves) moves.push_back(moveJson(move));
  Json out = {{"rev", record.rev},         {"kind", partition::commitKindName(record.kind)},
              {"at", rfc3339(record.at)},  {"actor", record.actor},
              {"reason", record.reason},   {"topology_changed", record.has_topology},
              {"rolled_back_to", nullptr}, {"moves", std::move(moves)}};
  if (record.rolled_back_to) out["rolled_back_to"] = *record.rolled_back_to;
  out["moves_confirmed"] = record.moves_confirmed;
  return out;
}

Json poolJson(const partition::Explanation& e) {
  if (!e.pool) return nullptr;
  return {{"endpoints", e.pool->endpoints},
          {"candidates", e.pool->candidates},
          {"answered", e.pool->answered},
          {"up_share", e.pool->up_share},
          {"min_up_share", e.pool->min_up_share}};
}

Json explanationJson(const partition::Explanation& e) {
  Json candidates = Json::array();
  for (const partition::Explanation::Candidate& each : e.candidates) {
    candidates.push_back({{"ezone", each.ezone},
                          {"dc", each.dc},
                          {"verdict", partition::rejectedForName(each.why)},
                          {"admin_state", partition::adminStateName(each.admin_state)},
                          {"health", partition::healthName(each.health)}});
    if (e.kind != partition::ZoneKind::kStateless) continue;
    candidates.back()["class"] =
        each.distance_class == 0 ? Json(nullptr) : Json(each.distance_class);
    candidates.back()["weight"] = each.weight;
    candidates.back()["spill"] = each.spill;
  }
  Json location = {{"lat", nullptr},
                   {"lon", nullptr},
                   {"country", nullable(e.location.country)},
                   {"subdivision", nullable(e.location.subdivision)},
                   {"city", nullable(e.location.city)},
                   {"asn", e.location.asn == 0 ? Json(nullptr) : Json(e.location.asn)}};
  if (e.location.point) {
    location["lat"] = e.location.point->lat;
    location["lon"] = e.location.point->lon;
  }
  return {{"service", e.service},
          {"zone", e.zone},
          {"kind", partition::zoneKindName(e.kind)},
          {"place", e.place},
          {"known", e.known},
          {"source", nullable(e.source)},
          {"network", nullable(e.network)},
          {"scope", e.scope ? Json(*e.scope) : Json(nullptr)},
          {"location", std::move(location)},
          {"placed_by", nullable(e.placed_by)},
          {"partition", nullable(e.partition)},
          {"ezone", e.ezone},
          {"dc", e.dc},
          {"candidates", std::move(candidates)},
          {"among", nullable(e.basis)},
          {"shared", e.shared},
          {"pool", poolJson(e)},
          {"epoch", e.epoch},
          {"write_state", e.kind == partition::ZoneKind::kStateless
                              ? Json(nullptr)
                              : Json(partition::writeStateName(e.write_state))},
          {"rev", e.rev}};
}

}  // namespace meridian::admin
