// Geodesic distance on the WGS84 ellipsoid (GeographicLib; Karney 2013) and nearest-first orders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "geo/location.h"

namespace meridian::geo {

double geodesicMetres(GeoPoint a, GeoPoint b);

// A direction from the centre of the sphere: latitude and longitude taken as spherical.
struct UnitVector {
  double x = 0, y = 0, z = 0;
  double dot(const UnitVector& other) const { return x * other.x + y * other.y + z * other.z; }
};
UnitVector unitVector(GeoPoint point);

// Nearest of a fixed set of points, exact by geodesic. Chord length on the sphere sorts out all
// candidates but those that the ellipsoid could put in front, so most lookups need no geodesic at
// all. Ties go to the smaller index. Threads: immutable after construction.
class NearestPoints {
 public:
  explicit NearestPoints(std::vector<GeoPoint> points);
  bool empty() const { return points_.empty(); }
  std::size_t size() const { return points_.size(); }

  // REQUIRES: !empty().
  std::size_t nearest(GeoPoint from) const;
  // All indices, nearest first, into the first size() elements of `out`; no allocation.
  // REQUIRES: size() <= kMaxOrdered and size() <= out.size().
  static constexpr std::size_t kMaxOrdered = 254;
  void order(GeoPoint from, std::span<std::uint8_t> out) const;

 private:
  std::vector<GeoPoint> points_;
  std::vector<UnitVector> vectors_;  // of points_
};

}  // namespace meridian::geo
