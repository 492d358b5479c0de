#include "geo/fence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "geo/border.h"
#include "geo/planar.h"

namespace meridian::geo {

bool contains(const Fence& fence, GeoPoint point) {
  const GeoPoint here = canonicalPoint(point);
  bool inside = false;
  forEachEdge(fence, [&](GeoPoint a, GeoPoint b) {
    if (crossesEastOf(edgeBetween(a, b), here)) inside = !inside;
  });
  return inside;
}

double distanceMetres(const Fence& fence, GeoPoint point) {
  if (contains(fence, point)) return 0;
  double best = std::numeric_limits<double>::infinity();
  const SpacePoint here = spacePoint(point);
  forEachEdge(fence, [&](GeoPoint a, GeoPoint b) {
    forEachBorderPiece(a, b, [&](const BorderPiece& piece) {
      if (chordMetres(piece, here) - kPieceSlackMetres < best) {
        best = std::min(best, pieceMetres(piece, point, here));
      }
    });
  });
  return best;
}

}  // namespace meridian::geo
