// Load reports: what is read, and what is refused with which reason.
#include "partition/load/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::partition {
namespace {

using testing::HasSubstr;

std::string problemOf(const std::string& line) {
  const auto report = decodeLoadReport(line, "request");
  return report ? "no problem" : report.error().text();
}

TEST(LoadReport, ReadsAnEZonesAndAPartitionsLoad) {
  const auto whole =
      decodeLoadReport(R"({"ezone":"a","units":12.5,"capacity_units":100,"ts":17})", "request");
  ASSERT_TRUE(whole) << whole.error().text();
  EXPECT_EQ(whole->ezone, "a");
  EXPECT_EQ(whole->partition, "");
  EXPECT_EQ(whole->units, 12.5);
  EXPECT_EQ(whole->capacity_units, 100);
  EXPECT_EQ(whole->ts, 17);
  const auto part = decodeLoadReport(R"({"ezone":"a","partition":"p","units":0,"ts":0})", "x");
  ASSERT_TRUE(part) << part.error().text();
  EXPECT_EQ(part->partition, "p");
  EXPECT_FALSE(part->capacity_units);
}

TEST(LoadReport, RefusesWhatIsNoLoad) {
  EXPECT_THAT(problemOf(R"({"ezone":"a","units":-1,"ts":0})"), HasSubstr("units: -1"));
  EXPECT_THAT(problemOf(R"({"ezone":"a","units":1e13,"ts":0})"), HasSubstr("must be from 0"));
  EXPECT_THAT(problemOf(R"({"ezone":"a","units":1e999,"ts":0})"), HasSubstr("request:1"));
  EXPECT_THAT(problemOf(R"({"ezone":"a","units":NaN,"ts":0})"), HasSubstr("request:1"));
  EXPECT_THAT(problemOf(R"({"ezone":"a","units":"7","ts":0})"), HasSubstr("a number"));
  EXPECT_THAT(problemOf(R"({"ezone":"a","units":1,"capacity_units":0,"ts":0})"),
              HasSubstr("capacity_units"));
  EXPECT_THAT(problemOf(R"({"ezone":"a","units":1,"ts":-1})"), HasSubstr("ts"));
  EXPECT_THAT(problemOf(R"({"ezone":"A b","units":1,"ts":0})"), HasSubstr("ezone"));
  EXPECT_THAT(problemOf(R"({"ezone":"a","partition":"","units":1,"ts":0})"),
              HasSubstr("partition"));
  EXPECT_THAT(problemOf(R"({"ezone":"a","units":1,"ts":0,"unit":2})"), HasSubstr("unit"));
  EXPECT_THAT(problemOf(R"({"ezone":"a","ezone":"b","units":1,"ts":0})"), HasSubstr("ezone"));
  EXPECT_THAT(problemOf("[]"), HasSubstr("object"));
  EXPECT_THAT(problemOf(R"({"ezone":"a"})"), HasSubstr("units"));
  EXPECT_THAT(problemOf(std::string(kMaxLoadLine + 1, ' ')), HasSubstr("bytes"));
}

}  // namespace
}  // namespace meridian::partition
