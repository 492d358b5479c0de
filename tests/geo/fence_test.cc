#include "geo/fence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "geo/distance.h"
#include "geo/gcj02.h"
#include "tests/support/fence_samples.h"

namespace meridian::geo {
namespace {

using test::boxText;
using test::featureCollection;
using test::fenceSource;
using test::polygonText;
using testing::HasSubstr;

std::vector<Fence> mustParse(const std::string& text, const FenceSource& source = fenceSource()) {
  auto fences = parseFences(text, source);
  EXPECT_TRUE(fences.has_value()) << fences.error().text();
  return fences ? std::move(*fences) : std::vector<Fence>{};
}
Fence mustParseOne(const std::string& geometry, const FenceSource& source = fenceSource()) {
  auto fences = mustParse(featureCollection({{"a", geometry}}), source);
  return fences.empty() ? Fence{} : std::move(fences.front());
}
std::string problemsOf(const std::string& text, const FenceSource& source = fenceSource()) {
  const auto fences = parseFences(text, source);
  return fences ? "" : fences.error().text();
}
std::string problemsOfGeometry(const std::string& geometry,
                               const FenceSource& source = fenceSource()) {
  return problemsOf(featureCollection({{"a", geometry}}), source);
}

TEST(Fence, ReadsPolygonsWithHolesAndMultiPolygons) {
  const auto fences = mustParse(featureCollection(
      {{"tx", polygonText("[[0,0],[10,0],[10,10],[0,10],[0,0]],[[4,4],[4,6],[6,6],[6,4],[4,4]]")},
       {"ok", R"({"type":"MultiPolygon","coordinates":[[[[20,0],[21,0],[21,1],[20,0]]],)"
              R"([[[30,0,17.5],[31,0,17.5],[31,1,17.5],[30,0,17.5]]]]})"}}));
  ASSERT_EQ(fences.size(), 2U);
  EXPECT_EQ(fences[0].id, "test/tx");
  EXPECT_EQ(fences[0].place.text(), "fences.json:2:1");
  EXPECT_TRUE(contains(fences[0], {1, 1}));
  EXPECT_FALSE(contains(fences[0], {5, 5}));
  EXPECT_FALSE(contains(fences[0], {5, 11}));
  EXPECT_EQ(fences[1].polygons.size(), 2U);
  EXPECT_TRUE(contains(fences[1], {0.2, 20.9}));
  EXPECT_TRUE(contains(fences[1], {0.2, 30.9}));
  EXPECT_FALSE(contains(fences[1], {0.2, 25}));
}

// RFC 7946 §3.1.6: parsers should not reject polygons that do not follow the right-hand rule.
TEST(Fence, TakesRingsInEitherDirection) {
  for (const std::string hole :
       {"[[4,4],[4,6],[6,6],[6,4],[4,4]]", "[[4,4],[6,4],[6,6],[4,6],[4,4]]"}) {
    for (const std::string outer :
         {"[[0,0],[9,0],[9,9],[0,9],[0,0]]", "[[0,0],[0,9],[9,9],[9,0],[0,0]]"}) {
      const Fence fence = mustParseOne(polygonText(outer + "," + hole));
      EXPECT_TRUE(contains(fence, {2, 2}));
      EXPECT_FALSE(contains(fence, {5, 5}));
    }
  }
}

TEST(Fence, NamesFeaturesByIdOrProperty) {
  FenceSource source = fenceSource();
  const std::string text = R"({"type":"FeatureCollection","features":[{"type":"Feature","id":7,)"
                           R"("properties":{"code":"TX"},"geometry":)" +
                           boxText(0, 0, 1, 1) + "}]}";
  EXPECT_EQ(mustParse(text).at(0).id, "test/7");
  source.id_property = "code";
  EXPECT_EQ(mustParse(text, source).at(0).id, "test/TX");
  source.id_property = "name";
  EXPECT_THAT(problemsOf(text, source), HasSubstr("features[0].properties.name: must be"));
}

TEST(Fence, ReportsAllThatIsWrongAtOnce) {
  const std::string problems = problemsOf(featureCollection({
      {"a", polygonText("[[0,0],[1,0],[0,0]]")},
      {"b", polygonText("[[0,0],[1,0],[1,1],[0,1]]")},
      {"c", polygonText("[[0,0],[181,0],[1,1],[0,0]]")},
      {"d", polygonText("[[0,0],[1,90],[1,1],[0,0]]")},
      {"e", R"({"type":"Point","coordinates":[0,0]})"},
      {"f", polygonText("[[0,0],[1,\"x\"],[1,1],[0,0]]")},
      {"a", boxText(0, 0, 1, 1)},
      {"g", polygonText("[[0,0],[1,1],[2,2],[0,0]]")},
      {"h", polygonText("[[0,0],[0,0],[1,1],[0,0]]")},
      {"i", polygonText("")},
  }));
  EXPECT_THAT(problems, HasSubstr("fences.json:2:"));
  EXPECT_THAT(problems, HasSubstr("at least four positions"));
  EXPECT_THAT(problems, HasSubstr("must equal the ring's first position"));
  EXPECT_THAT(problems, HasSubstr("longitude 181 is not within -180 and 180"));
  EXPECT_THAT(problems, HasSubstr("latitude 90 is not between the poles"));
  EXPECT_THAT(problems, HasSubstr("must be a Polygon or a MultiPolygon"));
  EXPECT_THAT(problems, HasSubstr("must be an array of longitude and latitude"));
  EXPECT_THAT(problems, HasSubstr("stands already in line 2"));
  EXPECT_THAT(problems, HasSubstr("overlaps the edge"));
  EXPECT_THAT(problems, HasSubstr("fewer than three different positions"));
  EXPECT_THAT(problems, HasSubstr("must be an array that is not empty"));
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 10);
}

TEST(Fence, RefusesForeignDocuments) {
  EXPECT_THAT(problemsOf("{"), HasSubstr("is not JSON"));
  EXPECT_THAT(problemsOf("[]"), HasSubstr("must be \"FeatureCollection\""));
  EXPECT_THAT(problemsOf(R"({"type":"Feature"})"), HasSubstr("must be \"FeatureCollection\""));
  EXPECT_THAT(problemsOf(R"({"type":"FeatureCollection"})"),
              HasSubstr("features: must be an array"));
  EXPECT_THAT(problemsOf(R"({"type":"FeatureCollection","features":[{"type":"Feature"}]})"),
              HasSubstr("features[0].id"));
  EXPECT_THAT(problemsOf(R"({"type":"FeatureCollection","features":[],)"
                         R"("crs":{"type":"name","properties":{"name":"EPSG:3857"}}})"),
              HasSubstr("only WGS84"));
}

TEST(Fence, NamesBothEdgesThatCross) {
  const std::string problems =
      problemsOfGeometry(polygonText("[\n[0,0],\n[4,4],\n[4,0],\n[0,5],\n[0,0]]"));
  EXPECT_THAT(problems, HasSubstr("[0,0]–[4,4] (fences.json:3:1)"));
  EXPECT_THAT(problems, HasSubstr("[4,0]–[0,5] (fences.json:5:1)"));
  EXPECT_THAT(problems, HasSubstr("crosses"));
}

TEST(Fence, RefusesRingsThatCrossThemselvesInAVertex) {
  // A figure of eight through [2,2], and two lobes that only touch there.
  EXPECT_THAT(problemsOfGeometry(polygonText("[[0,0],[2,2],[4,4],[4,0],[2,2],[0,4],[0,0]]")),
              HasSubstr("crosses the edge"));
  EXPECT_EQ(problemsOfGeometry(polygonText("[[0,0],[2,2],[4,0],[4,4],[2,2],[0,4],[0,0]]")), "");
}

TEST(Fence, RefusesBordersThatMeetOtherThanInVertices) {
  // A spike, and a vertex on another edge.
  EXPECT_THAT(problemsOfGeometry(polygonText("[[0,0],[4,0],[4,4],[6,4],[4,4],[0,4],[0,0]]")),
              HasSubstr("overlaps"));
  EXPECT_THAT(problemsOfGeometry(polygonText("[[0,0],[4,0],[4,4],[2,0],[0,4],[0,0]]")),
              HasSubstr("crosses"));
  // A hole across its polygon's border, outside it, inside another hole.
  const std::string outer = "[[0,0],[9,0],[9,9],[0,9],[0,0]]";
  EXPECT_THAT(problemsOfGeometry(polygonText(outer + ",[[8,4],[10,4],[10,5],[8,4]]")),
              HasSubstr("crosses"));
  EXPECT_THAT(problemsOfGeometry(polygonText(outer + ",[[11,4],[12,4],[12,5],[11,4]]")),
              HasSubstr("this hole does not lie in its polygon"));
  EXPECT_THAT(problemsOfGeometry(polygonText(
                  outer + ",[[1,1],[8,1],[8,8],[1,8],[1,1]],[[2,2],[3,2],[3,3],[2,2]]")),
              HasSubstr("this hole does not lie in its polygon"));
  // A polygon in another polygon, but not one in its hole.
  const auto multi = [&](const std::string& first, const std::string& second) {
    return R"({"type":"MultiPolygon","coordinates":[[)" + first + "],[" + second + "]]}";
  };
  const std::string small = "[[4,4],[5,4],[5,5],[4,4]]";
  EXPECT_THAT(problemsOfGeometry(multi(outer, small)), HasSubstr("inside another one"));
  EXPECT_EQ(problemsOfGeometry(multi(outer + ",[[3,3],[6,3],[6,6],[3,6],[3,3]]", small)), "");
}

TEST(Fence, LetsRingsTouchInVertices) {
  const std::string outer = "[[0,0],[4,0],[8,0],[8,8],[0,8],[0,0]]";
  for (const std::string hole : {"[[0,0],[3,1],[1,3],[0,0]]", "[[4,0],[5,2],[3,2],[4,0]]"}) {
    EXPECT_EQ(problemsOfGeometry(polygonText(outer + "," + hole)), "");
  }
}

// One long comb: every edge's neighbourhood holds many others; quadratic work would take minutes.
TEST(Fence, ChecksAHundredThousandEdgesQuickly) {
  std::string ring = "[[-10,-10]";
  constexpr int kTeeth = 50'000;
  for (int i = 0; i < kTeeth; ++i) {
    const double lon = -10 + 20.0 * i / kTeeth;
    ring += fmt::format(",[{},-9],[{},10]", lon, lon + 10.0 / kTeeth);
  }
  ring += ",[10.5,-10],[-10,-10]]";
  const Fence fence = mustParseOne(polygonText(ring));
  ASSERT_EQ(fence.polygons.size(), 1U);
  EXPECT_EQ(fence.polygons[0].outer.points.size(), 2U * kTeeth + 2);
}

TEST(Fence, CutsAtTheAntimeridian) {
  const Fence fence =
      mustParseOne(polygonText("[[170,-5],[-170,-5],[-170,5],[170,5],[170,-5]],[[178,-1],[-178,-1],"
                               "[-178,1],[178,1],[178,-1]]"));
  EXPECT_TRUE(contains(fence, {0, 175}));
  EXPECT_TRUE(contains(fence, {0, -175}));
  EXPECT_TRUE(contains(fence, {3, 180}));
  EXPECT_TRUE(contains(fence, {3, -180}));
  EXPECT_FALSE(contains(fence, {0, 179}));
  EXPECT_FALSE(contains(fence, {0, 180}));
  EXPECT_FALSE(contains(fence, {0, -179}));
  EXPECT_FALSE(contains(fence, {0, 0}));
  for (const Polygon& polygon : fence.polygons) {
    const auto& points = polygon.outer.points;
    const auto [west, east] = std::minmax_element(
        points.begin(), points.end(), [](GeoPoint a, GeoPoint b) { return a.lon < b.lon; });
    EXPECT_LE(east->lon - west->lon, 10);
  }
  EXPECT_EQ(distanceMetres(fence, {3, 180}), 0);
  EXPECT_NEAR(distanceMetres(fence, {0, 180}), 110'574, 20);  // to the hole's border
}

// A "C" that reaches over the antimeridian twice: what lies between its arms is outside.
TEST(Fence, CutsConcaveRingsIntoTheirParts) {
  const Fence fence = mustParseOne(polygonText(
      "[[170,0],[-175,0],[-175,2],[172,2],[172,8],[-175,8],[-175,10],[170,10],[170,0]]"));
  EXPECT_EQ(fence.polygons.size(), 3U);
  for (const double lon : {180.0, -180.0, -179.0, -176.0}) {
    EXPECT_TRUE(contains(fence, {1, lon})) << lon;
    EXPECT_FALSE(contains(fence, {5, lon})) << lon;
    EXPECT_TRUE(contains(fence, {9, lon})) << lon;
  }
  EXPECT_TRUE(contains(fence, {5, 171}));
  // Between the arms the nearest border is an arm, not the cut.
  EXPECT_NEAR(distanceMetres(fence, {3, -179}), geodesicMetres({3, -179}, {2, -179}), 1);
}

TEST(Fence, TakesRingsThatWereCutBefore) {
  const std::string west = "[[170,0],[180,0],[180,10],[170,10],[170,0]]";
  const std::string east = "[[-180,0],[-170,0],[-170,10],[-180,10],[-180,0]]";
  const Fence fence =
      mustParseOne(R"({"type":"MultiPolygon","coordinates":[[)" + west + "],[" + east + "]]}");
  EXPECT_TRUE(contains(fence, {5, 180}));
  EXPECT_TRUE(contains(fence, {5, 179}));
  EXPECT_TRUE(contains(fence, {5, -179}));
}

TEST(Fence, RefusesPolesAndTheWholeRound) {
  EXPECT_THAT(problemsOfGeometry(polygonText("[[0,80],[120,80],[-120,80],[0,80]]")),
              HasSubstr("goes around a pole"));
  EXPECT_THAT(
      problemsOfGeometry(polygonText("[[-180,-10],[180,-10],[180,10],[-180,10],[-180,-10]]")),
      HasSubstr("cut the polygon so that no edge does"));
  EXPECT_THAT(problemsOfGeometry(polygonText("[[0,60],[180,60],[10,70],[0,60]]"),
                                 fenceSource(EdgeModel::kGeodesic)),
              HasSubstr("over a pole"));
}

TEST(Fence, DensifiesGeodesicEdgesTheSameFromBothSides) {
  const auto fences = mustParse(
      featureCollection({{"south", polygonText("[[0,40],[30,40],[30,50],[0,50],[0,40]]")},
                         {"north", polygonText("[[0,60],[0,50],[30,50],[30,60],[0,60]]")}}),
      fenceSource(EdgeModel::kGeodesic));
  ASSERT_EQ(fences.size(), 2U);
  // The great circle runs north of the parallel.
  EXPECT_TRUE(contains(fences[0], {50.3, 15}));
  EXPECT_FALSE(contains(fences[1], {50.3, 15}));
  const auto shared = [](const Fence& fence) {
    std::vector<std::pair<double, double>> points;
    for (const GeoPoint& point : fence.polygons[0].outer.points) {
      if (point.lat >= 50 && point.lat < 51.5 && point.lon > 0.01 && point.lon < 29.99) {
        points.emplace_back(point.lon, point.lat);
      }
    }
    std::sort(points.begin(), points.end());
    return points;
  };
  EXPECT_GT(shared(fences[0]).size(), 200U);
  EXPECT_EQ(shared(fences[0]), shared(fences[1]));
  const auto& points = fences[0].polygons[0].outer.points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_LE(geodesicMetres(points[i], points[(i + 1) % points.size()]),
              kMaxEdgeMetres * 1.000001);
  }
}

TEST(Fence, ConvertsGcj02) {
  FenceSource source = fenceSource();
  source.crs = Crs::kGcj02;
  const Fence fence = mustParseOne(boxText(116, 39, 117, 40), source);
  for (const double offset : {-0.0005, 0.0005}) {
    const GeoPoint gcj{39.5, 116 + offset};
    EXPECT_EQ(contains(fence, gcj02ToWgs84(gcj)), offset > 0);
  }
}

TEST(Fence, MeasuresTheWayToTheBorder) {
  const Fence fence = mustParseOne(boxText(0, 40, 10, 50));
  EXPECT_EQ(distanceMetres(fence, {45, 5}), 0);
  EXPECT_NEAR(distanceMetres(fence, {39, -1}), geodesicMetres({39, -1}, {40, 0}), 1e-6);
  // The nearest point of a parallel lies nearer than the one due south.
  EXPECT_LT(distanceMetres(fence, {51, 5}), geodesicMetres({51, 5}, {50, 5}) + 1e-6);
  double least = 1e9;
  for (int i = 0; i <= 100'000; ++i) {
    least = std::min(least, geodesicMetres({51, 5}, {50, i / 10'000.0}));
  }
  EXPECT_NEAR(distanceMetres(fence, {51, 5}), least, 0.01);
}

// Borders shared bit for bit: inside the hull each point is in one fence, on vertices of four too.
TEST(FenceProperty, SharedBordersBelongToExactlyOneSide) {
  constexpr unsigned kSeed = 20266;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  for (const double shake : {0.0, 0.3, 1e-15}) {
    const auto fences = test::shakenGrid(6, 7, shake, random);
    std::vector<GeoPoint> points = test::delicatePoints(fences);
    std::uniform_real_distribution<double> anywhere(-9.9, 9.9);
    for (int i = 0; i < 1000; ++i) points.push_back({anywhere(random), anywhere(random)});
    for (const GeoPoint& point : points) {
      const auto holders = std::count_if(
          fences.begin(), fences.end(), [&](const Fence& fence) { return contains(fence, point); });
      const bool inner = point.lat >= -10 && point.lat < 10 && point.lon >= -10 && point.lon < 10;
      ASSERT_EQ(holders, inner ? 1 : 0) << point.lat << ',' << point.lon << " shake " << shake;
    }
  }
}

TEST(FenceOverlaps, AreFoundWithAreaAndExample) {
  const auto fences = mustParse(featureCollection({{"a", boxText(0, 0, 10, 10)},
                                                   {"b", boxText(9, 9, 20, 20)},
                                                   {"c", boxText(10, 0, 20, 9)},
                                                   {"d", boxText(2, 2, 3, 3)}}));
  const auto overlaps = findOverlaps(test::pointersTo(fences));
  ASSERT_EQ(overlaps.size(), 2U);
  EXPECT_EQ(overlaps[0].first, 0U);
  EXPECT_EQ(overlaps[0].second, 1U);
  EXPECT_NEAR(overlaps[0].area_m2, 1.2e10, 0.03e10);
  EXPECT_EQ(overlaps[1].second, 3U);
  EXPECT_NEAR(overlaps[1].area_m2, 1.23e10, 0.03e10);
  for (const FenceOverlap& overlap : overlaps) {
    EXPECT_TRUE(contains(fences[overlap.first], overlap.example));
    EXPECT_TRUE(contains(fences[overlap.second], overlap.example));
  }
}

TEST(FenceOverlaps, AreNotSharedBorders) {
  constexpr unsigned kSeed = 20267;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  for (const double shake : {0.0, 0.3}) {
    const auto grid = test::shakenGrid(8, 8, shake, random);
    EXPECT_TRUE(findOverlaps(test::pointersTo(grid)).empty());
  }
  // A border with a vertex on one side only, and a sliver of 30 cm between two parallels.
  const auto fences = mustParse(featureCollection({{"a", boxText(0, 0, 10, 10)},
                                                   {"b", boxText(10, 0, 20, 3.3)},
                                                   {"c", boxText(10, 3.3, 20, 10)}}));
  EXPECT_TRUE(findOverlaps(test::pointersTo(fences)).empty());
  const auto slivers = mustParse(
      featureCollection({{"a", boxText(0, 0, 10, 10)}, {"b", boxText(9.999997, 0, 20, 10)}}));
  EXPECT_EQ(findOverlaps(test::pointersTo(slivers)).size(), 1U);
}

TEST(FenceFile, OfTheStatesIsReadAndHasNoOverlaps) {
  FenceSource source = fenceSource();
  source.path = MERIDIAN_SOURCE_DIR "/zones/sample/us-states-coarse.geojson";
  const auto fences = loadFences(source);
  ASSERT_TRUE(fences.has_value()) << fences.error().text();
  EXPECT_EQ(fences->size(), 49U);
  EXPECT_TRUE(findOverlaps(test::pointersTo(*fences)).empty());
  for (const GeoPoint& point : test::delicatePoints(*fences)) {
    const auto holders = std::count_if(fences->begin(), fences->end(),
                                       [&](const Fence& fence) { return contains(fence, point); });
    ASSERT_LE(holders, 1) << point.lat << ',' << point.lon;
  }
}

TEST(FenceFile, MissingIsReportedByName) {
  FenceSource source = fenceSource();
  source.path = "no-such-file.json";
  const auto fences = loadFences(source);
  ASSERT_FALSE(fences.has_value());
  EXPECT_THAT(fences.error().text(), HasSubstr("no-such-file.json"));
}

}  // namespace
}  // namespace meridian::geo
