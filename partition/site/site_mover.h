// SiteMover: takes a datacenter out, brings it back, and gives up one that is lost.
//
//   drain      admin state DRAINING (stateless names and reads leave at once), then one gradual
//              change a sharding zone that moves its partitions away
//   undrain    admin state IN_SERVICE, then one gradual change a zone that brings home what lives
//              there
//   evacuate   one emergency change a zone; the admin state stays: a site that comes back must not
//              need a person to be looked at
//
// Each is a commit of the map and changes of their own: when the process dies in between, asking
// again does what is left. Threads: the control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "partition/change/engine.h"
#include "partition/map_service.h"
#include "partition/site/evacuation_plan.h"

namespace meridian::partition {

struct SiteRequest {
  std::string datacenter;
  ChangeMode mode = ChangeMode::kGradual;
  std::string reason, actor;
  std::vector<RuleOverride> overrides = {};
  bool wait_for_holds = false;
  bool dry_run = false;
};

struct SiteResult {
  Rev rev = 0;  // of the admin state; unchanged when it was that already
  std::vector<ChangePlan> changes;
  std::vector<EvacuationPlan::Left> left;
};

class SiteMover {
 public:
  // All must outlive the mover; `health` never gives null.
  SiteMover(MapService& map, ChangeEngine& changes, const LinkSource& links,
            std::function<std::shared_ptr<const SiteHealth>()> health)
      : map_(map), changes_(changes), links_(links), health_(std::move(health)) {}

  // Rules: "unknown-datacenter"; those of MapService::putTopology(), e.g. "min-in-service". When a
  // safety rule stops any of the changes nothing happens, and the plans say which.
  MapResult<SiteResult> drain(const SiteRequest& request);
  // The admin state is set even when rules stop the way home: the plans say why, and asking again
  // tries again.
  MapResult<SiteResult> undrain(const SiteRequest& request);
  // The last part of undrain() alone, for what evacuations have moved and nothing since.
  MapResult<SiteResult> bringHome(const SiteRequest& request);
  // What lives there and is elsewhere; with `evacuated` only what the newest change of it is an
  // evacuation that is over.
  EvacuationPlan planHome(std::string_view datacenter, bool evacuated) const;
  // Emergency changes for all that it owns. Changes of these partitions that have not committed are
  // aborted first; partitions whose change cannot be, stay and are listed.
  MapResult<SiteResult> evacuate(const SiteRequest& request);

 private:
  // The present map, but for the site's admin state.
  MapResult<MapSnapshot> mapWith(const SiteRequest& request, AdminState state) const;
  MapResult<Rev> setAdminState(const SiteRequest& request, AdminState state);
  std::vector<ChangeRequest> requestsFor(const EvacuationPlan& plan, const SiteRequest& request,
                                         ChangeKind kind, bool dry_run) const;
  MapResult<SiteResult> moveHome(const EvacuationPlan& plan, const SiteRequest& request);
  bool wasEvacuated(const std::string& subject) const;
  void abortOpenChanges(EvacuationPlan& plan, const std::string& actor);

  MapService& map_;
  ChangeEngine& changes_;
  const LinkSource& links_;
  std::function<std::shared_ptr<const SiteHealth>()> health_;
};

}  // namespace meridian::partition
