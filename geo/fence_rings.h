// From the ring of a document to rings that one planar test can serve: edges densified, datum
// converted, cut at the antimeridian. Internal to geo/fence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "geo/fence.h"
#include "geo/location.h"

namespace meridian::geo {

// A vertex, and where the document has the start of the edge that leaves it.
struct RingVertex {
  GeoPoint point;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};
using SourceRing = std::vector<RingVertex>;  // closed implicitly, no two neighbours equal

// A stretch of a ring between two crossings of the antimeridian, or the whole ring when it has
// none. It starts and ends with its crossing points, at longitude 180 or -180.
struct RingChain {
  std::vector<RingVertex> vertices;
  bool closed = false;
};

struct PreparedRing {
  std::vector<RingChain> chains;
};

// What is wrong with a ring, and at which of its vertices.
struct RingProblem {
  RingVertex at;
  std::string reason;
};

inline constexpr std::size_t kMaxFenceVertices = 4'000'000;  // of one file, after densifying

// Densifies and converts as the source says. `budget`: vertices the file may still make; reduced.
tl::expected<SourceRing, RingProblem> densified(const SourceRing& ring, const FenceSource& source,
                                                std::size_t& budget);
// The ring as chains, turned so that its interior is left of every edge of an outer ring and right
// of every edge of a hole.
tl::expected<PreparedRing, RingProblem> cutAtAntimeridian(SourceRing ring, bool outer);
// One polygon's rings (the outer one first), checked by geo/fence_check.h, as polygons without
// crossings: along the antimeridian they are closed where the interior meets it.
tl::expected<std::vector<Polygon>, RingProblem> closePolygons(
    const std::vector<PreparedRing>& rings);

}  // namespace meridian::geo
