// Several steps of a zone as one (RFC 1995 §5): what a step brings and a later one takes away again
// is in neither. So who has fallen behind by many steps makes the zone anew once.
#pragma once

#include <span>

#include "dns/zone/difference.h"

namespace meridian::dns {

// REQUIRES: at least one step; each begins with the serial that the one before it ends with.
// Records are compared byte for byte: a step that takes away a record in another case than an
// earlier one brought it makes a difference that apply() refuses.
ZoneDifference condensed(std::span<const ZoneDifference> steps);

}  // namespace meridian::dns
