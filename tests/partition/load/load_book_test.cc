// LoadBook, in the order of its contract: smoothing, age, capacity, division, refusals, bounds.
#include "partition/load/load_book.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/fake_clock.h"
#include "tests/support/placement_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;

// Of PlacementWorld: eZones dal, iad, fra; a and rest are at home at dal, b at iad, far at fra.
class LoadBookTest : public testing::Test {
 protected:
  LoadOutcome say(const std::string& ezone, double units, const std::string& partition = "",
                  std::optional<double> capacity = std::nullopt) {
    const LoadTime now{clock_.monotonicNow(), clock_.wallNow()};
    return book_.report({ezone, partition, units, capacity, unixMillis(clock_.wallNow())},
                        LoadIds(world_.topology), now);
  }
  LoadPicture picture() const {
    return book_.picture(world_.topology, table_, clock_.monotonicNow());
  }
  double unitsOf(std::size_t partition) const {
    return picture().partitions[partition].units.value_or(-1);
  }

  test::PlacementWorld world_;
  AssignmentTable table_ = world_.homeTable();
  test::FakeClock clock_;
  LoadBook book_;
};

TEST_F(LoadBookTest, NothingIsKnownBeforeTheFirstReport) {
  EXPECT_FALSE(picture().reported);
  EXPECT_FALSE(picture().ezones[0].units);
  EXPECT_FALSE(picture().partitions[0].units);
  EXPECT_FALSE(book_.status("dal", clock_.monotonicNow()));
}

