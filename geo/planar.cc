#include "geo/planar.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace meridian::geo {
namespace {

// A sum of doubles kept without rounding; each component is smaller than the last bit of the next.
class Expansion {
 public:
  void addProduct(double a, double b) {
    const double product = a * b;
    add(std::fma(a, b, -product));
    add(product);
  }
  int sign() const {
    for (std::size_t i = size_; i-- > 0;) {
      if (parts_[i] != 0) return parts_[i] > 0 ? 1 : -1;
    }
    return 0;
  }

 private:
  void add(double value) {
    for (std::size_t i = 0; i < size_; ++i) {
      const double sum = value + parts_[i];
      const double from_part = sum - value;
      parts_[i] = (value - (sum - from_part)) + (parts_[i] - from_part);
      value = sum;
    }
    parts_[size_++] = value;
  }

  std::array<double, 12> parts_{};
  std::size_t size_ = 0;
};

int exactOrientation(GeoPoint a, GeoPoint b, GeoPoint c) noexcept {
  Expansion sum;
  sum.addProduct(a.lon, b.lat);
  sum.addProduct(-a.lon, c.lat);
  sum.addProduct(-c.lon, b.lat);
  sum.addProduct(-a.lat, b.lon);
  sum.addProduct(a.lat, c.lon);
  sum.addProduct(c.lat, b.lon);
  return sum.sign();
}

}  // namespace

double flushTiny(double degrees) noexcept {
  return std::fabs(degrees) < 1e-120 ? 0.0 : degrees;
}

GeoPoint canonicalPoint(GeoPoint point) noexcept {
  return {flushTiny(point.lat), point.lon == 180.0 ? -180.0 : flushTiny(point.lon)};
}

int orientation(GeoPoint a, GeoPoint b, GeoPoint c) noexcept {
  const double left = (a.lon - c.lon) * (b.lat - c.lat);
  const double right = (a.lat - c.lat) * (b.lon - c.lon);
  const double det = left - right;
  // Six roundings: Shewchuk's bound (3 + 16 u) u, u = 2^-53, on the sum of the magnitudes.
  constexpr double kBound = 3.3306690738754716e-16;
  if (std::fabs(det) > kBound * (std::fabs(left) + std::fabs(right))) return det > 0 ? 1 : -1;
  if (left == 0 && right == 0) return 0;  // differences of doubles are 0 only when equal
  return exactOrientation(a, b, c);
}

}  // namespace meridian::geo
