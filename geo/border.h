// Borders cut into short pieces, and the way to them from a point. Internal to geo/.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "geo/fence.h"
#include "geo/location.h"

namespace meridian::geo {

// Every edge of the fence's rings, also those that only close a part at the antimeridian: from
// outside, what lies behind such an edge is never nearer than the border in front of it.
template <class Visit>
void forEachEdge(const Ring& ring, Visit&& visit) {
  for (std::size_t i = 0; i < ring.points.size(); ++i) {
    visit(ring.points[i], ring.points[i + 1 == ring.points.size() ? 0 : i + 1]);
  }
}
template <class Visit>
void forEachEdge(const Fence& fence, Visit&& visit) {
  for (const Polygon& polygon : fence.polygons) {
    forEachEdge(polygon.outer, visit);
    for (const Ring& hole : polygon.holes) forEachEdge(hole, visit);
  }
}

// Earth-centred metres on the WGS84 ellipsoid.
struct SpacePoint {
  double x = 0, y = 0, z = 0;
};
SpacePoint spacePoint(GeoPoint point);

// A stretch of an edge so short that it is all but straight in space.
struct BorderPiece {
  GeoPoint from, to;
  SpacePoint space_from, space_to;
};

// Length of the longest piece: 0.08° of latitude and of longitude at the equator.
inline constexpr double kMaxPieceDegrees = 0.08;
inline constexpr double kMaxPieceMetres = 13'000;
// A piece lies this close to the straight line in space between its ends: 3 m below the surface, 2
// m beside it, and room to spare.
inline constexpr double kPieceSlackMetres = 10;

// Metres through the Earth to the nearest point of the straight line between the piece's ends. The
// way on the surface is longer than this minus kPieceSlackMetres.
double chordMetres(const BorderPiece& piece, const SpacePoint& from);
// No longer way on the surface belongs to such a chord. REQUIRES: chord <= 600 km.
inline double surfaceBound(double chord) {
  return (chord + kPieceSlackMetres) * 1.0004;  // 1 + c² / 24 R² and higher terms
}
// Geodesic metres to the piece, within a centimetre for 500 km. A piece's end is met exactly.
double pieceMetres(const BorderPiece& piece, GeoPoint from, const SpacePoint& space_from);

template <class Visit>
void forEachBorderPiece(GeoPoint a, GeoPoint b, Visit&& visit) {
  const double span = std::max(std::fabs(b.lat - a.lat), std::fabs(b.lon - a.lon));
  const auto parts =
      std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(span / kMaxPieceDegrees)));
  GeoPoint from = a;
  SpacePoint space_from = spacePoint(a);
  for (std::size_t i = 1; i <= parts; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(parts);
    const GeoPoint to =
        i == parts ? b : GeoPoint{a.lat + share * (b.lat - a.lat), a.lon + share * (b.lon - a.lon)};
    const SpacePoint space_to = spacePoint(to);
    visit(BorderPiece{from, to, space_from, space_to});
    from = to;
    space_from = space_to;
  }
}

}  // namespace meridian::geo
