// Changes: ask for one, watch it, give it orders.
#include <cmath>
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/change_feed.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/requests.h"
#include "partition/change/impact.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::Change;
using partition::ChangeItem;
using partition::ChangeState;

Json itemJson(const Context& context, const Change& change, const ChangeItem& item) {
  Json out = {{"subject", item.subject}, {"zone", item.zone},       {"from", item.from},
              {"to", item.to},           {"epoch", item.epoch},     {"moved", item.moved},
              {"barrier", item.barrier}, {"old_ttl", item.old_ttl}, {"lost_ms", nullptr},
              {"lag_ms", nullptr},       {"link", nullptr}};
  if (item.lost_ms) out["lost_ms"] = *item.lost_ms;
  if (partition::isOver(change.state)) return out;
  const partition::Topology& topology = *context.map.current().topology;
  const auto from = topology.findEZone(item.from);
  const auto to = topology.findEZone(item.to);
  if (!from || !to) return out;
  const auto link = context.links.link(topology.dcOf(*from).id, topology.dcOf(*to).id);
  if (link.effective_lag_ms) out["lag_ms"] = *link.effective_lag_ms;
  out["link"] = partition::linkStateName(link.state);
  return out;
}

Json changeJson(const Context& context, const Change& change) {
  Json waves = Json::array();
  for (const auto& wave : change.waves) {
    Json items = Json::array();
    for (const ChangeItem& item : wave) items.push_back(itemJson(context, change, item));
    waves.push_back(std::move(items));
  }
  Json overrides = Json::array();
  for (const auto& each : change.overrides) {
    overrides.push_back({{"rule", each.rule}, {"reason", each.reason}});
  }
  const auto in_state = context.changes.inState(change.number);
  Json out = {{"id", change.number == 0 ? Json() : Json(partition::changeId(change.number))},
              {"kind", partition::changeKindName(change.kind)},
              {"mode", partition::changeModeName(change.mode)},
              {"data_policy", partition::dataPolicyName(change.data_policy)},
              {"actor", change.actor},
              {"reason", change.reason},
              {"overrides", std::move(overrides)},
              {"waves", std::move(waves)},
              {"wave", change.wave},
              {"created", rfc3339(change.created)},
              {"start_at", nullptr},
              {"expires_at", nullptr},
              {"undoes", nullptr},
              {"forward_until", nullptr},
              {"state", partition::changeStateName(change.state)},
              {"since", rfc3339(change.entered)},
              {"in_state_ms", in_state.count()},
              {"budget_ms", nullptr},
              {"note", change.note},
              {"paused", change.paused},
              {"wait_for_holds", change.wait_for_holds},
              {"remaining", change.remaining},
              {"step", change.steps}};
  if (const auto budget = partition::stateBudget(change, context.changes.policy())) {
    out["budget_ms"] = budget->count();
  }
  if (change.not_before) out["start_at"] = rfc3339(*change.not_before);
  if (change.expires_at) out["expires_at"] = rfc3339(*change.expires_at);
  if (change.undoes) out["undoes"] = partition::changeId(*change.undoes);
  if (const auto until = context.changes.forwardUntil(change.number)) {
    out["forward_until"] = rfc3339(*until);
  }
  if (change.state == ChangeState::kDraining) {
    const partition::StaleClients stale = context.changes.staleClients(change);
    out["stale_share"] = stale.share;
    out["stale_share_from"] = stale.measured ? "measured" : "computed";
    // What is measured keeps it beyond three TTLs.
    if (stale.measured && stale.share >= partition::kDrainedShare) {
      out["budget_ms"] = context.changes.policy().drain_max.count();
    }
  }
  return out;
}

Json impactJson(const Context& context, const Change& change) {
  const partition::MapSnapshot& map = context.map.current();
  const partition::LoadPicture load = context.load == nullptr
                                          ? partition::LoadPicture{}
                                          : context.load->picture(*map.topology, *map.table);
  const partition::Impact impact = partition::impactOf(
      change, *map.topology, load, {context.rates, context.resolvers}, context.changes.policy());
  Json resolvers;
  if (impact.resolvers) {
    resolvers = {{"estimate", std::llround(impact.resolvers->resolvers)},
                 {"window_s", impact.resolvers->window.count()}};
  }
  Json targets = Json::array();
  for (const auto& each : impact.targets) {
    targets.push_back({{"ezone", each.ezone},
                       {"utilisation", nullable(each.utilisation)},
                       {"utilisation_after", nullable(each.utilisation_after)}});
  }
  return {{"queries_per_s", nullable(impact.queries_per_s)},
          {"query_share", nullable(impact.query_share)},
          {"resolvers", std::move(resolvers)},
          {"targets", std::move(targets)},
          {"until_moved_ms", impact.until_moved.count()},
          {"until_drained_ms", impact.until_drained.count()}};
}

Json verdictsJson(const std::vector<partition::RuleVerdict>& verdicts) {
  Json out = Json::array();
  for (const auto& each : verdicts) {
    out.push_back({{"rule", each.rule},
                   {"holds", each.holds},
                   {"hard", each.hard},
                   {"overridden", each.overridden},
                   {"text", each.text}});
  }
  return out;
}

}  // namespace

Json planJson(const Context& context, const partition::ChangePlan& plan, bool dry_run) {
  return {{"accepted", plan.accepted},
          {"dry_run", dry_run},
          {"impact", impactJson(context, plan.change)},
          {"change", changeJson(context, plan.change)},
          {"verdicts", verdictsJson(plan.verdicts)}};
}

