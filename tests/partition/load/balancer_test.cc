// The balancer's judgement: when a round begins and ends, what it moves, and what it leaves alone.
#include "partition/load/balancer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/balance_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using test::BalanceWorld;
using testing::ElementsAre;
using testing::HasSubstr;

// Three sites: s0 carries sixteen partitions of 4 (64 %), s1 ten of them (40 %), s2 five (20 %).
class BalancerTest : public testing::Test {
 protected:
  BalancerTest() : world_(3) {
    const std::size_t counts[] = {16, 10, 5};
    for (std::size_t site = 0; site < 3; ++site) {
      for (std::size_t i = 0; i < counts[site]; ++i) {
        world_.add("p" + std::to_string(site) + "-" + std::to_string(i), site, 4);
      }
    }
    world_.measure();
  }
  static std::vector<std::string> ways(const BalanceRound& round) {
    std::vector<std::string> out;
    for (const BalanceMove& move : round.moves) {
      out.push_back(move.partition + " " + move.from + " " + move.to);
    }
    return out;
  }
  std::size_t blocked(BalanceBlocker why) const {
    return world_.round().blocked[static_cast<std::size_t>(why)];
  }

  BalanceWorld world_;
};

TEST_F(BalancerTest, ARoundBeginsWhenTheGapHasLasted) {
  const LoadSpread wide = spreadOf(world_.view(), ZoneIx(0));
  EXPECT_EQ(wide.known, 3U);
  EXPECT_DOUBLE_EQ(wide.gap(), 0.44);
  MonotonicTime now = world_.clock.monotonicNow();
  BalanceState state = observed({}, wide, now, world_.policy);
  EXPECT_FALSE(state.active);
  BalanceRound early = proposeRound(world_.view(), ZoneIx(0), state, now, world_.policy);
  EXPECT_EQ(early.verdict, BalanceVerdict::kWaiting);
  now += 600s - 1ms;
  EXPECT_FALSE(observed(state, wide, now, world_.policy).active);
  const BalanceState broken = observed(state, {3, 0.5, 0.65}, now, world_.policy);
  EXPECT_FALSE(observed(broken, wide, now + 1ms, world_.policy).active) << "it starts anew";
  state = observed(state, wide, now + 1ms, world_.policy);
  EXPECT_TRUE(state.active);
  EXPECT_EQ(proposeRound(world_.view(), ZoneIx(0), state, now, world_.policy).verdict,
            BalanceVerdict::kMoves);
  state = observed(state, {3, 0.5, 0.61}, now, world_.policy);
  EXPECT_TRUE(state.active) << "what has begun goes on until the gap is 10 points";
  EXPECT_FALSE(observed(state, {3, 0.5, 0.6}, now, world_.policy).active);
}

TEST_F(BalancerTest, AFullSiteBeginsARoundToo) {
  const MonotonicTime now = world_.clock.monotonicNow();
  const LoadSpread full{2, 0.60, 0.75};
  EXPECT_TRUE(
      observed(observed({}, full, now, world_.policy), full, now + 600s, world_.policy).active);
  const LoadSpread all_full{2, 0.76, 0.80};
  EXPECT_FALSE(observed({}, all_full, now, world_.policy).since) << "there is nowhere to go";
}

TEST_F(BalancerTest, MovesAtMostTwoPartitionsFromTheFullestSite) {
  const BalanceRound round = world_.round();
  EXPECT_EQ(round.verdict, BalanceVerdict::kMoves);
  // The nearer s1 is the better bargain: as much gain for less distance.
  EXPECT_THAT(ways(round), ElementsAre("p0-0 s0 s1", "p0-1 s0 s1"));
  EXPECT_NEAR(round.moves[0].gain, 0.04, 1e-12);
  EXPECT_GE(round.moves[0].gain, kMinGainPerCost * round.moves[0].cost);
  EXPECT_THAT(round.moves[0].reason, HasSubstr("s0 from 64.0 to 60.0 %"));
  EXPECT_DOUBLE_EQ(round.moves[1].from_before, 0.60) << "the second sees what the first has done";
}

TEST_F(BalancerTest, PrefersToSendPartitionsHome) {
  world_.clock.advance(7h);
  world_.assignment("p2-0").ezone = EZoneIx(0);
  world_.measure();
  EXPECT_EQ(ways(world_.round()).front(), "p2-0 s0 s2");
  EXPECT_TRUE(world_.round().moves.front().home);
}

TEST_F(BalancerTest, WhatMovedRests) {
  for (Assignment& each : world_.table.assignments) each.prev_ezone = EZoneIx(1);
  world_.clock.advance(6h - 1ms);
  EXPECT_EQ(world_.round().verdict, BalanceVerdict::kNoCandidate);
  EXPECT_EQ(blocked(BalanceBlocker::kDwell), 26U) << "of s0 and of s1";
  world_.clock.advance(1ms);
  EXPECT_EQ(world_.round().moves.size(), 2U);
}