TEST_F(LoadBookTest, AReportWeighsByTheTimeSinceTheOneBefore) {
  EXPECT_EQ(say("dal", 100), LoadOutcome::kAccepted);
  EXPECT_EQ(picture().ezones[0].units, 100);
  clock_.advance(10s);
  say("dal", 200);
  const double after_ten = 100 + 100 * (1 - std::exp(-10.0 / 60));
  EXPECT_NEAR(*picture().ezones[0].units, after_ten, 1e-9);
  clock_.advance(50s);
  say("dal", 200);
  EXPECT_NEAR(*picture().ezones[0].units, 200 - 100 * std::exp(-1.0), 1e-9)
      << "only the time that passed counts, not the number of reports";
  say("dal", 5'000);
  EXPECT_NEAR(*picture().ezones[0].units, 200 - 100 * std::exp(-1.0), 1e-9)
      << "a second report of one moment weighs nothing";
}

TEST_F(LoadBookTest, AfterSixtySecondsOfSilenceTheLoadIsUnknown) {
  say("dal", 100);
  clock_.advance(60s);
  EXPECT_TRUE(picture().ezones[0].units);
  clock_.advance(1ms);
  EXPECT_FALSE(picture().ezones[0].units);
  EXPECT_TRUE(picture().reported) << "who has reported once is missed";
  EXPECT_FALSE(book_.status("dal", clock_.monotonicNow())->fresh);
  clock_.jump(-250s);
  say("dal", 100);
  EXPECT_TRUE(picture().ezones[0].units) << "the wall clock has no say in it";
}

TEST_F(LoadBookTest, CapacityIsReportedOrStatedAndSharedByRooms) {
  say("dal", 50);
  EXPECT_FALSE(picture().ezones[0].utilisation()) << "nobody says how much it can carry";
  world_.topology.datacenters[0].capacity_units = 200;
  EXPECT_EQ(picture().ezones[0].utilisation(), 0.25);
  say("dal", 50, "", 100);
  EXPECT_EQ(picture().ezones[0].utilisation(), 0.5);
  EXPECT_TRUE(book_.reportsCapacity("dal", clock_.monotonicNow()));
  clock_.advance(61s);
  say("dal", 50);
  EXPECT_NEAR(*picture().ezones[0].utilisation(), 0.25, 1e-9) << "a reported capacity ages, too";
  world_.topology.ezones.push_back({"dal-b", DcIx(0), 9});
  EXPECT_EQ(picture().ezones[0].capacity, 100);
}

TEST_F(LoadBookTest, PartitionsThatNobodyReportsShareByWeightWhatIsLeft) {
  world_.partitionNamed("a").weight_units = 3;
  say("dal", 100);
  EXPECT_DOUBLE_EQ(unitsOf(0), 75);
  EXPECT_DOUBLE_EQ(unitsOf(3), 25);
  EXPECT_EQ(unitsOf(1), -1) << "iad is silent";
  say("dal", 40, "a");
  EXPECT_DOUBLE_EQ(unitsOf(0), 40);
  EXPECT_DOUBLE_EQ(unitsOf(3), 60);
  EXPECT_TRUE(picture().partitions[0].measured);
  EXPECT_FALSE(picture().partitions[3].measured);
  say("dal", 400, "a");
  clock_.advance(50s);
  say("dal", 400, "a");
  EXPECT_DOUBLE_EQ(unitsOf(3), 0) << "parts may not add up to more than the whole";
}

TEST_F(LoadBookTest, OfAMovingPartitionBothPlacesAddUp) {
  say("dal", 30, "a");
  say("iad", 12, "a");
  EXPECT_DOUBLE_EQ(unitsOf(0), 42);
}

TEST_F(LoadBookTest, WhatIsRefusedIsCountedAndChangesNothing) {
  world_.partitionNamed("b").allowed = {EZoneIx(1)};
  EXPECT_EQ(say("nowhere", 1), LoadOutcome::kUnknownEZone);
  EXPECT_EQ(say("dal", 1, "nothing"), LoadOutcome::kUnknownPartition);
  EXPECT_EQ(say("dal", 1, "b"), LoadOutcome::kNotAllowed);
  for (const double bad : {-1.0, 1e13, std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(say("dal", bad), LoadOutcome::kBadNumber) << bad;
    EXPECT_EQ(say("dal", 1, "", bad), LoadOutcome::kBadNumber) << bad;
  }
  EXPECT_EQ(say("dal", 1, "", 0), LoadOutcome::kBadNumber);
  const LoadTime now{clock_.monotonicNow(), clock_.wallNow()};
  const std::int64_t ms = unixMillis(now.wall);
  const LoadIds ids(world_.topology);
  EXPECT_EQ(book_.report({"dal", "", 1, {}, ms - 300'001}, ids, now), LoadOutcome::kBadTime);
  EXPECT_EQ(book_.report({"dal", "", 1, {}, ms + 300'001}, ids, now), LoadOutcome::kBadTime);
  EXPECT_FALSE(picture().reported);
  EXPECT_EQ(book_.count(LoadOutcome::kBadNumber), 9U);
  EXPECT_EQ(book_.count(LoadOutcome::kBadTime), 2U);
  EXPECT_EQ(book_.count(LoadOutcome::kAccepted), 0U);
  EXPECT_EQ(book_.report({"dal", "", 1, {}, ms - 300'000}, ids, now), LoadOutcome::kAccepted);
}

TEST_F(LoadBookTest, PairsAreBoundedAndSilentOnesMakeRoom) {
  for (std::size_t i = 0; i < LoadBook::kMaxParts; ++i) {
    world_.topology.partitions.emplace_back();
    world_.topology.partitions.back().id = "x" + std::to_string(i);
    world_.topology.partitions.back().allowed = {EZoneIx(0)};
  }
  const LoadIds ids(world_.topology);
  LoadTime now{clock_.monotonicNow(), clock_.wallNow()};
  const auto report = [&](const std::string& partition) {
    return book_.report({"dal", partition, 1, {}, unixMillis(now.wall)}, ids, now);
  };
  for (std::size_t i = 0; i < LoadBook::kMaxParts; ++i) {
    ASSERT_EQ(report("x" + std::to_string(i)), LoadOutcome::kAccepted);
  }
  EXPECT_EQ(report("a"), LoadOutcome::kTooMany);
  EXPECT_EQ(report("x7"), LoadOutcome::kAccepted) << "those that are known go on";
  book_.forget(now.mono + LoadBook::kKept);
  EXPECT_EQ(report("a"), LoadOutcome::kTooMany);
  book_.forget(now.mono + LoadBook::kKept + 1ms);
  EXPECT_EQ(report("a"), LoadOutcome::kAccepted);
}

}  // namespace
}  // namespace meridian::partition
