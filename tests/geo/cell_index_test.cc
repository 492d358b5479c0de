#include "geo/cell_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/support/fence_samples.h"

namespace meridian::geo {
namespace {

std::optional<std::uint32_t> bruteForce(const std::vector<Fence>& fences, GeoPoint point) {
  for (std::uint32_t i = 0; i < fences.size(); ++i) {
    if (contains(fences[i], point)) return i;
  }
  return std::nullopt;
}

// Corners of cells of all levels next to the point, and one bit beside them.
void addCellCorners(GeoPoint near, std::vector<GeoPoint>& points) {
  for (int level = 1; level <= 7; ++level) {
    const double width = std::ldexp(360.0, -(5 * level + 1) / 2);
    const double height = std::ldexp(180.0, -5 * level / 2);
    const GeoPoint corner{std::floor((near.lat + 90) / height) * height - 90,
                          std::floor((near.lon + 180) / width) * width - 180};
    for (const int dy : {-1, 0, 1}) {
      for (const int dx : {-1, 0, 1}) {
        points.push_back({dy == 0 ? corner.lat : std::nextafter(corner.lat, dy * 1000.0),
                          dx == 0 ? corner.lon : std::nextafter(corner.lon, dx * 1000.0)});
      }
    }
    points.push_back({near.lat, corner.lon});
    points.push_back({corner.lat, near.lon});
  }
}

void expectEqualsContains(const std::vector<Fence>& fences, std::mt19937_64& random,
                          std::size_t most_points) {
  const CellIndex index(test::pointersTo(fences));
  std::vector<GeoPoint> points = test::delicatePoints(fences);
  std::shuffle(points.begin(), points.end(), random);
  if (points.size() > most_points) points.resize(most_points);
  const std::vector<GeoPoint> borders = points;
  for (std::size_t i = 0; i < borders.size(); i += 10) addCellCorners(borders[i], points);
  std::uniform_real_distribution<double> lat(-90, 90);
  std::uniform_real_distribution<double> lon(-180, 180);
  std::normal_distribution<double> near(0, 0.01);
  for (std::size_t i = 0; i < most_points / 4; ++i) {
    points.push_back({lat(random), lon(random)});
    const GeoPoint& border = borders[i % borders.size()];
    points.push_back({border.lat + near(random), border.lon + near(random)});
  }
  for (const GeoPoint& point : points) {
    ASSERT_EQ(index.find(point), bruteForce(fences, point))
        << fmt::format("{:.17g},{:.17g}", point.lat, point.lon);
  }
}

TEST(CellIndex, OfNothingFindsNothing) {
  EXPECT_EQ(CellIndex().find({1, 2}), std::nullopt);
  EXPECT_EQ(CellIndex(std::vector<const Fence*>{}).find({1, 2}), std::nullopt);
}

TEST(CellIndex, RefusesNoPointInAnyWay) {
  std::mt19937_64 random(1);
  const auto fences = test::shakenGrid(2, 2, 0, random);
  const CellIndex index(test::pointersTo(fences));
  const double nan = std::nan("");
  const double infinite = HUGE_VAL;
  for (const GeoPoint point :
       {GeoPoint{nan, 0}, GeoPoint{0, nan}, GeoPoint{infinite, 0}, GeoPoint{0, -infinite},
        GeoPoint{91, 0}, GeoPoint{0, 181}, GeoPoint{90, 180}, GeoPoint{-90, -180}}) {
    EXPECT_EQ(index.find(point), std::nullopt);
  }
}

TEST(CellIndex, GivesOverlapsToTheSmallerIndex) {
  const auto fences = parseFences(test::featureCollection({{"a", test::boxText(0, 0, 10, 10)},
                                                           {"b", test::boxText(5, 5, 15, 15)},
                                                           {"c", test::boxText(-20, -20, 30, 30)}}),
                                  test::fenceSource());
  ASSERT_TRUE(fences.has_value());
  const CellIndex index(test::pointersTo(*fences));
  EXPECT_EQ(index.find({7, 7}), 0U);
  EXPECT_EQ(index.find({12, 12}), 1U);
  EXPECT_EQ(index.find({20, 20}), 2U);
  EXPECT_EQ(index.find({-5, -5}), 2U);
  EXPECT_EQ(index.find({40, 40}), std::nullopt);
}

TEST(CellIndexProperty, EqualsContainsOnSharedBorders) {
  constexpr unsigned kSeed = 20270;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  for (const auto& [rows, shake] : {std::pair{1, 0.0}, std::pair{4, 0.3}, std::pair{9, 1e-14},
                                    std::pair{16, 0.0}, std::pair{30, 0.4}}) {
    expectEqualsContains(test::shakenGrid(rows, rows, shake, random), random, 4000);
  }
}

// Edges along the very lines that part the cells.
TEST(CellIndexProperty, EqualsContainsOnCellBorders) {
  constexpr unsigned kSeed = 20271;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::vector<Fence> fences;
  const double cell = 45.0 / 1024;
  for (int i = 0; i < 5; ++i) {
    for (int k = 0; k < 5; ++k) {
      const double south = i * 4 * cell;
      const double west = k * 8 * cell - 180;
      fences.push_back({fmt::format("test/{}-{}", i, k),
                        {{{{{south, west},
                            {south, west + 8 * cell},
                            {south + 4 * cell, west + 8 * cell},
                            {south + 4 * cell, west}}},
                          {}}},
                        {}});
    }
  }
  expectEqualsContains(fences, random, 4000);
}

// Holes, islands in holes, thousands of short edges in one cell of the finest level, thin spikes.
TEST(CellIndexProperty, EqualsContainsOnHardShapes) {
  constexpr unsigned kSeed = 20272;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::string tiny = "[";
  for (int i = 0; i <= 400; ++i) {
    const double angle = i % 400 * 6.283185307179586 / 400;
    const double radius = i % 2 == 0 ? 0.001 : 0.0004;
    tiny += fmt::format("{}[{:.12f},{:.12f}]", i == 0 ? "" : ",", 50 + radius * std::cos(angle),
                        20 + radius * std::sin(angle));
  }
  tiny += "]";
  const auto fences = parseFences(
      test::featureCollection(
          {{"tiny", test::polygonText(tiny)},
           {"spike", test::polygonText("[[-170,-60],[170,-59.99],[-170,-59.98],[-170,-60]]")},
           {"holes", R"({"type":"MultiPolygon","coordinates":[[[[0,0],[9,0],[9,9],[0,9],[0,0]],)"
                     R"([[2,2],[7,2],[7,7],[2,7],[2,2]]],[[[3,3],[6,3],[6,6],[3,6],[3,3]]]]})"},
           {"rim", test::polygonText("[[178,1],[-178,2],[-177,4],[179,3],[178,1]]")}}),
      test::fenceSource());
  ASSERT_TRUE(fences.has_value()) << fences.error().text();
  expectEqualsContains(*fences, random, 6000);
}

TEST(CellIndexProperty, EqualsContainsOnTheStates) {
  constexpr unsigned kSeed = 20273;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  FenceSource source = test::fenceSource();
  source.path = MERIDIAN_SOURCE_DIR "/zones/sample/us-states-coarse.geojson";
  const auto fences = loadFences(source);
  ASSERT_TRUE(fences.has_value()) << fences.error().text();
  expectEqualsContains(*fences, random, 8000);
  const CellIndex index(test::pointersTo(*fences));
  EXPECT_GT(index.cellCount(), 1000U);
  EXPECT_LT(index.bytes(), 4U << 20);
}

}  // namespace
}  // namespace meridian::geo
