#include "geo/distance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>

namespace meridian::geo {
namespace {

std::vector<std::size_t> bruteForceOrder(const std::vector<GeoPoint>& points, GeoPoint from) {
  std::vector<double> metres;
  for (const GeoPoint& point : points) metres.push_back(geodesicMetres(from, point));
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return metres[a] < metres[b]; });
  return order;
}

void expectBruteForce(const std::vector<GeoPoint>& points, GeoPoint from) {
  const NearestPoints nearest(points);
  const std::vector<std::size_t> expected = bruteForceOrder(points, from);
  ASSERT_EQ(nearest.nearest(from), expected.front()) << from.lat << ',' << from.lon;
  std::array<std::uint8_t, NearestPoints::kMaxOrdered> order{};
  nearest.order(from, order);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(order[i], expected[i]) << from.lat << ',' << from.lon;
  }
}

TEST(Distance, KnowsAGeodesic) {
  // JFK to LHR, after Karney's documentation of GeodSolve.
  EXPECT_NEAR(geodesicMetres({40.6, -73.8}, {51.6, -0.5}), 5551759.4, 0.1);
  EXPECT_EQ(geodesicMetres({10, 180}, {10, -180}), 0);
}

TEST(NearestPoints, EqualsBruteForceAnywhere) {
  constexpr unsigned kSeed = 20263;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::uniform_real_distribution<double> lat(-90, 90);
  std::uniform_real_distribution<double> lon(-180, 180);
  for (int round = 0; round < 40; ++round) {
    std::vector<GeoPoint> points;
    for (int i = 0; i < 1 + round; ++i) points.push_back({lat(random), lon(random)});
    for (int i = 0; i < 100; ++i) expectBruteForce(points, {lat(random), lon(random)});
  }
}

// East-west against north-south: the ellipsoid decides otherwise than the sphere.
TEST(NearestPoints, LetsTheEllipsoidDecideNearTies) {
  constexpr unsigned kSeed = 20264;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::uniform_real_distribution<double> lat(-80, 80);
  std::uniform_real_distribution<double> wobble(-0.004, 0.004);
  int sphere_was_wrong = 0;
  for (int i = 0; i < 3000; ++i) {
    const GeoPoint from{lat(random), -40};
    const double step = 1 + 8 * wobble(random) / 0.004 * 0.1;
    const double east = step / std::cos(from.lat * 3.14159265358979 / 180);
    const std::vector<GeoPoint> points{
        {from.lat + step * (1 + wobble(random)), -40},
        {from.lat, -40 + east * (1 + wobble(random))},
    };
    expectBruteForce(points, from);
    const UnitVector here = unitVector(from);
    const bool sphere_says_first =
        here.dot(unitVector(points[0])) >= here.dot(unitVector(points[1]));
    sphere_was_wrong += sphere_says_first != (bruteForceOrder(points, from).front() == 0) ? 1 : 0;
  }
  EXPECT_GT(sphere_was_wrong, 50);  // the test is about these
}

TEST(NearestPoints, WorksAtPolesAndAcrossTheAntimeridian) {
  const std::vector<GeoPoint> points{{90, 0},     {-90, 77},  {0, 179.9}, {0, -179.8},
                                     {89.9, -90}, {89.9, 90}, {-89, 10},  {0, 0}};
  for (const GeoPoint from :
       {GeoPoint{90, 123}, GeoPoint{-90, 0}, GeoPoint{0, 180}, GeoPoint{0, -180},
        GeoPoint{0.1, -179.95}, GeoPoint{89.95, 91}, GeoPoint{0, -0.0}, GeoPoint{-89.5, -170}}) {
    expectBruteForce(points, from);
  }
}

TEST(NearestPoints, GivesTiesToTheSmallerIndex) {
  expectBruteForce({{10, 20}, {10, 20}, {10, 20}}, {-10, 30});
  expectBruteForce({{0, 10}, {0, -10}}, {0, 0});
  EXPECT_EQ(NearestPoints({{0, -10}, {0, 10}}).nearest({0, 0}), 0U);
}

}  // namespace
}  // namespace meridian::geo
