#include "geo/border.h"

#include "geo/distance.h"

namespace meridian::geo {
namespace {

// WGS84.
constexpr double kWgs84SemiMajor = 6378137.0;
constexpr double kWgs84Flattening = 1.0 / 298.257223563;
constexpr double kWgs84EccentricitySquared = kWgs84Flattening * (2.0 - kWgs84Flattening);

SpacePoint minus(const SpacePoint& a, const SpacePoint& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
double dot(const SpacePoint& a, const SpacePoint& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}

// The share of the chord at which it is nearest.
double nearestShare(const BorderPiece& piece, const SpacePoint& from) {
  const SpacePoint along = minus(piece.space_to, piece.space_from);
  const double length_squared = dot(along, along);
  if (length_squared == 0) return 0;
  return std::clamp(dot(minus(from, piece.space_from), along) / length_squared, 0.0, 1.0);
}

}  // namespace

SpacePoint spacePoint(GeoPoint point) {
  const double lat = point.lat * kRadiansPerDegree;
  const double lon = point.lon * kRadiansPerDegree;
  const double normal =
      kWgs84SemiMajor / std::sqrt(1.0 - kWgs84EccentricitySquared * std::sin(lat) * std::sin(lat));
  return {normal * std::cos(lat) * std::cos(lon), normal * std::cos(lat) * std::sin(lon),
          normal * (1.0 - kWgs84EccentricitySquared) * std::sin(lat)};
}

double chordMetres(const BorderPiece& piece, const SpacePoint& from) {
  const double share = nearestShare(piece, from);
  const SpacePoint along = minus(piece.space_to, piece.space_from);
  const SpacePoint gap =
      minus(from, {piece.space_from.x + share * along.x, piece.space_from.y + share * along.y,
                   piece.space_from.z + share * along.z});
  return std::sqrt(dot(gap, gap));
}

double pieceMetres(const BorderPiece& piece, GeoPoint from, const SpacePoint& space_from) {
  const double share = nearestShare(piece, space_from);
  if (share == 0) return geodesicMetres(from, piece.from);
  if (share == 1) return geodesicMetres(from, piece.to);
  return geodesicMetres(from, {piece.from.lat + share * (piece.to.lat - piece.from.lat),
                               piece.from.lon + share * (piece.to.lon - piece.from.lon)});
}

}  // namespace meridian::geo
