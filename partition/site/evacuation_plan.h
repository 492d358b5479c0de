// Where the partitions of a datacenter go when it is drained or lost (domain.md §3f, "DC down").
//
// Pure. Every partition that it owns goes to an eZone that may have it, in another datacenter that
// is in service and not DOWN; of these the one with the most room for its weight, so that no single
// site takes everything. What cannot go is listed with the reason, never forgotten.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "partition/change/change_plan.h"
#include "partition/decision.h"
#include "partition/drc/link_view.h"
#include "partition/model.h"
#include "partition/table.h"

namespace meridian::partition {

struct EvacuationPlan {
  struct ZoneMoves {
    std::string zone;
    std::vector<ChangeTarget> targets;  // heaviest first; with the epochs they were planned at
  };
  struct Left {
    std::string subject, why;
  };
  std::vector<ZoneMoves> zones;  // one change each; those without moves are left out
  std::vector<Left> left;        // global zones too: their primary moves by a switch
};

// An eZone whose copy is known to be caught up is preferred to one that has room. Whether any copy
// is good enough is for the safety rules to say.
EvacuationPlan planEvacuation(const Topology& topology, const AssignmentTable& table,
                              const SiteHealth& health, const LinkSource& links,
                              std::string_view datacenter);

// The partitions whose home is there and that are elsewhere now, back to it.
EvacuationPlan planReturn(const Topology& topology, const AssignmentTable& table,
                          std::string_view datacenter);

}  // namespace meridian::partition
