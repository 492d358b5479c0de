// Whether the rings of one fence are simple, apart from each other and nested as polygons and holes
// must be. Internal to geo/fence.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "geo/fence_rings.h"

namespace meridian::geo {

// A border edge with the ring it belongs to.
struct BorderEdge {
  RingVertex from, to;
  std::uint32_t ring = 0;
};

struct EdgeConflict {
  BorderEdge first, second;
  bool overlap = false;  // they share a stretch; otherwise they share one inner point
};

struct RingSweepResult {
  std::optional<EdgeConflict> conflict;
  // By ring, without a conflict: the innermost ring around it.
  std::vector<std::optional<std::uint32_t>> parents;
};

// A passage of a ring through one of its vertices.
struct VertexVisit {
  RingVertex before, at, after;
  std::uint32_t ring = 0;
};

// Two passages through one place, of one ring or two, of which each leaves on the other side of the
// other. REQUIRES: the edges meet in nothing but vertices.
std::optional<EdgeConflict> crossingVisits(std::vector<VertexVisit> visits);

// Plane sweep from west to east (Shamos and Hoey 1976) with exact predicates, O(n log n): stops at
// the first two edges that share more than a common end point. Rings may touch in vertices.
//
// `ring_is_outer[r]`: ring r encloses what is left of its edges, else what is right of them.
RingSweepResult sweepRings(const std::vector<BorderEdge>& edges,
                           const std::vector<bool>& ring_is_outer);

}  // namespace meridian::geo
