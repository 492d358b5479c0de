#include "partition/change/impact.h"

#include <gtest/gtest.h>

#include "partition/change/change_plan.h"
#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;

class ChangeImpactTest : public testing::Test {
 protected:
  ChangeImpactTest() {
    EXPECT_TRUE(world_.open());
    load_.ezones.resize(3);
    load_.partitions.resize(12);
    std::vector<std::uint64_t> totals(13);
    rates_.sample(totals, world_.map->current(), MonotonicTime{});
    totals = {30, 50, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 10};
    rates_.sample(totals, world_.map->current(), MonotonicTime{} + 1s);
  }
  Change planned(ChangeMode mode) const {
    ChangeRequest request;
    request.mode = mode;
    request.targets = {{"p0", "b"}, {"p3", "b"}};
    request.reason = "test";
    request.actor = "ann";
    return planChange(request, world_.map->current(), {}, world_.clock.wallNow()).value();
  }
  Impact impact(const Change& change, const QueryRates* rates) const {
    return impactOf(change, *world_.map->current().topology, load_, {rates, &resolvers_}, {});
  }

  test::ChangeWorld world_;
  QueryRates rates_;
  ResolverCounts resolvers_;
  LoadPicture load_;
};

TEST_F(ChangeImpactTest, TellsQueriesAndTimes) {
  const Impact found = impact(planned(ChangeMode::kPlanned), &rates_);
  EXPECT_DOUBLE_EQ(found.queries_per_s.value(), 40);
  EXPECT_DOUBLE_EQ(found.query_share.value(), 0.4);
  EXPECT_EQ(found.until_moved, 35s) << "the old TTL and a margin";
  EXPECT_EQ(found.until_drained, 15s) << "three short TTLs";
  const Impact emergency = impact(planned(ChangeMode::kEmergency), &rates_);
  EXPECT_EQ(emergency.until_moved, 0s);
  EXPECT_EQ(emergency.until_drained, 90s) << "nothing was prepared";
}

HyperLogLog sketchOf(std::uint64_t first, std::uint64_t count) {
  HyperLogLog out;
  for (std::uint64_t i = first; i < first + count; ++i) {
    out.add(HyperLogLog::markOf(i * 0x9E3779B97F4A7C15ULL));
  }
  return out;
}

TEST_F(ChangeImpactTest, AResolverOfTwoSubjectsCountsOnce) {
  std::vector<HyperLogLog> sketches(13);
  sketches[0] = sketchOf(1, 20);
  sketches[1] = sketchOf(1'000, 50);
  sketches[3] = sketchOf(11, 20);
  resolvers_.sample(sketches, world_.map->current(), 1'700'000'000);
  resolvers_.sample(sketches, world_.map->current(), 1'700'000'060);
  const Impact found = impact(planned(ChangeMode::kPlanned), nullptr);
  ASSERT_TRUE(found.resolvers);
  EXPECT_NEAR(found.resolvers->resolvers, 30, 2);
  EXPECT_EQ(found.resolvers->window, 60s);
}

TEST_F(ChangeImpactTest, WhatNobodyReportsIsUnknown) {
  const Impact blind = impact(planned(ChangeMode::kPlanned), nullptr);
  EXPECT_EQ(blind.queries_per_s, std::nullopt);
  EXPECT_EQ(blind.query_share, std::nullopt);
  EXPECT_FALSE(blind.resolvers);
  ASSERT_EQ(blind.targets.size(), 1U);
  EXPECT_EQ(blind.targets[0].utilisation, std::nullopt);
  EXPECT_EQ(blind.targets[0].utilisation_after, std::nullopt);
}

TEST_F(ChangeImpactTest, TargetsFillWithAllWaves) {
  load_.reported = true;
  load_.ezones[1] = {50, 100};
  load_.partitions[0].units = 10;
  const Change change = planned(ChangeMode::kGradual);
  ASSERT_EQ(change.waves.size(), 2U);
  EXPECT_EQ(impact(change, nullptr).targets[0].utilisation, 0.5);
  EXPECT_EQ(impact(change, nullptr).targets[0].utilisation_after, std::nullopt) << "p3 is unknown";
  load_.partitions[3].units = 20;
  EXPECT_DOUBLE_EQ(impact(change, nullptr).targets[0].utilisation_after.value(), 0.8);
}

}  // namespace
}  // namespace meridian::partition
