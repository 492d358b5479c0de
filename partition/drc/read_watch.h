// ReadWatch: looks at the links of global zones with a bound of lag and says which copies are fresh
// enough to read (domain.md §3d), as partition/read_choice takes it.
//
// A copy in the primary's datacenter is fresh. Others by their link from the primary, with the
// hysteresis of ReadFreshness: stale above read_max_lag_ms, fresh again at no more than three
// fifths of it. A lag that is not known is never fresh. Pure but for what it remembers. Threads:
// the control thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "partition/decision.h"
#include "partition/drc/link_view.h"
#include "partition/drc/read_freshness.h"
#include "partition/model.h"
#include "partition/table.h"

namespace meridian::partition {

// Stale above read_max_lag_ms; fresh again at three fifths of it, as 3 s are of 5 s.
ReadBounds readBoundsOf(const Zone& zone);

class ReadWatch {
 public:
  // To be called each second. By ZoneIx; REQUIRES: table and health are of this topology.
  std::vector<ReadCopies> look(const Topology& topology, const AssignmentTable& table,
                               const SiteHealth& health, const LinkSource& links);

 private:
  ReadCopies lookAt(const Topology& topology, const Zone& zone, EZoneIx primary,
                    const SiteHealth& health, const LinkSource& links);

  ReadFreshness freshness_;
  std::map<std::string, std::string> least_stale_;  // eZone by zone: the one that was said last
};

}  // namespace meridian::partition
