#include "geo/geohash.h"

#include <gtest/gtest.h>
#include <GeographicLib/Geohash.hpp>

#include <cctype>
#include <random>

namespace meridian::geo {
namespace {

TEST(Geohash, KnowsThePublishedExamples) {
  EXPECT_EQ(geohashOf({57.64911, 10.40744}, 11), "u4pruydqqvj");
  EXPECT_EQ(geohashOf({42.605, -5.603}, 5), "ezs42");
  const auto centre = geohashCentre("ezs42");
  ASSERT_TRUE(centre);
  EXPECT_NEAR(centre->lat, 42.605, 0.001);
  EXPECT_NEAR(centre->lon, -5.603, 0.001);
}

TEST(Geohash, RefusesWhatIsNone) {
  for (const char* text : {"", "a", "ezs4i", "ezs4l", "ezs4o", "ezs42 ", "-", "9q8yyk8ytpxr0"}) {
    EXPECT_FALSE(geohashCentre(text)) << text;
  }
  EXPECT_FALSE(geohashCentre(std::string_view("ez\0s4", 5)));
  EXPECT_FALSE(geohashCentre("ez\xc3\xa9"));
}

TEST(Geohash, EqualsGeographicLibBothWays) {
  constexpr unsigned kSeed = 20261;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::uniform_real_distribution<double> lat(-90, 90);
  std::uniform_real_distribution<double> lon(-180, 180);
  std::vector<GeoPoint> points{{0, 0},     {90, 180}, {-90, -180}, {90, -180},
                               {-90, 180}, {45, 180}, {-0.0, 90},  {1e-300, -1e-300}};
  for (int i = 0; i < 20'000; ++i) points.push_back({lat(random), lon(random)});
  for (const GeoPoint& point : points) {
    for (std::size_t length = 1; length <= kMaxGeohash; ++length) {
      std::string expected;
      GeographicLib::Geohash::Forward(point.lat, point.lon, static_cast<int>(length), expected);
      const std::string text = geohashOf(point, length);
      ASSERT_EQ(text, expected) << point.lat << ',' << point.lon;
      GeoPoint centre;
      int decoded = 0;
      GeographicLib::Geohash::Reverse(text, centre.lat, centre.lon, decoded);
      ASSERT_EQ(geohashCentre(text), centre) << text;
    }
  }
}

TEST(Geohash, TakesEitherCase) {
  const std::string text = "u4pruydqqvj";
  std::string upper = text;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(geohashCentre(upper), geohashCentre(text));
}

}  // namespace
}  // namespace meridian::geo
