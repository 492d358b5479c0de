// Taking sites out, bringing them back, and giving them up, on a real engine and map.
#include "partition/site/site_patrol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SitePatrolTest : public testing::Test {
 protected:
  SitePatrolTest() {
    EXPECT_TRUE(world_.open());
    makeMover();
  }
  void makeMover() {
    const auto health = [this] { return world_.health; };
    mover_ = std::make_unique<SiteMover>(*world_.map, *world_.engine, world_.links, health);
    patrol_ = std::make_unique<SitePatrol>(
        policy_, PatrolSeams{world_.clock, *world_.map, world_.links, *mover_, health, {}});
  }
  SiteRequest request(const std::string& datacenter) const {
    SiteRequest out;
    out.datacenter = datacenter;
    out.reason = "test";
    out.actor = "ann";
    return out;
  }
  void setHealth(const std::string& datacenter, Health health) {
    SiteHealth sites = *world_.health;
    sites.datacenters[world_.map->current().topology->findDatacenter(datacenter)->index()] = health;
    world_.health = std::make_shared<const SiteHealth>(std::move(sites));
  }
  void breakLinksFrom(const std::string& datacenter) {
    LinkView silent = test::ScriptedLinks::good();
    silent.freshness = Freshness::kUnknown;
    silent.effective_lag_ms.reset();
    for (const char* peer : {"a", "b", "c"}) world_.links.links[{datacenter, peer}] = silent;
  }
  // Lets time pass, answering every hook with yes.
  void runFor(std::chrono::seconds time) {
    for (std::chrono::milliseconds passed{}; passed < time; passed += 1s) {
      world_.advance(1s);
      patrol_->tick();
      while (!world_.hooks.asked.empty()) world_.hooks.answer();
    }
  }
  std::size_t ownedBy(const std::string& ezone) const {
    std::size_t count = 0;
    for (int i = 0; i < 12; ++i) count += world_.owner("p" + std::to_string(i)) == ezone ? 1U : 0U;
    return count;
  }
  AdminState adminState(const std::string& datacenter) const {
    const Topology& topology = *world_.map->current().topology;
    return topology.datacenters[topology.findDatacenter(datacenter)->index()].admin_state;
  }

  test::ChangeWorld world_;
  PatrolPolicy policy_;
  std::unique_ptr<SiteMover> mover_;
  std::unique_ptr<SitePatrol> patrol_;
};

TEST_F(SitePatrolTest, ADrainTakesTheSiteOutAndMovesItsPartitionsInWaves) {
  const auto result = mover_->drain(request("a"));
  ASSERT_TRUE(result) << result.error().error.message;
  ASSERT_THAT(result->changes, SizeIs(1));
  EXPECT_TRUE(result->changes[0].accepted);
  EXPECT_EQ(result->changes[0].change.kind, ChangeKind::kDrain);
  EXPECT_THAT(result->changes[0].change.waves, SizeIs(4)) << "a twelfth of the zone at a time";
  EXPECT_EQ(adminState("a"), AdminState::kDraining);
  ASSERT_THAT(result->left, SizeIs(1)) << "the primary of the global zone";
  EXPECT_EQ(result->left[0].subject, "g");
  EXPECT_EQ(ownedBy("a"), 4U);
  runFor(20min);
  EXPECT_EQ(ownedBy("a"), 0U);
  EXPECT_EQ(ownedBy("b"), 6U) << "spread over those who have room";
  EXPECT_EQ(ownedBy("c"), 6U);
  EXPECT_EQ(world_.owner("g"), "a");
}

TEST_F(SitePatrolTest, ADrainThatARuleStopsChangesNothing) {
  world_.links.all.worst_lag_60s_ms = 5000;
  const auto result = mover_->drain(request("a"));
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->changes[0].accepted);
  EXPECT_EQ(adminState("a"), AdminState::kInService);
  EXPECT_THAT(world_.engine->list(true), IsEmpty());
}

