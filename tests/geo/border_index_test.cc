#include "geo/border_index.h"

#include <gtest/gtest.h>

#include <random>

#include "geo/distance.h"
#include "tests/support/fence_samples.h"

namespace meridian::geo {
namespace {

std::optional<BorderIndex::Nearest> nearestByForce(const std::vector<Fence>& fences, GeoPoint point,
                                                   double reach) {
  std::optional<BorderIndex::Nearest> best;
  for (std::uint32_t i = 0; i < fences.size(); ++i) {
    const double metres = distanceMetres(fences[i], point);
    if (metres <= reach && (!best || metres < best->metres)) best = {i, metres};
  }
  return best;
}

void expectNearestByForce(const std::vector<Fence>& fences, const BorderIndex& index,
                          GeoPoint point, double reach) {
  const auto expected = nearestByForce(fences, point, reach);
  if (expected && expected->metres == 0) return;  // inside one: nobody asks
  const auto found = index.nearest(point);
  ASSERT_EQ(found.has_value(), expected.has_value()) << point.lat << ',' << point.lon;
  if (!found) return;
  EXPECT_EQ(found->fence, expected->fence) << point.lat << ',' << point.lon;
  EXPECT_EQ(found->metres, expected->metres);
}

TEST(BorderIndex, OfNothingFindsNothing) {
  EXPECT_EQ(BorderIndex().nearest({1, 2}), std::nullopt);
  EXPECT_EQ(BorderIndex({}, 50'000).nearest({1, 2}), std::nullopt);
}

TEST(BorderIndex, EndsAtItsReach) {
  std::mt19937_64 random(1);
  const auto fences = test::shakenGrid(1, 1, 0, random);  // [-10, 10]²
  const BorderIndex index(test::pointersTo(fences), 50'000);
  const double degree = geodesicMetres({10, 0}, {11, 0});
  EXPECT_TRUE(index.nearest({10 + 49'900 / degree, 0}).has_value());
  EXPECT_FALSE(index.nearest({10 + 50'100 / degree, 0}).has_value());
  EXPECT_FALSE(index.nearest({80, 170}).has_value());
}

TEST(BorderIndexProperty, EqualsBruteForceAroundTheGrid) {
  constexpr unsigned kSeed = 20274;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  const auto fences = test::shakenGrid(3, 3, 0.2, random);
  std::uniform_real_distribution<double> around(-15, 15);
  for (const double reach : {1000.0, 50'000.0, 500'000.0}) {
    const BorderIndex index(test::pointersTo(fences), reach);
    for (int i = 0; i < 300; ++i) {
      expectNearestByForce(fences, index, {around(random), around(random)}, reach);
    }
  }
}

TEST(BorderIndexProperty, EqualsBruteForceAtTheRimAndNearThePole) {
  constexpr unsigned kSeed = 20275;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  const auto fences =
      parseFences(test::featureCollection(
                      {{"rim", test::polygonText("[[179,-1],[-179,-1],[-179,1],[179,1],[179,-1]]")},
                       {"north", test::boxText(-40, 88, 40, 89.5)}}),
                  test::fenceSource());
  ASSERT_TRUE(fences.has_value()) << fences.error().text();
  const BorderIndex index(test::pointersTo(*fences), 200'000);
  std::uniform_real_distribution<double> few(-4, 4);
  std::uniform_real_distribution<double> north(87, 90);
  std::uniform_real_distribution<double> lon(-180, 180);
  for (int i = 0; i < 300; ++i) {
    const double east = 180 + few(random);
    expectNearestByForce(*fences, index, {few(random), east > 180 ? east - 360 : east}, 200'000);
    expectNearestByForce(*fences, index, {north(random), lon(random)}, 200'000);
  }
}

}  // namespace
}  // namespace meridian::geo
