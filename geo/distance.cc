#include "geo/distance.h"

#include <GeographicLib/Geodesic.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace meridian::geo {
namespace {

// Metres of the ellipsoid's surface for each radian on the sphere of the same latitudes and
// longitudes: between the least radius of curvature (along the meridian at the equator, b²/a) and
// the greatest (at the poles, a²/b). Any path's length lies between these factors of its spherical
// length, and so does the shortest one.
constexpr double kLeastRadius = 6335439.327;
constexpr double kGreatestRadius = 6399593.626;
constexpr double kSpread = kGreatestRadius / kLeastRadius;
// Angles come from rounded dot products: near 0 an error of 2^-52 is an angle of 2^-26.
constexpr double kAngleError = 1e-7;

double angleOf(double dot) {
  return std::acos(std::clamp(dot, -1.0, 1.0));
}

}  // namespace

double geodesicMetres(GeoPoint a, GeoPoint b) {
  double metres = 0;
  GeographicLib::Geodesic::WGS84().Inverse(a.lat, a.lon, b.lat, b.lon, metres);
  return metres;
}

UnitVector unitVector(GeoPoint point) {
  const double lat = point.lat * kRadiansPerDegree;
  const double lon = point.lon * kRadiansPerDegree;
  return {std::cos(lat) * std::cos(lon), std::cos(lat) * std::sin(lon), std::sin(lat)};
}

NearestPoints::NearestPoints(std::vector<GeoPoint> points) : points_(std::move(points)) {
  vectors_.reserve(points_.size());
  for (const GeoPoint& point : points_) vectors_.push_back(unitVector(point));
}

std::size_t NearestPoints::nearest(GeoPoint from) const {
  const UnitVector here = unitVector(from);
  std::size_t best = 0;
  double best_dot = -2;
  for (std::size_t i = 0; i < vectors_.size(); ++i) {
    const double dot = here.dot(vectors_[i]);
    if (dot > best_dot) {
      best_dot = dot;
      best = i;
    }
  }
  // Whoever is farther on the sphere than this cannot be nearer on the ellipsoid.
  const double reach = (angleOf(best_dot) + kAngleError) * kSpread + kAngleError;
  const double least_dot = reach >= 3.14 ? -2 : std::cos(reach);
  double best_metres = -1;
  std::size_t nearest = best;
  for (std::size_t i = 0; i < vectors_.size(); ++i) {
    if (i == best || here.dot(vectors_[i]) < least_dot) continue;
    if (best_metres < 0) best_metres = geodesicMetres(from, points_[best]);
    const double metres = geodesicMetres(from, points_[i]);
    if (metres < best_metres || (metres == best_metres && i < nearest)) {
      best_metres = metres;
      nearest = i;
    }
  }
  return nearest;
}

void NearestPoints::order(GeoPoint from, std::span<std::uint8_t> out) const {
  struct Candidate {
    double angle = 0;
    double metres = -1;  // not yet known
  };
  const UnitVector here = unitVector(from);
  std::array<Candidate, kMaxOrdered> candidates;
  for (std::size_t i = 0; i < points_.size(); ++i) {
    candidates[i].angle = angleOf(here.dot(vectors_[i]));
  }
  const auto metresTo = [&](std::uint8_t i) {
    double& metres = candidates[i].metres;
    if (metres < 0) metres = geodesicMetres(from, points_[i]);
    return metres;
  };
  const std::span<std::uint8_t> order = out.first(points_.size());
  std::iota(order.begin(), order.end(), std::uint8_t{0});
  std::sort(order.begin(), order.end(), [&](std::uint8_t a, std::uint8_t b) {
    const double angle_a = candidates[a].angle;
    const double angle_b = candidates[b].angle;
    if ((angle_a + kAngleError) * kSpread + kAngleError < angle_b) return true;
    if ((angle_b + kAngleError) * kSpread + kAngleError < angle_a) return false;
    const double metres_a = metresTo(a);
    const double metres_b = metresTo(b);
    return metres_a != metres_b ? metres_a < metres_b : a < b;
  });
}

}  // namespace meridian::geo