TEST_F(SitePatrolTest, ADryRunChangesNothing) {
  SiteRequest dry = request("a");
  dry.dry_run = true;
  const auto result = mover_->drain(dry);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->changes[0].accepted);
  EXPECT_EQ(adminState("a"), AdminState::kInService);
  EXPECT_THAT(world_.engine->list(false), IsEmpty());
}

TEST_F(SitePatrolTest, AnUndrainBringsHomeWhatLivesThere) {
  ASSERT_TRUE(mover_->drain(request("a")));
  runFor(20min);
  world_.clock.advance(1h);  // the cooldown of what has moved
  const auto back = mover_->undrain(request("a"));
  ASSERT_TRUE(back) << back.error().error.message;
  EXPECT_EQ(adminState("a"), AdminState::kInService);
  ASSERT_THAT(back->changes, SizeIs(1));
  EXPECT_TRUE(back->changes[0].accepted);
  EXPECT_EQ(back->changes[0].change.kind, ChangeKind::kReturn);
  runFor(20min);
  EXPECT_EQ(ownedBy("a"), 4U);
}

// It used to be judged as the site is, out of service, so that S1 stood against every return.
TEST_F(SitePatrolTest, RegressionTheDryRunOfAnUndrainJudgesTheSiteAsItWillBe) {
  ASSERT_TRUE(mover_->drain(request("a")));
  runFor(20min);
  world_.clock.advance(1h);
  SiteRequest dry = request("a");
  dry.dry_run = true;
  const auto result = mover_->undrain(dry);
  ASSERT_TRUE(result) << result.error().error.message;
  ASSERT_THAT(result->changes, SizeIs(1));
  for (const RuleVerdict& verdict : result->changes[0].verdicts) {
    EXPECT_FALSE(stops(verdict)) << verdict.rule << ": " << verdict.text;
  }
  EXPECT_TRUE(result->changes[0].accepted);
  EXPECT_EQ(adminState("a"), AdminState::kDraining);
  EXPECT_EQ(ownedBy("a"), 0U);
}

