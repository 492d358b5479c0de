// Rule S2: is there room at the target?
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "partition/change/safety.h"
#include "tests/support/change_world.h"
#include "tests/support/load_world.h"

namespace meridian::partition {
namespace {

using testing::HasSubstr;

// Of ChangeWorld: eZones a, b, c; partitions p0 to p11, at home in turn; a change of p0 (and more)
// from a to b.
class LoadRuleTest : public testing::Test {
 protected:
  LoadRuleTest() {
    EXPECT_TRUE(world_.open());
    change_ = moving({"p0"});
  }

  static Change moving(const std::vector<std::string>& subjects) {
    Change change;
    change.number = 1;
    change.state = ChangeState::kPrecheck;
    change.waves.emplace_back();
    for (const std::string& subject : subjects) {
      change.waves.back().push_back({.subject = subject, .zone = "z", .from = "a", .to = "b"});
    }
    return change;
  }
  // b: 60 of 100; each of p0, p3 and p6 brings ten.
  void sayLoad() {
    load_.ezone(0, 50, 100);
    load_.ezone(1, 60, 100);
    for (const std::size_t each : {0U, 3U, 6U}) load_.partition(each, 10);
  }
  std::vector<RuleVerdict> judged(bool watched = false) {
    const MapSnapshot& map = world_.map->current();
    SafetyView view{*map.topology,          *map.table, world_.links, world_.health, world_.policy,
                    world_.clock.wallNow(), others_,    {},           nullptr,       &load_};
    std::vector<RuleVerdict> out;
    for (RuleVerdict& each :
         watched ? checkWatchedRules(change_, view) : checkRules(change_, view)) {
      if (each.rule == "S2") out.push_back(std::move(each));
    }
    return out;
  }
  RuleVerdict verdict() {
    const auto all = judged();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? RuleVerdict{} : all.front();
  }

  test::ChangeWorld world_;
  test::ScriptedLoad load_;
  Change change_;
  std::vector<const Change*> others_;
};

TEST_F(LoadRuleTest, HoldsWhereNobodyEverReportsLoad) {
  EXPECT_TRUE(verdict().holds);
  EXPECT_THAT(verdict().text, HasSubstr("unknown"));
}

TEST_F(LoadRuleTest, CountsWhatTheWaveBrings) {
  sayLoad();
  EXPECT_TRUE(verdict().holds);
  EXPECT_THAT(verdict().text, HasSubstr("60.0 % full now, 70.0 % with 1 to come; bound 80.0 %"));
  change_ = moving({"p0", "p3"});
  EXPECT_TRUE(verdict().holds) << "exactly the bound is within it";
  change_ = moving({"p0", "p3", "p6"});
  EXPECT_FALSE(verdict().holds);
  EXPECT_FALSE(verdict().hard);
  change_.overrides = {{"S2", "it can take it"}};
  EXPECT_FALSE(stops(verdict()));
}

TEST_F(LoadRuleTest, CountsWhatOtherChangesAreBringing) {
  sayLoad();
  change_ = moving({"p0"});
  Change other = moving({"p3", "p6"});
  other.number = 2;
  others_ = {&other};
  EXPECT_FALSE(verdict().holds) << "90 %";
  other.state = ChangeState::kScheduled;
  EXPECT_TRUE(verdict().holds) << "it holds nothing yet";
  other.state = ChangeState::kAborting;
  EXPECT_TRUE(verdict().holds) << "it will not come";
  for (ChangeItem& item : other.items()) item.moved = true;
  other.state = ChangeState::kDraining;
  EXPECT_FALSE(verdict().holds) << "moved, but its clients are still to come";
  other.state = ChangeState::kSoaking;
  EXPECT_TRUE(verdict().holds) << "its load is part of the target's";
  for (ChangeItem& item : other.items()) item.to = "c";
  other.state = ChangeState::kPrecheck;
  EXPECT_TRUE(verdict().holds) << "to somewhere else";
}

TEST_F(LoadRuleTest, UnknownDoesNotSatisfyItOnceLoadIsReported) {
  load_.ezone(0, 50, 100);
  EXPECT_FALSE(verdict().holds);
  EXPECT_THAT(verdict().text, HasSubstr("load of eZone b is unknown"));
  load_.ezone(1, 10, 100);
  EXPECT_FALSE(verdict().holds) << "what p0 brings is not known";
  load_.said.ezones[1].capacity.reset();
  EXPECT_THAT(verdict().text, HasSubstr("capacity of eZone b is unknown"));
}

TEST_F(LoadRuleTest, AnEmergencyTakesUnknownAndMoreLoad) {
  change_.mode = ChangeMode::kEmergency;
  load_.ezone(0, 50, 100);
  EXPECT_TRUE(verdict().holds);
  EXPECT_THAT(verdict().text, HasSubstr("unknown"));
  load_.ezone(1, 60, 100);
  EXPECT_TRUE(verdict().holds) << "the source is silent";
  load_.ezone(1, 96, 100);
  EXPECT_FALSE(verdict().holds) << "fuller than 95 % without anything more";
  load_.ezone(1, 80, 100);
  load_.partition(0, 15);
  EXPECT_TRUE(verdict().holds);
  load_.partition(0, 16);
  EXPECT_FALSE(verdict().holds);
}

TEST_F(LoadRuleTest, IsWatchedInAGradualChange) {
  sayLoad();
  EXPECT_TRUE(judged(true).empty()) << "planned";
  change_.mode = ChangeMode::kGradual;
  change_.items().front().moved = true;
  load_.ezone(1, 80, 100);
  ASSERT_EQ(judged(true).size(), 1U);
  EXPECT_TRUE(judged(true).front().holds) << "it has moved: the target's load is all of it";
  load_.ezone(1, 80.1, 100);
  EXPECT_FALSE(judged(true).front().holds);
}

TEST_F(LoadRuleTest, AGradualChangeWaitsWhileItsTargetIsFull) {
  world_.load = &load_;
  ASSERT_TRUE(world_.open());
  sayLoad();
  ChangeRequest request;
  request.mode = ChangeMode::kGradual;
  request.targets = {{"p0", "b"}, {"p3", "b"}};  // two waves
  request.reason = "test";
  request.actor = "ann";
  ASSERT_TRUE(world_.engine->start(request)->accepted);
  const Change& change = *world_.engine->find(1);
  for (int i = 0; i < 5'000 && change.state != ChangeState::kSoaking; ++i) {
    if (world_.hooks.asked.empty()) {
      world_.advance(std::chrono::milliseconds(100));
    } else {
      world_.hooks.answer();
    }
  }
  ASSERT_EQ(change.state, ChangeState::kSoaking);
  load_.ezone(1, 81, 100);
  world_.advance(std::chrono::milliseconds(100));
  EXPECT_TRUE(change.paused);
  EXPECT_THAT(change.note, HasSubstr("S2: eZone b: 81.0 % full now"));
}

}  // namespace
}  // namespace meridian::partition
