// Several steps of a zone as one (RFC 1995 §5): what a step brings and a later one takes away again
// is in neither. So who has fallen behind by many steps makes the zone anew once.
#pragma once

#include <span>

#include "dns/zone/difference.h"

namespace meridian::dns {

// REQUIRES: at least one step; each begins with the serial that the one before it ends with.
// Records are compared byte for byte: a step that takes away a record in another case than an
// earlier one brought it makes a difference that apply() refuses.
// Not found out any more: a step that brings what is there already, or takes away what is not,
// where a later step undoes it. Only a primary that breaks RFC 1995 §4 sends that.
ZoneDifference condensed(std::span<const ZoneDifference> steps);

}  // namespace meridian::dns
