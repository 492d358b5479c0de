// Catalogues: NDJSON lines, and every error with its place.
#include "geo/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "geo/gcj02.h"

namespace meridian::geo {
namespace {

using ::testing::HasSubstr;

std::string errorsOf(std::string_view text) {
  const auto parsed = parseCatalogue(text, "c.ndjson");
  return parsed ? "none" : parsed.error().text();
}

TEST(Catalogue, ReadsEntriesInOrder) {
  const auto parsed = parseCatalogue(
      "{\"id\": \"austin\", \"lat\": 30.27, \"lon\": -97.74, \"partition\": \"us-tx\"}\r\n"
      "\n"
      "  {\"id\": \"0-a\", \"lat\": 39.9, \"lon\": 116, \"crs\": \"GCJ02\"}",
      "c.ndjson");
  ASSERT_TRUE(parsed) << parsed.error().text();
  ASSERT_EQ(parsed->size(), 2U);
  EXPECT_EQ((*parsed)[0].id, "austin");
  EXPECT_EQ((*parsed)[0].point, (GeoPoint{30.27, -97.74}));
  EXPECT_EQ((*parsed)[0].partition, "us-tx");
  EXPECT_EQ((*parsed)[0].place.text(), "c.ndjson:1:1");
  EXPECT_EQ((*parsed)[1].point, gcj02ToWgs84({39.9, 116}));
  EXPECT_NE((*parsed)[1].point, (GeoPoint{39.9, 116}));
  EXPECT_EQ((*parsed)[1].place.text(), "c.ndjson:3:3");
}

TEST(Catalogue, NamesThePlaceOfEachError) {
  for (const auto& [line, error] : {
           std::pair(R"({"id": "A", "lat": 1, "lon": 2})", "c.ndjson:1:8: id: A: is no lower-case"),
           std::pair(R"({"id": "", "lat": 1, "lon": 2})", "c.ndjson:1:8: id: is no lower-case"),
           std::pair(R"({"lat": 1, "lon": 2})", "c.ndjson:1:1: id: is missing"),
           std::pair(R"({"id": "a", "lat": 91, "lon": 2})", "c.ndjson:1:20: lat: 91: must be from"),
           std::pair(R"({"id": "a", "lat": 1, "lon": "2"})",
                     "c.ndjson:1:30: lon: 2: must be a number"),
           std::pair(R"({"id": "a", "lat": 1, "lon": 2, "crs": "X"})",
                     "c.ndjson:1:40: crs: X: must be one"),
           std::pair(R"({"id": "a", "lat": 1, "lon": 2, "partition": "_"})",
                     "partition: _: is no id"),
           std::pair(R"({"id": "a", "lat": 1, "lon": 2, "lot": 2})",
                     "c.ndjson:1:33: lot: is not known"),
           std::pair(R"({"id": "a", "id": "b", "lat": 1, "lon": 2})",
                     "c.ndjson:1:13: id: stands twice"),
           std::pair(R"([1])", "c.ndjson:1:1: must be an object"),
           std::pair(R"({"id": )", "c.ndjson:1:"),
       }) {
    EXPECT_THAT(errorsOf(line), HasSubstr(error)) << line;
  }
}

TEST(Catalogue, ReportsAllErrorsWithTheirLines) {
  EXPECT_EQ(errorsOf("{\"id\": \"a\", \"lat\": 1, \"lon\": 2}\n"
                     "\n"
                     "{\"id\": \"b\", \"lat\": -91, \"lon\": 181}\n"
                     "{\"id\": \"a\", \"lat\": 1, \"lon\": 2}\n"),
            "c.ndjson:3:20: lat: -91: must be from -90 to 90\n"
            "c.ndjson:3:32: lon: 181: must be from -180 to 180\n"
            "c.ndjson:4:1: id: a: stands already in line 1\n");
}

TEST(Catalogue, BoundsALine) {
  const std::string line = "{\"id\": \"" + std::string(kMaxCatalogueLineBytes, 'a') + "\"}";
  EXPECT_THAT(errorsOf(line), HasSubstr("c.ndjson:1: {\"id\": \"aaa"));
  EXPECT_THAT(errorsOf(line), HasSubstr("is longer than 4096 bytes"));
}

TEST(Catalogue, LoadNamesAMissingFile) {
  const auto loaded = loadCatalogue("/nonexistent/c.ndjson");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().text(), HasSubstr("/nonexistent/c.ndjson: cannot open"));
}

}  // namespace
}  // namespace meridian::geo
