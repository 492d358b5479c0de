#include "partition/decision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/placement_world.h"

namespace meridian::partition {
namespace {

using test::PlacementWorld;

constexpr ZoneIx kOrder{0};
constexpr ZoneIx kAccount{1};
constexpr ZoneIx kWeb{2};
constexpr EZoneIx kDal{0};
constexpr EZoneIx kIad{1};
constexpr EZoneIx kFra{2};
constexpr geo::GeoPoint kTexas{30, -97};

class DecisionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto built = buildPlacements(world_.topology, world_.sources);
    ASSERT_TRUE(built.has_value()) << built.error().text();
    placements_ = *built;
    table_ = world_.homeTable();
    health_ = allUp(world_.topology);
  }

  ZoneDecisions decide(ZoneIx zone) const {
    return decideZone(world_.topology, zone, *placements_[zone.index()], table_, health_);
  }
  EZoneIx choiceIn(ZoneIx zone, geo::GeoPoint from) const {
    return decide(zone).by_locus[placements_[zone.index()]->ofPoint(from).locus.index()];
  }
  std::string explain(ZoneIx zone, geo::GeoPoint from, bool read_write) const {
    const Placement& placement = *placements_[zone.index()];
    std::string text;
    const DecisionStory story = explainDecision(world_.topology, zone, placement, table_, health_,
                                                placement.ofPoint(from).locus, read_write);
    for (const Verdict& verdict : story.verdicts) {
      text += world_.topology.ezones[verdict.ezone.index()].id + ":" +
              std::string(rejectedForName(verdict.why)) + " ";
    }
    return text;
  }

  PlacementWorld world_;
  PlacementSet placements_;
  AssignmentTable table_;
  SiteHealth health_;
};

TEST_F(DecisionTest, ShardingFollowsTheAssignment) {
  table_.assignments[1].ezone = kFra;
  const ZoneDecisions decisions = decide(kOrder);
  EXPECT_EQ(decisions.by_locus, (std::vector{kDal, kFra, kFra, kDal}));
  EXPECT_EQ(decisions.epoch_by_locus, (std::vector<Epoch>{100, 101, 102, 103}));
  world_.topology.partitions[0].allowed = {kDal, kIad};
  EXPECT_EQ(explain(kOrder, {5, 5}, false), "dal:chosen iad:not-owner fra:not-member ");
}

TEST_F(DecisionTest, HealthNeverMovesTheOwnerOfData) {
  const ZoneDecisions before = decide(kOrder);
  std::mt19937_64 random(20277);
  for (int round = 0; round < 100; ++round) {
    for (Health& health : health_.datacenters) health = static_cast<Health>(random() % 4);
    for (Datacenter& site : world_.topology.datacenters) {
      site.admin_state = static_cast<AdminState>(random() % 3);
    }
    const ZoneDecisions after = decide(kOrder);
    EXPECT_EQ(after.by_locus, before.by_locus);
    EXPECT_EQ(after.epoch_by_locus, before.epoch_by_locus);
    EXPECT_EQ(decide(kAccount).primary, kIad);
  }
}

TEST_F(DecisionTest, GlobalReadsAreAnsweredNearby) {
  EXPECT_EQ(decide(kAccount).primary, kIad);
  EXPECT_EQ(choiceIn(kAccount, kTexas), kDal);
  EXPECT_EQ(explain(kAccount, kTexas, false), "dal:chosen iad:farther ");
  EXPECT_EQ(explain(kAccount, kTexas, true), "iad:chosen dal:not-owner ");
  health_.datacenters[0] = Health::kDown;
  EXPECT_EQ(choiceIn(kAccount, kTexas), kIad);
  EXPECT_EQ(explain(kAccount, kTexas, false), "dal:down iad:chosen ");
  health_.datacenters[1] = Health::kDown;
  table_.assignments.back().ezone = kDal;
  EXPECT_EQ(choiceIn(kAccount, {40, -77}), kDal);  // nobody is up: the primary
}

TEST_F(DecisionTest, StatelessGoesToTheNearestUsable) {
  EXPECT_EQ(choiceIn(kWeb, kTexas), kDal);
  EXPECT_EQ(explain(kWeb, kTexas, false), "dal:chosen iad:farther fra:farther ");
  health_.datacenters[0] = Health::kDegraded;
  EXPECT_EQ(choiceIn(kWeb, kTexas), kDal);
  health_.datacenters[0] = Health::kUnknown;
  EXPECT_EQ(choiceIn(kWeb, kTexas), kDal);
  health_.datacenters[0] = Health::kDown;
  world_.topology.datacenters[1].admin_state = AdminState::kDraining;
  EXPECT_EQ(choiceIn(kWeb, kTexas), kFra);
  EXPECT_EQ(explain(kWeb, kTexas, false), "dal:down iad:draining fra:chosen ");
}

TEST_F(DecisionTest, StatelessIsNeverEmpty) {
  for (Health& health : health_.datacenters) health = Health::kDown;
  EXPECT_EQ(choiceIn(kWeb, kTexas), kDal);  // as if all were up
  world_.topology.datacenters[0].admin_state = AdminState::kOutOfService;
  EXPECT_EQ(choiceIn(kWeb, kTexas), kIad);
  world_.topology.datacenters[1].admin_state = AdminState::kOutOfService;
  world_.topology.datacenters[2].admin_state = AdminState::kDraining;
  EXPECT_EQ(choiceIn(kWeb, kTexas), kFra);
  EXPECT_EQ(explain(kWeb, kTexas, false), "dal:out-of-service iad:out-of-service fra:chosen ");
  world_.topology.datacenters[2].admin_state = AdminState::kOutOfService;
  EXPECT_EQ(choiceIn(kWeb, kTexas), kDal);
}

TEST_F(DecisionTest, NoLocusEverLacksAnEZoneOfItsZone) {
  constexpr unsigned kSeed = 20278;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 300; ++round) {
    for (Health& health : health_.datacenters) health = static_cast<Health>(random() % 4);
    for (Datacenter& site : world_.topology.datacenters) {
      site.admin_state = static_cast<AdminState>(random() % 3);
    }
    for (const ZoneIx zone : {kOrder, kAccount, kWeb}) {
      const Placement& placement = *placements_[zone.index()];
      const auto& members = world_.topology.zones[zone.index()].ezones;
      const ZoneDecisions decisions = decide(zone);
      ASSERT_EQ(decisions.by_locus.size(), placement.locusCount());
      for (std::size_t i = 0; i < decisions.by_locus.size(); ++i) {
        ASSERT_NE(std::find(members.begin(), members.end(), decisions.by_locus[i]), members.end());
        const auto verdicts = explainDecision(world_.topology, zone, placement, table_, health_,
                                              Locus(static_cast<std::uint32_t>(i)), false)
                                  .verdicts;
        ASSERT_EQ(verdicts.size(), members.size());
        for (const Verdict& verdict : verdicts) {
          ASSERT_EQ(verdict.why == RejectedFor::kChosen, verdict.ezone == decisions.by_locus[i]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace meridian::partition
