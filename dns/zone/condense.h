// Several steps of a zone as one (RFC 1995 §5): what a step brings and a later one takes away again
// is in neither. So who has fallen behind by many steps makes the zone anew once.
#pragma once

#include <optional>
#include <span>

#include "dns/zone/difference.h"

namespace meridian::dns {

// From `zone` to where the last step leads. nullopt: a step takes away a record that is not there
// by then, or brings one that is; RDATA is compared byte for byte. Whether there is a zone after
// each step is not looked at. Of one step it is that, for apply() to check. REQUIRES: at least one
// step; the first begins with the zone's serial, each other one with that at which the one before
// it ends.
std::optional<ZoneDifference> condensed(const Zone& zone, std::span<const ZoneDifference> steps);

}  // namespace meridian::dns
