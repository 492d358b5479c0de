// Point-in-fence against an independent oracle: the gnomonic projection centred on the query point,
// in which geodesics through the point are straight and others nearly so next to it.
#include <gtest/gtest.h>
#include <GeographicLib/Geodesic.hpp>
#include <GeographicLib/GeodesicLine.hpp>
#include <GeographicLib/Gnomonic.hpp>

#include <cmath>
#include <random>
#include <vector>

#include "geo/fence.h"
#include "tests/support/fence_samples.h"

namespace meridian::geo {
namespace {

const std::vector<std::vector<GeoPoint>> kRings{
    {{25, -110}, {26, -80}, {49, -70}, {48, -120}},        // a continent's size
    {{60, 10}, {62, 30}, {70, 28}, {68, 5}, {64, 14}},     // far north, concave
    {{-5, 175}, {-8, -172}, {9, -170}, {3, 178}},          // across the antimeridian
    {{-0.5, -0.5}, {-0.4, 0.6}, {0.5, 0.4}, {0.6, -0.6}},  // small, on the equator
    {{-45, 100}, {-30, 140}, {-20, 120}},
};

std::string ringText(const std::vector<GeoPoint>& ring) {
  std::string text = "[";
  for (std::size_t i = 0; i <= ring.size(); ++i) {
    const GeoPoint& point = ring[i % ring.size()];
    text += fmt::format("{}[{},{}]", i == 0 ? "" : ",", point.lon, point.lat);
  }
  return text + "]";
}

bool oracleContains(const std::vector<GeoPoint>& ring, GeoPoint point) {
  const GeographicLib::Gnomonic gnomonic(GeographicLib::Geodesic::WGS84());
  std::vector<std::pair<double, double>> flat;
  for (const GeoPoint& vertex : ring) {
    double x = 0;
    double y = 0;
    gnomonic.Forward(point.lat, point.lon, vertex.lat, vertex.lon, x, y);
    EXPECT_FALSE(std::isnan(x));  // the rings fit in a hemisphere around any of the points
    flat.emplace_back(x, y);
  }
  bool inside = false;
  for (std::size_t i = 0; i < flat.size(); ++i) {
    const auto& [ax, ay] = flat[i];
    const auto& [bx, by] = flat[(i + 1) % flat.size()];
    if ((ay > 0) != (by > 0) && ax + (bx - ax) * (-ay) / (by - ay) > 0) inside = !inside;
  }
  return inside;
}

// A point `metres` (negative: to the left) beside a random point of a random edge.
GeoPoint besideEdge(const std::vector<GeoPoint>& ring, double metres, std::mt19937_64& random) {
  const std::size_t i = std::uniform_int_distribution<std::size_t>(0, ring.size() - 1)(random);
  const GeoPoint& a = ring[i];
  const GeoPoint& b = ring[(i + 1) % ring.size()];
  const auto line = GeographicLib::Geodesic::WGS84().InverseLine(a.lat, a.lon, b.lat, b.lon);
  const double at = std::uniform_real_distribution<double>(0.02, 0.98)(random) * line.Distance();
  GeoPoint on;
  double azimuth = 0;
  line.Position(at, on.lat, on.lon, azimuth);
  GeoPoint beside;
  GeographicLib::Geodesic::WGS84().Direct(on.lat, on.lon, azimuth + 90, metres, beside.lat,
                                          beside.lon);
  return beside;
}

int disagreements(EdgeModel model, const std::vector<double>& distances, unsigned seed) {
  std::mt19937_64 random(seed);
  int wrong = 0;
  for (const auto& ring : kRings) {
    const auto fences =
        parseFences(test::featureCollection({{"a", test::polygonText(ringText(ring))}}),
                    test::fenceSource(model));
    EXPECT_TRUE(fences.has_value()) << fences.error().text();
    if (!fences) return -1;
    for (const double metres : distances) {
      for (int i = 0; i < 60; ++i) {
        const GeoPoint point = besideEdge(ring, i % 2 == 0 ? metres : -metres, random);
        if (contains(fences->front(), point) != oracleContains(ring, point)) ++wrong;
      }
    }
  }
  return wrong;
}

// Densified to 10 km, an edge leaves its geodesic by up to 4 m at 70° of latitude.
TEST(FenceOracle, GeodesicFencesEqualTheGnomonicOracleNearBorders) {
  constexpr unsigned kSeed = 20268;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  EXPECT_EQ(disagreements(EdgeModel::kGeodesic, {6, 10, 30, 100, 300, 1000, 5000, 20'000}, kSeed),
            0);
}

TEST(FenceOracle, TellsPlanarFromGeodesicEdges) {
  constexpr unsigned kSeed = 20269;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  EXPECT_GT(disagreements(EdgeModel::kPlanar, {30, 100, 300, 1000}, kSeed), 100);
}

}  // namespace
}  // namespace meridian::geo