TEST_F(SitePatrolTest, TheLastSiteInServiceIsNotDrained) {
  for (const char* site : {"a", "b"}) {
    ASSERT_TRUE(mover_->drain(request(site)));
    ASSERT_EQ(adminState(site), AdminState::kDraining);
    runFor(40min);
    world_.clock.advance(1h);  // the cooldown of what has moved
  }
  const auto refused = mover_->drain(request("c"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().rule, "min-in-service");
  EXPECT_EQ(mover_->drain(request("nowhere")).error().rule, "unknown-datacenter");
}

TEST_F(SitePatrolTest, TwoSignalsForAMinuteEvacuate) {
  setHealth("a", Health::kDown);
  runFor(10min);
  EXPECT_EQ(ownedBy("a"), 4U) << "probes alone";
  breakLinksFrom("a");
  runFor(60s);
  EXPECT_EQ(ownedBy("a"), 4U) << "the hold-down";
  runFor(5s);
  EXPECT_EQ(ownedBy("a"), 0U);
  EXPECT_EQ(ownedBy("b"), 6U);
  EXPECT_EQ(world_.owner("g"), "a") << "a primary is never moved by itself";
  const Change& change = *world_.engine->list(false).front();
  EXPECT_EQ(change.kind, ChangeKind::kEvacuation);
  EXPECT_EQ(change.data_policy, DataPolicy::kBounded);
  EXPECT_EQ(change.items().front().lost_ms, std::nullopt) << "unknown, and says so";
  EXPECT_THAT(patrol_->lastAct("a"), HasSubstr("probes, links say so"));
  EXPECT_THAT(patrol_->lastAct("a"), HasSubstr("g stays"));
}

TEST_F(SitePatrolTest, ASilentFeedAloneEvacuatesNothing) {
  for (const char* site : {"a", "b", "c"}) breakLinksFrom(site);
  runFor(30min);
  EXPECT_THAT(world_.engine->list(false), IsEmpty());
}

TEST_F(SitePatrolTest, AdviceMovesNothing) {
  policy_.evacuate = PatrolMode::kAdvise;
  makeMover();
  setHealth("a", Health::kDown);
  breakLinksFrom("a");
  runFor(5min);
  EXPECT_THAT(world_.engine->list(false), IsEmpty());
  EXPECT_THAT(patrol_->lastAct("a"), HasSubstr("would evacuate"));
}

TEST_F(SitePatrolTest, AnOpenChangeOfALostSiteIsAbortedFirst) {
  ChangeRequest shift;
  shift.targets = {{"p0", "b"}};
  shift.reason = "test";
  shift.actor = "ann";
  const auto plan = world_.engine->start(shift);
  ASSERT_TRUE(plan && plan->accepted);
  while (!world_.hooks.asked.empty()) world_.hooks.answer();
  ASSERT_EQ(world_.engine->find(plan->change.number)->state, ChangeState::kPrepared);
  const auto result = mover_->evacuate(request("a"));
  ASSERT_TRUE(result);
  EXPECT_EQ(world_.engine->find(plan->change.number)->state, ChangeState::kAborted);
  runFor(5s);
  EXPECT_EQ(ownedBy("a"), 0U);
}

TEST_F(SitePatrolTest, ItBringsHomeOnlyWhatItEvacuatedAndOnlyAfterTheHoldDown) {
  policy_.bring_home = PatrolMode::kAuto;
  policy_.watch.return_hold_down = 30min;
  makeMover();
  setHealth("a", Health::kDown);
  breakLinksFrom("a");
  runFor(10min);
  ASSERT_EQ(ownedBy("a"), 0U);
  // Somebody moves one of them on by hand: that is where they want it.
  world_.clock.advance(1h);
  ChangeRequest shift;
  const std::string from = world_.owner("p0");
  shift.targets = {{"p0", from == "b" ? "c" : "b"}};
  shift.reason = "test";
  shift.actor = "ann";
  const auto moved = world_.engine->start(shift);
  ASSERT_TRUE(moved && moved->accepted);
  runFor(10min);
  setHealth("a", Health::kUp);
  world_.links.links.clear();
  runFor(29min);
  EXPECT_EQ(ownedBy("a"), 0U) << "the hold-down";
  runFor(40min);
  EXPECT_EQ(ownedBy("a"), 3U);
  EXPECT_NE(world_.owner("p0"), "a");
}

TEST_F(SitePatrolTest, PlansSayWhatCannotGo) {
  setHealth("b", Health::kDown);
  setHealth("c", Health::kDown);
  const auto& map = world_.map->current();
  const EvacuationPlan plan =
      planEvacuation(*map.topology, *map.table, *world_.health, world_.links, "a");
  EXPECT_THAT(plan.zones, IsEmpty());
  ASSERT_THAT(plan.left, SizeIs(5));
  EXPECT_THAT(plan.left[0].why, HasSubstr("b is DOWN; c is DOWN"));
}

TEST_F(SitePatrolTest, ALostSitesPartitionsPreferACopyThatWasCaughtUp) {
  LinkView stale = test::ScriptedLinks::good();
  stale.freshness = Freshness::kUnknown;
  stale.effective_lag_ms.reset();
  world_.links.links[{"a", "b"}] = stale;
  const auto& map = world_.map->current();
  const EvacuationPlan plan =
      planEvacuation(*map.topology, *map.table, *world_.health, world_.links, "a");
  ASSERT_THAT(plan.zones, SizeIs(1));
  EXPECT_TRUE(std::all_of(plan.zones[0].targets.begin(), plan.zones[0].targets.end(),
                          [](const ChangeTarget& target) { return target.to == "c"; }));
}

}  // namespace
}  // namespace meridian::partition
