#include "partition/read_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/placement_world.h"

namespace meridian::partition {
namespace {

constexpr ZoneIx kReads{1};
constexpr EZoneIx kA{0};
constexpr EZoneIx kB{1};
constexpr EZoneIx kC{2};

// A global zone on three sites; its primary is b.
class ReadChoiceTest : public testing::Test {
 protected:
  ReadChoiceTest() {
    zone().ezones = {kB, kA, kC};
    zone().read_max_lag_ms = 5'000;
    health_ = allUp(world_.topology);
    health_.reads = nothingFresh(world_.topology);
  }
  Zone& zone() { return world_.topology.zones[kReads.index()]; }
  ReadCopies& copies() { return health_.reads[kReads.index()]; }
  void fresh(bool a, bool c) { copies().fresh = {0, a, c}; }
  std::string chosen(const std::vector<EZoneIx>& order, EZoneIx primary = kB) const {
    return world_.topology.ezones[choice(primary).choose(order).index()].id;
  }
  std::string story(const std::vector<EZoneIx>& order) const {
    std::string out;
    for (const Verdict& each : choice(kB).verdicts(order)) {
      out += world_.topology.ezones[each.ezone.index()].id + ":" +
             std::string(rejectedForName(each.why)) + " ";
    }
    return out;
  }
  ReadChoice choice(EZoneIx primary) const {
    return ReadChoice(world_.topology, kReads, health_, primary);
  }

  test::PlacementWorld world_;  // sites dal, iad, fra
  SiteHealth health_;
};

TEST_F(ReadChoiceTest, TheNearestFreshCopyElseThePrimary) {
  fresh(true, true);
  EXPECT_EQ(story({kA, kB, kC}), "dal:chosen iad:farther fra:farther ");
  fresh(false, true);
  EXPECT_EQ(story({kA, kB, kC}), "dal:stale iad:chosen fra:farther ");
  EXPECT_EQ(chosen({kA, kC, kB}), "fra");
  fresh(false, false);
  EXPECT_EQ(story({kA, kC, kB}), "dal:stale fra:stale iad:chosen ");
  EXPECT_EQ(chosen({kA, kB, kC}, kA), "dal") << "after a switch the new primary is fresh";
  fresh(true, true);
  EXPECT_EQ(chosen({kB, kC, kA}, kA), "fra") << "and the old one is not, until it is looked at";
}

TEST_F(ReadChoiceTest, WithoutABoundLagIsNoMatter) {
  zone().read_max_lag_ms.reset();
  health_.reads = nothingFresh(world_.topology);
  EXPECT_EQ(chosen({kA, kB, kC}), "dal");
  health_.reads.clear();
  EXPECT_EQ(chosen({kC, kB, kA}), "fra");
}

TEST_F(ReadChoiceTest, LeastStaleSparesThePrimary) {
  zone().read_fallback = ReadFallback::kLeastStale;
  copies().least_stale = kC;
  EXPECT_EQ(story({kA, kB, kC}), "dal:stale iad:spared fra:chosen ");
  EXPECT_EQ(chosen({kB, kA, kC}), "iad") << "who is nearest to it stays there";
  fresh(true, false);
  EXPECT_EQ(chosen({kC, kB, kA}), "iad") << "one copy is fresh: the fallback is none";
  health_.datacenters[kA.index()] = Health::kDown;
  EXPECT_EQ(story({kA, kC, kB}), "dal:down fra:chosen iad:spared ");
  copies().least_stale.reset();
  EXPECT_EQ(chosen({kA, kC, kB}), "iad") << "nobody knows which is the least stale";
}

TEST_F(ReadChoiceTest, WithoutAPrimaryTheLeastStaleAnswers) {
  health_.datacenters[kB.index()] = Health::kDown;
  EXPECT_EQ(story({kA, kB, kC}), "dal:chosen iad:down fra:stale ") << "the nearest, however stale";
  copies().least_stale = kC;
  EXPECT_EQ(chosen({kA, kB, kC}), "fra");
  health_.datacenters[kC.index()] = Health::kDown;
  EXPECT_EQ(chosen({kA, kB, kC}), "dal");
  health_.datacenters[kA.index()] = Health::kDown;
  EXPECT_EQ(chosen({kA, kB, kC}), "iad") << "nobody is up: the primary";
}

TEST_F(ReadChoiceTest, NeverNobodyAndNeverStaleWhileSomethingFreshIsUp) {
  constexpr unsigned kSeed = 90471;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    for (Health& health : health_.datacenters) health = static_cast<Health>(random() % 4);
    for (Datacenter& site : world_.topology.datacenters) {
      site.admin_state = random() % 3 == 0 ? AdminState::kDraining : AdminState::kInService;
    }
    zone().read_fallback = random() % 2 == 0 ? ReadFallback::kPrimary : ReadFallback::kLeastStale;
    copies().fresh = {random() % 2 == 0, random() % 2 == 0, random() % 2 == 0};
    copies().least_stale.reset();
    if (random() % 2 == 0) copies().least_stale = EZoneIx(static_cast<std::uint16_t>(random() % 3));
    std::vector<EZoneIx> order = {kA, kB, kC};
    std::shuffle(order.begin(), order.end(), random);
    const EZoneIx primary(static_cast<std::uint16_t>(random() % 3));
    const auto usable = [&](EZoneIx ezone) {
      return obstacleOf(world_.topology, health_, ezone) == RejectedFor::kChosen;
    };
    const auto fresh = [&](EZoneIx ezone) {
      const auto at = std::find(zone().ezones.begin(), zone().ezones.end(), ezone);
      return copies().fresh[static_cast<std::size_t>(at - zone().ezones.begin())] != 0;
    };
    const EZoneIx chosen = choice(primary).choose(order);
    const bool any_usable = std::any_of(order.begin(), order.end(), usable);
    ASSERT_EQ(usable(chosen), any_usable) << "round " << round;
    if (!any_usable) {
      ASSERT_EQ(chosen, primary);
    }
    const bool fresh_copy = std::any_of(order.begin(), order.end(), [&](EZoneIx each) {
      return each != primary && usable(each) && fresh(each);
    });
    const bool spares = zone().read_fallback == ReadFallback::kLeastStale && !fresh_copy;
    if (any_usable && (fresh_copy || usable(primary)) && !spares) {
      ASSERT_TRUE(chosen == primary || fresh(chosen)) << "round " << round;
    }
    int marked = 0;
    for (const Verdict& each : choice(primary).verdicts(order)) {
      marked += each.why == RejectedFor::kChosen ? 1 : 0;
      ASSERT_EQ(each.why == RejectedFor::kChosen, each.ezone == chosen) << "round " << round;
    }
    ASSERT_EQ(marked, 1);
  }
}

}  // namespace
}  // namespace meridian::partition
