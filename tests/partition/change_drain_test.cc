// The end of a drain by counted arrivals, and what old eZones must forward afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using DrainState = ChangeState;

class ChangeDrainTest : public testing::Test {
 protected:
  ChangeDrainTest() { EXPECT_TRUE(world_.open()); }

  std::uint64_t draining(const std::string& subject, const std::string& to) {
    ChangeRequest request;
    request.targets = {{subject, to}};
    request.reason = "test";
    request.actor = "ann";
    const auto plan = world_.engine->start(request);
    EXPECT_TRUE(plan && plan->accepted);
    if (!plan) return 0;
    runTo(plan->change.number, DrainState::kDraining);
    return plan->change.number;
  }
  DrainState state(std::uint64_t number) const { return world_.engine->find(number)->state; }
  void runTo(std::uint64_t number, DrainState wanted) {
    for (int i = 0; i < 20'000 && state(number) != wanted; ++i) {
      if (!world_.hooks.asked.empty()) {
        world_.hooks.answer();
      } else {
        world_.advance(100ms);
      }
    }
    ASSERT_EQ(changeStateName(state(number)), changeStateName(wanted));
  }
  // For `time`, routers say each second that so many came to a and b.
  void count(std::chrono::seconds time, int old_arrivals, int new_arrivals) {
    for (std::chrono::seconds passed{0}; passed < time; passed += 1s) {
      const ArrivalIds ids(world_.map->current());
      const ArrivalTime now{world_.clock.monotonicNow(), world_.clock.wallNow()};
      const std::int64_t ts = unixMillis(now.wall);
      world_.arrivals.report({"p0", "a", "", old_arrivals, 1'000, ts}, ids, now);
      world_.arrivals.report({"p0", "b", "", new_arrivals, 1'000, ts}, ids, now);
      world_.advance(1s);
    }
  }

  test::ChangeWorld world_;
};

TEST_F(ChangeDrainTest, ArrivalsAtTheOldEZoneKeepIt) {
  const auto number = draining("p0", "b");
  count(14s, 0, 100);
  EXPECT_EQ(state(number), DrainState::kDraining) << "three TTLs hold whatever is measured";
  count(60s, 2, 98);
  EXPECT_EQ(state(number), DrainState::kDraining);
  const StaleClients stale = world_.engine->staleClients(*world_.engine->find(number));
  EXPECT_TRUE(stale.measured);
  EXPECT_DOUBLE_EQ(stale.share, 0.02);
  count(2s, 1, 99);
  EXPECT_EQ(state(number), DrainState::kSoaking);
}

TEST_F(ChangeDrainTest, TheBudgetEndsItWhateverIsMeasured) {
  const auto number = draining("p0", "b");
  count(598s, 50, 50);
  EXPECT_EQ(state(number), DrainState::kDraining);
  count(3s, 50, 50);
  EXPECT_EQ(state(number), DrainState::kSoaking);
  EXPECT_THAT(world_.engine->find(number)->note, testing::HasSubstr("50.0 % of arrivals"));
}

TEST_F(ChangeDrainTest, UnknownIsTodaysRule) {
  const auto number = draining("p0", "b");
  const StaleClients stale = world_.engine->staleClients(*world_.engine->find(number));
  EXPECT_FALSE(stale.measured);
  EXPECT_GT(stale.share, 0.9);
  world_.advance(14s);
  EXPECT_EQ(state(number), DrainState::kDraining);
  world_.advance(1s);
  EXPECT_EQ(state(number), DrainState::kSoaking);
  EXPECT_EQ(world_.engine->find(number)->note, "three TTLs have passed");
}

TEST_F(ChangeDrainTest, TheOldEZoneForwardsForThreeDaysAndARestartKnows) {
  const WallTime before = world_.clock.wallNow();
  const auto number = draining("p0", "b");
  const WallTime until = world_.engine->forwardUntil(number).value();
  EXPECT_GT(until, before + 72h);
  EXPECT_LE(until, world_.clock.wallNow() + 72h);
  ASSERT_EQ(world_.engine->forwarders().size(), 1U);
  runTo(number, DrainState::kDone);
  ASSERT_TRUE(world_.open());
  const auto open = world_.engine->forwarders();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].subject, "p0");
  EXPECT_EQ(open[0].from, "a");
  EXPECT_EQ(open[0].to, "b");
  EXPECT_EQ(open[0].epoch, world_.assignment("p0").epoch);
  EXPECT_EQ(open[0].change, number);
  EXPECT_EQ(open[0].until, until);
  EXPECT_EQ(world_.engine->forwardUntil(number), until);
  world_.clock.advance(until - world_.clock.wallNow() - 1ms);
  EXPECT_EQ(world_.engine->forwarders().size(), 1U);
  world_.clock.advance(1ms);
  EXPECT_TRUE(world_.engine->forwarders().empty());
  ASSERT_TRUE(world_.open());
  EXPECT_TRUE(world_.engine->forwarders().empty());
  EXPECT_FALSE(world_.engine->forwardUntil(number));
}

TEST_F(ChangeDrainTest, WhoOwnsItAgainForwardsNothing) {
  runTo(draining("p0", "b"), DrainState::kDone);
  world_.advance(2h);
  const auto back = draining("p0", "a");
  for (int restart = 0; restart < 2; ++restart) {
    const auto open = world_.engine->forwarders();
    ASSERT_EQ(open.size(), 1U);
    EXPECT_EQ(open[0].from, "b");
    EXPECT_EQ(open[0].to, "a");
    EXPECT_EQ(open[0].change, back);
    runTo(back, DrainState::kDone);
    ASSERT_TRUE(world_.open());
  }
}

}  // namespace
}  // namespace meridian::partition
