// MovedPlaces: which zones would give so many of their places to other partitions or site orders
// that a topology must be confirmed. Data does not move along with a fence, so a bad upload changes
// the owner of data that is somewhere else.
//
// Pure. A zone that goes away gives away all that it has. A new zone takes nothing from anybody.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "partition/model.h"
#include "partition/placement.h"

namespace meridian::partition {

// How much of a zone's places changes partition with a commit.
struct ZoneMovement {
  std::string zone;
  PlacementDiff diff;
};

// A zone above the limit, with the kind of place of which the largest part moves.
struct MovedPlaces {
  std::string zone;
  std::string kind;  // "pois", "cities", "ipv4_addresses", "ipv6_48s"; "all": the zone goes away
  std::uint64_t moved = 0, of = 0;  // both 1 for a zone that goes away
  // 0-100, for people: the rule compares whole numbers.
  double percent() const { return 100.0 * static_cast<double>(moved) / static_cast<double>(of); }
  // "zone order: 2 of 3 pois (66.67 %)"
  std::string text() const;
};

// Zones of which more than `max_percent` (0-100) of one kind of place moves, as they stand in
// `movements`, then those of `before` that `after` lacks. A kind of which a zone places nothing
// does not count.
std::vector<MovedPlaces> movedAbove(unsigned max_percent, const Topology& before,
                                    const Topology& after,
                                    const std::vector<ZoneMovement>& movements);

}  // namespace meridian::partition
