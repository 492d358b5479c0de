#include "partition/site/site_mover.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "partition/site/site_document.h"

namespace meridian::partition {
namespace {

tl::unexpected<MapError> unknownDatacenter(const std::string& id) {
  return refuse(ErrorKind::kNotFound, "unknown-datacenter", "there is no datacenter " + id);
}

bool stopped(const ChangePlan& plan) {
  return std::any_of(plan.verdicts.begin(), plan.verdicts.end(), stops);
}

}  // namespace

std::vector<ChangeRequest> SiteMover::requestsFor(const EvacuationPlan& plan,
                                                  const SiteRequest& request, ChangeKind kind,
                                                  bool dry_run) const {
  std::vector<ChangeRequest> requests;
  for (const auto& zone : plan.zones) {
    ChangeRequest each;
    each.kind = kind;
    each.mode = request.mode;
    if (request.mode == ChangeMode::kEmergency) each.data_policy = DataPolicy::kBounded;
    each.targets = zone.targets;
    each.reason = request.reason;
    each.actor = request.actor;
    each.overrides = request.overrides;
    each.wait_for_holds = request.wait_for_holds;
    each.dry_run = dry_run;
    requests.push_back(std::move(each));
  }
  return requests;
}

MapResult<MapSnapshot> SiteMover::mapWith(const SiteRequest& request, AdminState state) const {
  MapSnapshot map = map_.current();
  const auto dc = map.topology->findDatacenter(request.datacenter);
  if (!dc) return unknownDatacenter(request.datacenter);
  if (map.topology->datacenters[dc->index()].admin_state == state) return map;
  const auto document = withAdminState(map.topology->document, request.datacenter, state);
  if (!document) return tl::unexpected(MapError{document.error()});
  auto topology = decodeTopology(*document, "the edited topology");
  if (!topology) {
    MapError error{{ErrorKind::kInvalid, "the edited topology is not valid"}};
    error.problems = topology.error();
    return tl::unexpected(std::move(error));
  }
  // No index depends on an admin state: the table stays true.
  map.topology = std::make_shared<const Topology>(std::move(*topology));
  return map;
}

MapResult<Rev> SiteMover::setAdminState(const SiteRequest& request, AdminState state) {
  const MapResult<MapSnapshot> map = mapWith(request, state);
  if (!map) return tl::unexpected(map.error());
  if (map->topology == map_.current().topology) return map->table->rev;
  const auto put = map_.putTopology(map->topology, map->table->rev, request.reason, request.actor,
                                    request.dry_run);
  if (!put) return tl::unexpected(put.error());
  return put->rev;
}

MapResult<SiteResult> SiteMover::drain(const SiteRequest& request) {
  const MapSnapshot map = map_.current();
  if (!map.topology->findDatacenter(request.datacenter)) {
    return unknownDatacenter(request.datacenter);
  }
  EvacuationPlan plan =
      planEvacuation(*map.topology, *map.table, *health_(), links_, request.datacenter);
  SiteResult result;
  result.left = std::move(plan.left);
  // First all verdicts: half a drain helps nobody.
  bool refused = false;
  for (const ChangeRequest& each : requestsFor(plan, request, ChangeKind::kDrain, true)) {
    auto looked = changes_.start(each);
    if (!looked) return tl::unexpected(looked.error());
    refused =
        refused || (stopped(*looked) && !(request.wait_for_holds && onlyHeld(looked->verdicts)));
    result.changes.push_back(std::move(*looked));
  }
  result.rev = map.table->rev;
  if (refused) return result;
  const auto rev = setAdminState(request, AdminState::kDraining);
  if (!rev) return tl::unexpected(rev.error());
  result.rev = *rev;
  if (request.dry_run) return result;
  result.changes.clear();
  for (const ChangeRequest& each : requestsFor(plan, request, ChangeKind::kDrain, false)) {
    auto started = changes_.start(each);
    if (!started) return tl::unexpected(started.error());
    result.changes.push_back(std::move(*started));
  }
  return result;
}

MapResult<SiteResult> SiteMover::undrain(const SiteRequest& request) {
  const auto rev = setAdminState(request, AdminState::kInService);
  if (!rev) return tl::unexpected(rev.error());
  const EvacuationPlan plan = planHome(request.datacenter, false);
  if (!request.dry_run) return moveHome(plan, request);
  // The site is still out: what follows its return is judged by the map that it would make.
  const MapResult<MapSnapshot> next = mapWith(request, AdminState::kInService);
  if (!next) return tl::unexpected(next.error());
  SiteResult result;
  result.rev = *rev;
  for (const ChangeRequest& each : requestsFor(plan, request, ChangeKind::kReturn, true)) {
    auto looked = changes_.judge(each, *next);
    if (!looked) return tl::unexpected(looked.error());
    result.changes.push_back(std::move(*looked));
  }
  return result;
}

MapResult<SiteResult> SiteMover::bringHome(const SiteRequest& request) {
  return moveHome(planHome(request.datacenter, true), request);
}

EvacuationPlan SiteMover::planHome(std::string_view datacenter, bool evacuated) const {
  const MapSnapshot map = map_.current();
  EvacuationPlan plan = planReturn(*map.topology, *map.table, datacenter);
  if (!evacuated) return plan;
  for (auto& zone : plan.zones) {
    std::erase_if(zone.targets,
                  [&](const ChangeTarget& target) { return !wasEvacuated(target.subject); });
  }
  std::erase_if(plan.zones, [](const auto& zone) { return zone.targets.empty(); });
  return plan;
}

bool SiteMover::wasEvacuated(const std::string& subject) const {
  const MapSnapshot map = map_.current();
  const Assignment& row = map.table->assignments[map.table->find(subject)->index()];
  const auto number = changeNumberOf(row.change_id);
  const Change* change = number ? changes_.find(*number) : nullptr;
  return change != nullptr && change->kind == ChangeKind::kEvacuation && isOver(change->state);
}

MapResult<SiteResult> SiteMover::moveHome(const EvacuationPlan& plan, const SiteRequest& request) {
  SiteResult result;
  result.rev = map_.current().table->rev;
  for (const ChangeRequest& each :
       requestsFor(plan, request, ChangeKind::kReturn, request.dry_run)) {
    auto started = changes_.start(each);
    if (!started) return tl::unexpected(started.error());
    result.changes.push_back(std::move(*started));
  }
  return result;
}

void SiteMover::abortOpenChanges(EvacuationPlan& plan, const std::string& actor) {
  for (auto& zone : plan.zones) {
    for (ChangeTarget& target : zone.targets) {
      const auto number = changeNumberOf(changes_.activeChange(target.subject));
      if (number) static_cast<void>(changes_.order(*number, ChangeOrder::kAbort, actor));
    }
    // An abort that had to unblock raised the epoch; one that could not be made leaves its change.
    std::erase_if(zone.targets, [&](ChangeTarget& target) {
      const std::string still = changes_.activeChange(target.subject);
      if (!still.empty()) {
        plan.left.push_back({target.subject, "is part of " + still + ", which has gone too far"});
        return true;
      }
      const auto& table = *map_.current().table;
      target.expected_epoch = table.assignments[table.find(target.subject)->index()].epoch;
      return false;
    });
  }
  std::erase_if(plan.zones, [](const auto& zone) { return zone.targets.empty(); });
}

MapResult<SiteResult> SiteMover::evacuate(const SiteRequest& request) {
  const MapSnapshot map = map_.current();
  if (!map.topology->findDatacenter(request.datacenter)) {
    return unknownDatacenter(request.datacenter);
  }
  SiteRequest emergency = request;
  emergency.mode = ChangeMode::kEmergency;
  EvacuationPlan plan =
      planEvacuation(*map.topology, *map.table, *health_(), links_, request.datacenter);
  if (!request.dry_run) abortOpenChanges(plan, request.actor);
  SiteResult result;
  result.rev = map.table->rev;
  result.left = std::move(plan.left);
  for (const ChangeRequest& each :
       requestsFor(plan, emergency, ChangeKind::kEvacuation, request.dry_run)) {
    auto started = changes_.start(each);
    if (!started) return tl::unexpected(started.error());
    result.changes.push_back(std::move(*started));
  }
  return result;
}

}  // namespace meridian::partition
