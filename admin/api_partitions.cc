// Assignments of partitions and the remap.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/requests.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::SubjectKind;

HttpReply listPartitions(const Context& context, const ApiCall& call) {
  const partition::MapSnapshot& map = context.map.current();
  const auto zone = call.parameter("zone");
  const auto ezone = call.parameter("ezone");
  if (zone && !map.topology->findZone(*zone)) {
    return errorReply(ErrorKind::kNotFound, "no zone of the model is called " + *zone);
  }
  if (ezone && !map.topology->findEZone(*ezone)) {
    return errorReply(ErrorKind::kNotFound, "no eZone is called " + *ezone);
  }
  Json list = Json::array();
  for (const partition::Assignment& each : map.table->assignments) {
    if (each.kind != SubjectKind::kPartition) continue;
    if (zone && each.zone != *zone) continue;
    if (ezone && map.topology->ezones[each.ezone.index()].id != *ezone) continue;
    list.push_back(assignmentJson(*map.topology, each));
  }
  return jsonReply({{"rev", map.table->rev}, {"partitions", std::move(list)}});
}

HttpReply getPartition(const Context& context, const ApiCall& call) {
  const partition::MapSnapshot& map = context.map.current();
  const std::string& id = call.params.at("id");
  const auto found = map.table->find(id);
  if (!found || map.table->assignments[found->index()].kind != SubjectKind::kPartition) {
    return errorReply(ErrorKind::kNotFound, "no partition is called " + id);
  }
  return jsonReply(assignmentJson(*map.topology, map.table->assignments[found->index()]));
}

HttpReply remap(const Context& context, const ApiCall& call) {
  auto request = decodeRemap(call.http.body);
  if (!request) return invalidReply(request.error());
  request->subject = call.params.at("id");
  request->actor = call.caller.name;
  const auto result = context.map.remap(*request);
  if (!result) return mapErrorReply(result.error());
  return jsonReply({{"rev", result->rev},
                    {"partition", result->subject},
                    {"from", result->from},
                    {"to", result->to},
                    {"epoch_old", result->epoch_old},
                    {"epoch_new", result->epoch_new},
                    {"applied", result->applied}});
}

}  // namespace

void addPartitionRoutes(Router& router, const Context& context) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/partitions",
              .query = {"zone", "ezone"},
              .handler = [&context](const ApiCall& call, const auto&) {
                return listPartitions(context, call);
              }});
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/partitions/{id}",
              .handler = [&context](const ApiCall& call, const auto&) {
                return getPartition(context, call);
              }});
  router.add(
      {.method = HttpMethod::kPost,
       .path = "/v1/partitions/{id}/remap",
       .role = Role::kOperator,
       .handler = [&context](const ApiCall& call, const auto&) { return remap(context, call); }});
}

}  // namespace meridian::admin
