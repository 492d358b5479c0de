// Holds: who needs a partition, a zone or a site to stay where it is, until when and why.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/requests.h"
#include "partition/hold/hold_book.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::Hold;
using partition::HoldBook;
using partition::HoldScope;

Json holdJson(const Hold& hold) {
  return {{"id", partition::holdId(hold.id)},
          {partition::holdScopeName(hold.scope), hold.subject},
          {"holder", hold.holder},
          {"reason", hold.reason},
          {"actor", hold.actor},
          {"created", rfc3339(hold.created)},
          {"expires", rfc3339(hold.expires)},
          {"passed_by", nullable(hold.passed_by)}};
}

bool isKnown(const partition::Topology& topology, const Hold& hold) {
  switch (hold.scope) {
    case HoldScope::kPartition:
      return topology.findPartition(hold.subject).has_value();
    case HoldScope::kZone:
      return topology.findZone(hold.subject).has_value();
    case HoldScope::kDatacenter:
      return topology.findDatacenter(hold.subject).has_value();
  }
  return false;
}

HttpReply listHolds(const Context& context, const HoldBook& holds) {
  Json list = Json::array();
  for (const Hold& hold : holds.all()) {
    if (hold.expires > context.clock.wallNow()) list.push_back(holdJson(hold));
  }
  return jsonReply({{"holds", std::move(list)}});
}

HttpReply placeHold(const Context& context, HoldBook& holds, const ApiCall& call) {
  auto request = decodeHold(call.http.body);
  if (!request) return invalidReply(request.error());
  Hold hold = std::move(request->hold);
  if (!isKnown(*context.map.current().topology, hold)) {
    return errorReply(
        ErrorKind::kNotFound,
        "there is no " + std::string(partition::holdScopeName(hold.scope)) + " " + hold.subject);
  }
  hold.actor = call.caller.name;
  hold.created = context.clock.wallNow();
  hold.expires = hold.created + request->life;
  const auto placed = holds.add(std::move(hold));
  if (placed) return jsonReply(holdJson(*placed));
  if (placed.error().kind == ErrorKind::kRefused) {
    return refusedReply("too-many-holds", placed.error().message);
  }
  return errorReply(placed.error());
}

HttpReply releaseHold(HoldBook& holds, const ApiCall& call) {
  const std::string& id = call.params.at("id");
  const auto number = partition::holdNumberOf(id);
  if (!number) return errorReply(ErrorKind::kNotFound, "there is no hold " + id);
  // An agent ends what it began; others may end any.
  for (const Hold& hold : holds.all()) {
    const bool foreign = hold.id == *number && hold.actor != call.caller.name;
    if (foreign && call.caller.role == Role::kAgent) {
      return errorReply(ErrorKind::kForbidden, "the hold is of " + hold.actor);
    }
  }
  const Status released = holds.release(*number);
  if (!released) return errorReply(released.error());
  return jsonReply({{"released", id}});
}

}  // namespace

void addHoldRoutes(Router& router, const Context& context, HoldBook& holds) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/holds",
              .handler = [&context, &holds](const ApiCall&, const auto&) {
                return listHolds(context, holds);
              }});
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/holds",
              .role = Role::kAgent,
              .handler = [&context, &holds](const ApiCall& call, const auto&) {
                return placeHold(context, holds, call);
              }});
  router.add(
      {.method = HttpMethod::kDelete,
       .path = "/v1/holds/{id}",
       .role = Role::kAgent,
       .handler = [&holds](const ApiCall& call, const auto&) { return releaseHold(holds, call); }});
}

}  // namespace meridian::admin