namespace {

HttpReply planReply(const Context& context, const partition::ChangePlan& plan, bool dry_run) {
  if (plan.accepted || dry_run) {
    HttpReply reply = jsonReply(planJson(context, plan, dry_run));
    if (!dry_run) reply.status = 202;
    return reply;
  }
  Json body = {{"error", "refused"}, {"verdicts", verdictsJson(plan.verdicts)}};
  for (const auto& verdict : plan.verdicts) {
    if (!partition::stops(verdict) || body.contains("rule")) continue;
    body["rule"] = verdict.rule;
    body["reason"] = verdict.rule + ": " + verdict.text;
  }
  HttpReply reply = jsonReply(body);
  reply.status = 422;
  return reply;
}

HttpReply startChange(const Context& context, const ApiCall& call) {
  auto request = decodeChangeRequest(call.http.body, context.clock.wallNow());
  if (!request) return invalidReply(request.error());
  request->actor = call.caller.name;
  const auto plan = context.changes.start(*request);
  if (!plan) return mapErrorReply(plan.error());
  return planReply(context, *plan, request->dry_run);
}

HttpReply listChanges(const Context& context, const ApiCall& call) {
  const auto open_only = call.flag("open");
  if (!open_only) return errorReply(open_only.error());
  const auto limit = call.number("limit", 50, 1, 1000);
  if (!limit) return errorReply(limit.error());
  Json list = Json::array();
  for (const Change* change : context.changes.list(*open_only)) {
    if (list.size() == *limit) break;
    list.push_back(changeJson(context, *change));
  }
  return jsonReply({{"changes", std::move(list)}, {"stopped", context.changes.storeFailed()}});
}

Result<std::uint64_t> numberOf(const Context& context, const ApiCall& call) {
  const std::string& id = call.params.at("id");
  const auto number = partition::changeNumberOf(id);
  if (number && context.changes.find(*number) != nullptr) return *number;
  return fail(ErrorKind::kNotFound, "there is no change " + id);
}

HttpReply showChange(const Context& context, std::uint64_t number) {
  const Change* change = context.changes.find(number);
  if (change == nullptr) {
    return errorReply(ErrorKind::kNotFound, "the change was dropped: too many came after it");
  }
  const auto log = context.changes.log(number);
  if (!log) return errorReply(log.error());
  Json entries = Json::array();
  for (const auto& each : *log) {
    entries.push_back({{"step", each.step},
                       {"at", rfc3339(each.at)},
                       {"state", partition::changeStateName(each.state)},
                       {"wave", each.wave},
                       {"paused", each.paused},
                       {"note", each.note},
                       {"actor", each.actor.empty() ? Json() : Json(each.actor)}});
  }
  Json out = changeJson(context, *change);
  out["log"] = std::move(entries);
  return jsonReply(out);
}

std::optional<HttpReply> getChange(const Context& context, ChangeFeed& feed, const ApiCall& call,
                                   const std::shared_ptr<Responder>& responder) {
  const auto number = numberOf(context, call);
  if (!number) return errorReply(number.error());
  const auto after = call.number("after", 0, 0, std::numeric_limits<std::int64_t>::max());
  if (!after) return errorReply(after.error());
  const auto wait =
      call.number("wait", 0, 0, static_cast<std::uint64_t>(ChangeFeed::kMaxWait.count()));
  if (!wait) return errorReply(wait.error());
  feed.wait(*number, *after, std::chrono::seconds(*wait), responder,
            [&context, number = *number] { return showChange(context, number); });
  return std::nullopt;
}

HttpReply giveOrder(const Context& context, const ApiCall& call) {
  const auto number = numberOf(context, call);
  if (!number) return errorReply(number.error());
  const std::string& name = call.params.at("order");
  const auto order = partition::changeOrderOf(name);
  if (!order) {
    return errorReply(ErrorKind::kNotFound,
                      "no order is called " + name + "; there are pause, resume, abort, resolve");
  }
  const auto change = context.changes.order(*number, *order, call.caller.name);
  if (!change) return mapErrorReply(change.error());
  return jsonReply(changeJson(context, *change));
}

HttpReply undoChange(const Context& context, const ApiCall& call) {
  const auto number = numberOf(context, call);
  if (!number) return errorReply(number.error());
  const auto body = decodeUndo(call.http.body);
  if (!body) return invalidReply(body.error());
  const auto plan =
      context.changes.rollback(*number, body->mode, body->reason, call.caller.name, body->dry_run);
  if (!plan) return mapErrorReply(plan.error());
  return planReply(context, *plan, body->dry_run);
}

}  // namespace

void addChangeRoutes(Router& router, const Context& context, ChangeFeed& feed) {
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/changes",
              .role = Role::kOperator,
              .handler = [&context](const ApiCall& call, const auto&) {
                return startChange(context, call);
              }});
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/changes",
              .query = {"open", "limit"},
              .handler = [&context](const ApiCall& call, const auto&) {
                return listChanges(context, call);
              }});
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/changes/{id}",
              .query = {"after", "wait"},
              .handler = [&context, &feed](const ApiCall& call, const auto& responder) {
                return getChange(context, feed, call, responder);
              }});
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/changes/{id}/rollback",
              .role = Role::kOperator,
              .handler = [&context](const ApiCall& call, const auto&) {
                return undoChange(context, call);
              }});
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/changes/{id}/{order}",
              .role = Role::kOperator,
              .handler = [&context](const ApiCall& call, const auto&) {
                return giveOrder(context, call);
              }});
}

}  // namespace meridian::admin
