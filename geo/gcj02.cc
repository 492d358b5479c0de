#include "geo/gcj02.h"

#include <cmath>

namespace meridian::geo {
namespace {

constexpr double kPi = 3.14159265358979323846;
// Krasovsky 1940, which the public formula is written for.
constexpr double kSemiMajor = 6378245.0;
constexpr double kEccentricitySquared = 0.00669342162296594323;

bool inShiftedRectangle(GeoPoint point) {
  return point.lon >= 72.004 && point.lon <= 137.8347 && point.lat >= 0.8293 &&
         point.lat <= 55.8271;
}

double waves(double a, double weight_a, double b, double weight_b) {
  return (weight_a * std::sin(a * kPi) + weight_b * std::sin(b * kPi)) * 2.0 / 3.0;
}

double shiftNorth(double x, double y) {
  double metres =
      -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * std::sqrt(std::fabs(x));
  metres += waves(6.0 * x, 20.0, 2.0 * x, 20.0);
  metres += waves(y, 20.0, y / 3.0, 40.0);
  metres += waves(y / 12.0, 160.0, y / 30.0, 320.0);
  return metres;
}

double shiftEast(double x, double y) {
  double metres = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * std::sqrt(std::fabs(x));
  metres += waves(6.0 * x, 20.0, 2.0 * x, 20.0);
  metres += waves(x, 20.0, x / 3.0, 40.0);
  metres += waves(x / 12.0, 150.0, x / 30.0, 300.0);
  return metres;
}

}  // namespace

GeoPoint wgs84ToGcj02(GeoPoint wgs) {
  if (!inShiftedRectangle(wgs)) return wgs;
  const double x = wgs.lon - 105.0;
  const double y = wgs.lat - 35.0;
  const double radians = wgs.lat / 180.0 * kPi;
  const double squeeze = 1.0 - kEccentricitySquared * std::sin(radians) * std::sin(radians);
  const double meridian_radius =
      kSemiMajor * (1.0 - kEccentricitySquared) / (squeeze * std::sqrt(squeeze));
  const double parallel_radius = kSemiMajor / std::sqrt(squeeze) * std::cos(radians);
  return {wgs.lat + shiftNorth(x, y) * 180.0 / (meridian_radius * kPi),
          wgs.lon + shiftEast(x, y) * 180.0 / (parallel_radius * kPi)};
}

GeoPoint gcj02ToWgs84(GeoPoint gcj) {
  // The shift changes by less than 1 % over its own length, so each step wins two digits and
  // eight reach the limit of a double. On the rectangle's rim, where the shift switches on, a point
  // may have no inverse; the iteration then ends within one shift of it.
  constexpr int kSteps = 8;
  GeoPoint wgs = gcj;
  for (int step = 0; step < kSteps; ++step) {
    const GeoPoint forward = wgs84ToGcj02(wgs);
    wgs = {wgs.lat + (gcj.lat - forward.lat), wgs.lon + (gcj.lon - forward.lon)};
  }
  return wgs;
}

}  // namespace meridian::geo
