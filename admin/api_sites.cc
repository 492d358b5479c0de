// Datacenters as a whole: what is known of each, and taking one out, bringing it back, giving it
// up.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/requests.h"
#include "partition/site/site_patrol.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::SiteMover;
using partition::SiteRequest;
using partition::SiteResult;

HttpReply listSites(const Context& context) {
  const partition::SitePatrol& patrol = *context.patrol;
  Json list = Json::array();
  for (const auto& [id, site] : patrol.watch().sites()) {
    list.push_back({{"datacenter", id},
                    {"verdict", partition::siteVerdictName(site.verdict)},
                    {"signals",
                     {{"probes", site.signals.probes},
                      {"links", site.signals.links},
                      {"framework", site.signals.framework}}},
                    {"hold_down_ms", patrol.watch().holdDown(site, patrol.now()).count()},
                    {"last_act", nullable(patrol.lastAct(id))}});
  }
  return jsonReply({{"mode", partition::patrolModeName(patrol.policy().evacuate)},
                    {"return", partition::patrolModeName(patrol.policy().bring_home)},
                    {"sites", std::move(list)}});
}

HttpReply resultReply(const Context& context, const SiteResult& result, bool dry_run) {
  Json changes = Json::array();
  const partition::RuleVerdict* stopped = nullptr;
  for (const partition::ChangePlan& plan : result.changes) {
    changes.push_back(planJson(context, plan, dry_run));
    for (const partition::RuleVerdict& verdict : plan.verdicts) {
      if (!plan.accepted && stopped == nullptr && partition::stops(verdict)) stopped = &verdict;
    }
  }
  Json left = Json::array();
  for (const auto& each : result.left) {
    left.push_back({{"subject", each.subject}, {"why", each.why}});
  }
  Json body = {{"rev", result.rev},
               {"dry_run", dry_run},
               {"changes", std::move(changes)},
               {"left", std::move(left)}};
  if (stopped != nullptr && !dry_run) {
    body["error"] = "refused";
    body["rule"] = stopped->rule;
    body["reason"] = stopped->rule + ": " + stopped->text;
  }
  HttpReply reply = jsonReply(body);
  if (!dry_run) reply.status = stopped != nullptr ? 422 : 202;
  return reply;
}

using Order = partition::MapResult<SiteResult> (SiteMover::*)(const SiteRequest&);

HttpReply moveSite(const Context& context, const ApiCall& call, Order order) {
  auto request = decodeSiteRequest(call.http.body);
  if (!request) return invalidReply(request.error());
  request->datacenter = call.params.at("id");
  request->actor = call.caller.name;
  const auto result = (context.mover->*order)(*request);
  if (!result) return mapErrorReply(result.error());
  return resultReply(context, *result, request->dry_run);
}

}  // namespace

void addSiteRoutes(Router& router, const Context& context) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/sites",
              .handler = [&context](const ApiCall&, const auto&) { return listSites(context); }});
  const std::pair<const char*, Order> orders[] = {
      {"/v1/sites/{id}/drain", &SiteMover::drain},
      {"/v1/sites/{id}/undrain", &SiteMover::undrain},
      {"/v1/sites/{id}/evacuate", &SiteMover::evacuate}};
  for (const auto& [path, order] : orders) {
    router.add({.method = HttpMethod::kPost,
                .path = path,
                .role = Role::kOperator,
                .handler = [&context, order = order](const ApiCall& call, const auto&) {
                  return moveSite(context, call, order);
                }});
  }
}

}  // namespace meridian::admin