TEST_F(BalancerTest, MovesNoMoreOfAZoneThanItsShare) {
  world_.policy.max_partitions = 10;
  EXPECT_EQ(world_.round().moves.size(), 3U) << "12 of 124 units";
  world_.policy.max_share = 0.01;
  EXPECT_EQ(world_.round().verdict, BalanceVerdict::kNoCandidate);
  EXPECT_EQ(blocked(BalanceBlocker::kShare), 26U);
  EXPECT_THAT(world_.round().text, HasSubstr("26 share"));
}

TEST_F(BalancerTest, OnlyWhereReplicationIsProven) {
  LinkView link = test::ScriptedLinks::good();
  const auto nobody = [&](const LinkView& view) {
    world_.links.all = view;
    EXPECT_EQ(world_.round().verdict, BalanceVerdict::kNoCandidate);
    EXPECT_EQ(blocked(BalanceBlocker::kLink), 42U) << "s0 to both others, s1 to s2";
  };
  link.worst_lag_60s_ms = 1'001;
  nobody(link);
  link.worst_lag_60s_ms.reset();
  nobody(link);
  link = test::ScriptedLinks::good();
  link.freshness = Freshness::kStale;
  nobody(link);
  link = test::ScriptedLinks::good();
  link.state = LinkState::kCatchingUp;
  nobody(link);
  link = test::ScriptedLinks::good();
  link.skewed = true;
  nobody(link);
}

TEST_F(BalancerTest, NotFarFromHomeNotByHopsEither) {
  world_.topology.datacenters[2].point = {0, 5.5};
  EXPECT_EQ(ways(world_.round()).front(), "p0-0 s0 s1");
  EXPECT_EQ(blocked(BalanceBlocker::kDistance), 15U) << "s2 is 612 km away";
  // From s1, where it was brought, s2 is 500 km: still too far from its home at s0.
  for (int i = 0; i < 16; ++i) world_.assignment("p0-" + std::to_string(i)).ezone = EZoneIx(1);
  for (int i = 0; i < 10; ++i) world_.assignment("p1-" + std::to_string(i)).ezone = EZoneIx(0);
  world_.measure();
  for (const BalanceMove& move : world_.round().moves) EXPECT_NE(move.to, "s2");
}

TEST_F(BalancerTest, OnlySitesThatAreKnownAndUpAreTargets) {
  world_.health.datacenters[1] = Health::kDegraded;
  EXPECT_EQ(ways(world_.round()).front(), "p0-0 s0 s2");
  world_.topology.datacenters[2].admin_state = AdminState::kDraining;
  EXPECT_EQ(world_.round().verdict, BalanceVerdict::kNoCandidate);
  world_.health = allUp(world_.topology);
  world_.load.ezones[1].units.reset();
  EXPECT_EQ(world_.round().verdict, BalanceVerdict::kLoadUnknown) << "one site is left";
}

TEST_F(BalancerTest, NoTargetBecomesTooFull) {
  world_.load.ezones[0].units = 95;
  world_.load.ezones[1].units = 67;
  world_.load.ezones[2].units = 66;
  EXPECT_THAT(ways(world_.round()), ElementsAre("p0-0 s0 s2")) << "70 % is the most";
}

TEST_F(BalancerTest, NoMoveThatIsNotWorthIt) {
  for (Partition& each : world_.topology.partitions) each.weight_units = 1;
  for (PartitionLoad& each : world_.load.partitions) each.units = 1;
  EXPECT_EQ(world_.round().verdict, BalanceVerdict::kNoCandidate);
  EXPECT_EQ(blocked(BalanceBlocker::kGain), 42U);
}

TEST_F(BalancerTest, OneRoundAtATimeAndTwoAnHour) {
  world_.history.zone_changing = true;
  EXPECT_EQ(world_.round().verdict, BalanceVerdict::kChangeOpen);
  world_.history = {};
  world_.history.rounds_last_hour = 2;
  EXPECT_EQ(world_.round().verdict, BalanceVerdict::kRoundsUsed);
  world_.history = {};
  world_.history.held = {"p0-0"};
  EXPECT_EQ(ways(world_.round()).front(), "p0-1 s0 s1");
}

TEST(BalancePolicy, BoundsMustFitTogether) {
  EXPECT_EQ(balancePolicyProblem({}), "");
  BalancePolicy policy;
  policy.gap_stop = policy.gap_start;
  EXPECT_NE(balancePolicyProblem(policy), "");
  policy = {};
  policy.max_target = policy.high;
  EXPECT_NE(balancePolicyProblem(policy), "");
}

}  // namespace
}  // namespace meridian::partition
