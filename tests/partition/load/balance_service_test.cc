// BalanceService: advice, and rounds that become changes.
#include "partition/load/balance_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/change_world.h"
#include "tests/support/load_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Of ChangeWorld: zone z, partitions p0 to p11 of weight 1, at home at a, b, c in turn, sites some
// 160 km apart. a is 60 % full, b and c 20 %; each partition of a carries 6.
class BalanceServiceTest : public testing::Test {
 protected:
  BalanceServiceTest() {
    EXPECT_TRUE(world_.open());
    sayLoad(60);
    for (std::size_t i = 0; i < 12; ++i) load_.partition(i, i % 3 == 0 ? 6 : 5);
  }
  void sayLoad(double of_a) {
    load_.ezone(0, of_a, 100);
    load_.ezone(1, 20, 100);
    load_.ezone(2, 20, 100);
  }
  BalanceService& service(BalanceMode mode) {
    service_ = std::make_unique<BalanceService>(
        book_, mode, BalancePolicy{},
        BalanceSeams{world_.clock, *world_.map, *world_.engine, world_.links, load_,
                     [this] { return world_.health; }});
    return *service_;
  }
  // Looks now, and again when the gap has lasted.
  const ZoneBalance& lookTwice() {
    service_->tick();
    world_.advance(600s);
    service_->tick();
    return service_->zones().at("z");
  }
  std::size_t openChanges() const { return world_.engine->list(true).size(); }

  test::ChangeWorld world_;
  test::ScriptedLoad load_;
  LoadBook book_;
  std::unique_ptr<BalanceService> service_;
};

TEST_F(BalanceServiceTest, AdviseStartsNothing) {
  service(BalanceMode::kAdvise);
  const ZoneBalance& advice = lookTwice();
  EXPECT_EQ(advice.round.verdict, BalanceVerdict::kMoves);
  EXPECT_EQ(advice.round.moves.front().from, "a");
  EXPECT_EQ(openChanges(), 0U);
  EXPECT_TRUE(service_->rounds().empty());
}

TEST_F(BalanceServiceTest, OffSaysNothing) {
  service(BalanceMode::kOff).tick();
  EXPECT_TRUE(service_->zones().empty());
}

TEST_F(BalanceServiceTest, AutoStartsOneGradualChangeAtATime) {
  service(BalanceMode::kAuto);
  EXPECT_EQ(lookTwice().refused, "");
  ASSERT_EQ(openChanges(), 1U);
  const Change change = *service_->rounds().at(0);
  EXPECT_EQ(change.actor, "balancer");
  EXPECT_EQ(change.mode, ChangeMode::kGradual);
  EXPECT_EQ(change.items().front().from, "a");
  EXPECT_THAT(change.reason, HasSubstr("sites from 20.0 to 60.0 % full"));
  service_->tick();
  EXPECT_EQ(service_->zones().at("z").round.verdict, BalanceVerdict::kChangeOpen);
  EXPECT_EQ(openChanges(), 1U);
}

TEST_F(BalanceServiceTest, TwoRoundsAnHourAlsoOverARestart) {
  service(BalanceMode::kAuto);
  lookTwice();
  for (int i = 0; i < 2; ++i) {
    const auto open = world_.engine->list(true);
    ASSERT_EQ(open.size(), 1U) << "round " << i;
    ASSERT_TRUE(world_.engine->order(open.front()->number, ChangeOrder::kAbort, "ann"));
    if (i == 0) service_->tick();
  }
  ASSERT_TRUE(world_.open());
  service(BalanceMode::kAuto);
  EXPECT_EQ(lookTwice().round.verdict, BalanceVerdict::kRoundsUsed);
  EXPECT_EQ(service_->rounds().size(), 2U);
  world_.advance(1h);
  service_->tick();
  EXPECT_EQ(openChanges(), 1U);
}

TEST_F(BalanceServiceTest, NeverWhileAChangeOfTheZoneIsOpen) {
  ChangeRequest request;
  request.targets = {{"p1", "c"}};
  request.reason = "by hand";
  request.actor = "ann";
  request.overrides = {{"S2", "test"}};
  service(BalanceMode::kAuto).tick();
  ASSERT_TRUE(world_.engine->start(request)->accepted);
  world_.clock.advance(600s);
  service_->tick();
  EXPECT_EQ(service_->zones().at("z").round.verdict, BalanceVerdict::kChangeOpen);
  EXPECT_TRUE(service_->rounds().empty());
}

TEST_F(BalanceServiceTest, WhatTheRulesRefuseIsShownAndAskedAgain) {
  world_.policy.freeze_windows = {"00:00-23:59"};
  ASSERT_TRUE(world_.open());
  service(BalanceMode::kAuto);
  EXPECT_THAT(lookTwice().refused, HasSubstr("S5: inside the freeze window"));
  EXPECT_EQ(openChanges(), 0U);
  sayLoad(25);
  service_->tick();
  EXPECT_EQ(service_->zones().at("z").refused, "");
}

TEST(BalanceMode, HasNames) {
  for (const BalanceMode mode : {BalanceMode::kOff, BalanceMode::kAdvise, BalanceMode::kAuto}) {
    EXPECT_EQ(balanceModeOf(balanceModeName(mode)), mode);
  }
  EXPECT_FALSE(balanceModeOf("always"));
}

}  // namespace
}  // namespace meridian::partition
