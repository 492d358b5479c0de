// Changes and holds; and what a change waits for when it asks several hooks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "partition/change/engine.h"
#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ChangeRequest move(std::vector<ChangeTarget> targets, ChangeMode mode) {
  ChangeRequest request;
  request.mode = mode;
  request.targets = std::move(targets);
  request.reason = "test";
  request.actor = "ann";
  return request;
}

class ChangeHoldsTest : public testing::Test {
 protected:
  ChangeHoldsTest() { EXPECT_TRUE(world_.open()); }

  std::uint64_t placeHold(HoldScope scope, const std::string& subject) {
    Hold hold;
    hold.scope = scope;
    hold.subject = subject;
    hold.holder = "dcp";
    hold.reason = "nightly comparison";
    hold.actor = "ann";
    hold.created = world_.clock.wallNow();
    hold.expires = hold.created + 1h;
    const auto placed = world_.holds->add(hold);
    EXPECT_TRUE(placed);
    return placed->id;
  }
  std::uint64_t begin(const ChangeRequest& request) const {
    const auto plan = world_.engine->start(request);
    EXPECT_TRUE(plan && plan->accepted);
    return plan ? plan->change.number : 0;
  }
  const Change& change(std::uint64_t number) const { return *world_.engine->find(number); }
  void runTo(std::uint64_t number, ChangeState wanted) {
    for (int i = 0; i < 20'000 && change(number).state != wanted; ++i) {
      if (!world_.hooks.asked.empty()) {
        world_.hooks.answer();
      } else {
        world_.advance(100ms);
      }
    }
    ASSERT_EQ(changeStateName(change(number).state), changeStateName(wanted))
        << change(number).note;
  }

  test::ChangeWorld world_;
};

TEST_F(ChangeHoldsTest, APlannedShiftIsRefusedAndSaysWhoseHoldItIs) {
  placeHold(HoldScope::kPartition, "p0");
  const auto plan = world_.engine->start(move({{"p0", "b"}}, ChangeMode::kPlanned));
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->accepted);
  const RuleVerdict& last = plan->verdicts.back();
  EXPECT_EQ(last.rule, "S14");
  EXPECT_TRUE(stops(last));
  EXPECT_THAT(last.text, HasSubstr("dcp holds p0 until"));
  EXPECT_THAT(last.text, HasSubstr("nightly comparison"));
}

TEST_F(ChangeHoldsTest, OneThatMayWaitStartsWhenTheHoldEnds) {
  const std::uint64_t hold = placeHold(HoldScope::kDatacenter, "b");
  ChangeRequest request = move({{"p0", "b"}}, ChangeMode::kPlanned);
  request.wait_for_holds = true;
  const auto number = begin(request);
  world_.advance(10min);
  EXPECT_EQ(change(number).state, ChangeState::kScheduled);
  EXPECT_THAT(change(number).note, HasSubstr("dcp holds b"));
  EXPECT_THAT(world_.engine->activeChange("p0"), IsEmpty()) << "it holds nothing while it waits";
  const std::uint64_t steps = change(number).steps;
  world_.advance(1min);
  EXPECT_EQ(change(number).steps, steps) << "waiting writes nothing";
  ASSERT_TRUE(world_.open()) << "a restart";
  EXPECT_TRUE(change(number).wait_for_holds);
  ASSERT_TRUE(world_.holds->release(hold));
  runTo(number, ChangeState::kDone);
  EXPECT_EQ(world_.owner("p0"), "b");
}

TEST_F(ChangeHoldsTest, AGradualChangeWaitsBetweenItsWaves) {
  const auto number = begin(move({{"p0", "b"}, {"p3", "b"}}, ChangeMode::kGradual));
  runTo(number, ChangeState::kSoaking);
  const std::uint64_t hold = placeHold(HoldScope::kZone, "z");
  runTo(number, ChangeState::kPrecheck);
  world_.advance(10min);
  EXPECT_EQ(change(number).state, ChangeState::kPrecheck);
  EXPECT_FALSE(change(number).paused) << "nobody has to resume it";
  EXPECT_THAT(change(number).note, HasSubstr("dcp holds z"));
  ASSERT_TRUE(world_.holds->release(hold));
  runTo(number, ChangeState::kDone);
  EXPECT_EQ(world_.owner("p3"), "b");
}

TEST_F(ChangeHoldsTest, AnEmergencyPassesAndTellsTheHolder) {
  placeHold(HoldScope::kPartition, "p0");
  const auto number = begin(move({{"p0", "b"}}, ChangeMode::kEmergency));
  runTo(number, ChangeState::kDone);
  EXPECT_EQ(world_.owner("p0"), "b");
  EXPECT_EQ(world_.holds->all().front().passed_by, changeId(number));
  for (const HookCall& call : world_.hooks.seen) {
    ASSERT_EQ(call.holds.size(), 1U) << hookPhaseName(call.phase);
    EXPECT_THAT(call.holds.front(), HasSubstr("dcp holds p0"));
  }
}

TEST_F(ChangeHoldsTest, AnOverrideGoesOverAHoldByName) {
  placeHold(HoldScope::kPartition, "p0");
  ChangeRequest request = move({{"p0", "b"}}, ChangeMode::kPlanned);
  request.overrides = {{"S14", "the comparison hangs"}};
  const auto number = begin(request);
  runTo(number, ChangeState::kDone);
  EXPECT_EQ(world_.holds->all().front().passed_by, changeId(number));
}

// A tick between two answers took the first for the answer of all.
TEST_F(ChangeHoldsTest, RegressionATickBetweenTwoHooksWaitsForTheSecond) {
  const auto number = begin([] {
    ChangeRequest request = move({{"p0", "b"}, {"p3", "b"}}, ChangeMode::kPlanned);
    request.overrides = {{"S7", "two at once"}};
    return request;
  }());
  ASSERT_EQ(world_.hooks.asked.size(), 2U);
  world_.hooks.answer();
  world_.advance(100ms);
  EXPECT_EQ(change(number).state, ChangeState::kPrecheck) << "one of two has spoken";
  world_.hooks.answer(HookOutcome::Kind::kVetoed);
  EXPECT_EQ(change(number).state, ChangeState::kAborted);
}

}  // namespace
}  // namespace meridian::partition
