#include "geo/gcj02.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "geo/distance.h"

namespace meridian::geo {
namespace {

// Offsets that the usual public formula gives in these cities.
TEST(Gcj02, ShiftsAsMuchAsPublished) {
  const auto shift = [](GeoPoint point) { return geodesicMetres(point, wgs84ToGcj02(point)); };
  EXPECT_NEAR(shift({43.8256, 87.6168}), 266, 1);   // Urumqi
  EXPECT_NEAR(shift({39.9042, 116.4074}), 556, 1);  // Beijing
  EXPECT_NEAR(shift({23.1291, 113.2644}), 621, 1);  // Guangzhou
}

TEST(Gcj02, LeavesTheRestOfTheWorldAlone) {
  for (const GeoPoint point : {GeoPoint{48.85, 2.35}, GeoPoint{35.68, 139.69},
                               GeoPoint{-33.9, 18.4}, GeoPoint{60, 100}, GeoPoint{0.5, 104}}) {
    EXPECT_EQ(wgs84ToGcj02(point), point);
    EXPECT_EQ(gcj02ToWgs84(point), point);
  }
}

TEST(Gcj02, RoundTripIsWithinATenMillionthOfADegree) {
  constexpr unsigned kSeed = 20262;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  // Within the rectangle by more than any shift: on its rim the shift switches on.
  std::uniform_real_distribution<double> lat(0.85, 55.8);
  std::uniform_real_distribution<double> lon(72.03, 137.8);
  for (int i = 0; i < 20'000; ++i) {
    const GeoPoint wgs{lat(random), lon(random)};
    const GeoPoint back = gcj02ToWgs84(wgs84ToGcj02(wgs));
    ASSERT_NEAR(back.lat, wgs.lat, 1e-7);
    ASSERT_NEAR(back.lon, wgs.lon, 1e-7);
  }
}

// Near the rim a point may have no inverse; the answer is then still within one shift of it.
TEST(Gcj02, StaysNearbyOnTheRim) {
  for (double lon = 72.0; lon < 72.02; lon += 0.0001) {
    const GeoPoint gcj{40, lon};
    EXPECT_LT(geodesicMetres(gcj, gcj02ToWgs84(gcj)), 2000) << lon;
  }
}

}  // namespace
}  // namespace meridian::geo
