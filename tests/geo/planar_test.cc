#include "geo/planar.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/ip.h"

namespace meridian::geo {
namespace {

// Small whole numbers times 2^-40: 128 bits hold the determinant exactly.
TEST(Orientation, EqualsWholeNumberArithmetic) {
  constexpr unsigned kSeed = 20265;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  __extension__ using Wide = __int128;
  const auto whole = [&](std::int64_t range) {
    return std::uniform_int_distribution<std::int64_t>(-range, range)(random);
  };
  int collinear = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::int64_t ax = whole(1LL << 46);
    const std::int64_t ay = whole(1LL << 46);
    const std::int64_t dx = whole(1LL << 22);
    const std::int64_t dy = whole(1LL << 22);
    const std::int64_t far = whole(1LL << 22);
    const std::int64_t near = whole(1LL << 22);
    const std::int64_t bx = ax + dx * far;
    const std::int64_t by = ay + dy * far;
    const std::int64_t cx = ax + dx * near + whole(1);
    const std::int64_t cy = ay + dy * near + whole(1);
    const Wide det = Wide{bx - ax} * (cy - ay) - Wide{by - ay} * (cx - ax);
    const auto point = [](std::int64_t x, std::int64_t y) {
      return GeoPoint{std::ldexp(static_cast<double>(y), -40),
                      std::ldexp(static_cast<double>(x), -40)};
    };
    ASSERT_EQ(orientation(point(ax, ay), point(bx, by), point(cx, cy)),
              det > 0 ? 1 : (det < 0 ? -1 : 0));
    collinear += det == 0 ? 1 : 0;
  }
  EXPECT_GT(collinear, 1000);
}

TEST(Orientation, TellsOneBitFromTheLine) {
  const GeoPoint a{0.1, 0.1};
  const GeoPoint b{48.3, 48.3};
  for (const double at : {0.3, 7.7, 33.1, 48.1}) {
    EXPECT_EQ(orientation(a, b, {at, at}), 0);
    EXPECT_EQ(orientation(a, b, {std::nextafter(at, 99), at}), 1);
    EXPECT_EQ(orientation(a, b, {std::nextafter(at, -99), at}), -1);
    EXPECT_EQ(orientation(b, a, {std::nextafter(at, 99), at}), -1);
  }
}

TEST(Orientation, WorksNextToZero) {
  const double least = 1e-120;
  EXPECT_EQ(orientation({0, 0}, {least, least}, {least, std::nextafter(least, 1)}), -1);
  EXPECT_EQ(orientation({0, 0}, {least, least}, {std::nextafter(least, 1), least}), 1);
  EXPECT_EQ(orientation({0, 0}, {least, least}, {180, 180}), 0);
  EXPECT_EQ(orientation({-least, 180}, {least, -180}, {0, 0}), 0);
}

TEST(CanonicalPoint, JoinsTheTwoNamesOfOnePlace) {
  EXPECT_EQ(canonicalPoint({12, 180}), (GeoPoint{12, -180}));
  EXPECT_EQ(canonicalPoint({5e-324, -1e-200}), (GeoPoint{0, 0}));
  EXPECT_EQ(canonicalPoint({-1e-119, 1}), (GeoPoint{-1e-119, 1}));
}

}  // namespace
}  // namespace meridian::geo
