// Exact predicates in the lon/lat plane: what fence.h, its checks and the cell index decide by.
//
// One rule everywhere, so that no point is in two neighbours or in none: a point p stands for
// p + (ε, δ) with 0 < δ << ε, an infinitesimal step east and a far smaller one north. No edge and
// no vertex meets such a point, so in a plane cut up by shared borders it lies in one piece.
#pragma once

#include <algorithm>

#include "geo/location.h"

namespace meridian::geo {

// The point that fences are asked about: longitude 180 becomes -180, and a coordinate below 1e-120
// becomes 0, so that no product in orientation() underflows.
GeoPoint canonicalPoint(GeoPoint point) noexcept;
double flushTiny(double degrees) noexcept;

// 1 when c lies left of the line from a to b (longitude as x, latitude as y), -1 right, 0 on it.
// Exact for coordinates that are 0 or in [1e-120, 1000] by magnitude: a filtered determinant, and
// expansion arithmetic (after Dekker 1971 and Shewchuk 1997) where the filter cannot tell.
int orientation(GeoPoint a, GeoPoint b, GeoPoint c) noexcept;

struct Edge {
  GeoPoint lower, upper;  // by latitude
};
inline Edge edgeBetween(GeoPoint a, GeoPoint b) {
  return a.lat <= b.lat ? Edge{a, b} : Edge{b, a};
}

// Whether the eastward ray from `point` crosses the edge.
inline bool crossesEastOf(const Edge& edge, GeoPoint point) noexcept {
  if (!(edge.lower.lat <= point.lat && point.lat < edge.upper.lat)) return false;
  if (point.lon < std::min(edge.lower.lon, edge.upper.lon)) return true;
  if (point.lon >= std::max(edge.lower.lon, edge.upper.lon)) return false;
  return orientation(edge.lower, edge.upper, point) > 0;
}

}  // namespace meridian::geo
