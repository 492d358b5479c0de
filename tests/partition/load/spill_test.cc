// Spill by load: when an eZone sends clients away, how many, and that a loop of reports, spill and
// clients comes to rest.
#include "partition/load/spill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "tests/support/load_world.h"

namespace meridian::partition {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SpillTest : public testing::Test {
 protected:
  SpillTest() { sites(3); }

  void sites(std::size_t count) {
    topology_ = {};
    Zone web;
    web.id = "web";
    web.kind = ZoneKind::kStateless;
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::uint16_t>(i);
      Datacenter site;
      site.id = "s" + std::to_string(i);
      topology_.datacenters.push_back(site);
      topology_.ezones.push_back({site.id, DcIx(at), static_cast<std::uint8_t>(i)});
      web.ezones.emplace_back(at);
    }
    topology_.zones = {web};
    health_ = allUp(topology_);
    load_.said = {};
  }
  StatelessRules& rules() { return topology_.zones[0].stateless; }
  SiteLoad next() const {
    return nextSpill({topology_, health_, load_.picture(topology_, {}), served_}, policy_);
  }
  // The periods it takes until nothing changes, at most 1000.
  int rest() {
    for (int i = 0; i < 1000; ++i) {
      const SiteLoad now = next();
      if (now == served_) return i;
      served_ = now;
    }
    return 1000;
  }

  Topology topology_;
  SiteHealth health_;
  test::ScriptedLoad load_;
  SiteLoad served_;
  SpillPolicy policy_;
};

TEST_F(SpillTest, NobodySpillsUntilSomebodyIsTooFull) {
  EXPECT_THAT(next().spill, IsEmpty()) << "nothing is known";
  load_.ezone(0, 85, 100);
  load_.ezone(1, 20, 100);
  EXPECT_THAT(next().spill, IsEmpty());
  load_.ezone(0, 86, 100);
  EXPECT_GT(next().spill[0], 0);
}

TEST_F(SpillTest, OneStepGoesAPartOfTheWayAndNoFartherThanAllowed) {
  load_.ezone(0, 100, 100);
  load_.ezone(1, 20, 100);
  // 20 % would bring it to 80 %; a third of that, but not more than 5 points at once.
  EXPECT_THAT(next().spill, ElementsAre(500, 0, 0));
  policy_.max_step = 0.5;
  EXPECT_THAT(next().spill, ElementsAre(666, 0, 0));
  served_.spill = {9000, 0, 0};
  policy_.max = 0.95;
  EXPECT_EQ(next().spill[0], 9000 + (9200 - 9000) / 2) << "at least a point";
}

TEST_F(SpillTest, BetweenTheBoundsNothingChanges) {
  load_.ezone(1, 20, 100);
  served_.spill = {2000, 0, 0};
  for (const double units : {75.0, 80.0, 85.0}) {
    load_.ezone(0, units, 100);
    EXPECT_EQ(next(), served_) << units;
  }
  load_.ezone(0, 86, 100);
  EXPECT_GT(next().spill[0], 2000);
  load_.ezone(0, 74, 100);
  EXPECT_LT(next().spill[0], 2000);
}

TEST_F(SpillTest, ItComesBackToTheLastClient) {
  load_.ezone(0, 40, 100);
  served_.spill = {5000, 0, 0};
  SiteLoad before = served_;
  EXPECT_LT(rest(), 30);
  EXPECT_THAT(served_.spill, IsEmpty());
  load_.ezone(0, 0, 100);
  served_ = before;
  rest();
  EXPECT_THAT(served_.spill, IsEmpty());
}

TEST_F(SpillTest, UnknownLoadNeitherAttractsNorRepels) {
  load_.ezone(0, 100, 100);
  EXPECT_THAT(next().spill, IsEmpty()) << "nobody is known to have room";
  load_.ezone(1, 79, 100);
  EXPECT_THAT(next().spill, ElementsAre(100, 0, 0)) << "one unit of room, and not s2's";
  // Its reports end: by the same steps back.
  served_.spill = {1500, 0, 0};
  load_.said.ezones[0] = {};
  EXPECT_EQ(next().spill[0], 1000);
  rest();
  EXPECT_THAT(served_.spill, IsEmpty());
}

TEST_F(SpillTest, WhereNobodyHasRoomNobodySpills) {
  for (std::size_t i = 0; i < 3; ++i) load_.ezone(i, 95, 100);
  EXPECT_THAT(next().spill, IsEmpty());
  load_.ezone(2, 20, 100);
  policy_.max_step = 0.9;
  const SiteLoad shared = next();
  EXPECT_EQ(shared.spill[0], shared.spill[1]);
  EXPECT_GT(shared.spill[0], 0);
  served_.spill = {0, 0, 500};
  EXPECT_THAT(next().spill, ElementsAre(0, 0, 334)) << "one that spills has no room";
}

TEST_F(SpillTest, OnlyThoseWhoMayAnswerHaveRoom) {
  load_.ezone(0, 100, 100);
  load_.ezone(1, 20, 100);
  health_.datacenters[1] = Health::kDown;
  EXPECT_THAT(next().spill, IsEmpty());
  health_.datacenters[1] = Health::kUp;
  topology_.datacenters[1].admin_state = AdminState::kDraining;
  EXPECT_THAT(next().spill, IsEmpty());
  topology_.datacenters[1].admin_state = AdminState::kInService;
  rules().weights = {5000, 0, 5000};
  EXPECT_THAT(next().spill, IsEmpty()) << "a standby takes nobody";
  rules().weights = {5000, 1, 5000};
  EXPECT_GT(next().spill[0], 0);
  topology_.zones[0].kind = ZoneKind::kSharding;
  EXPECT_THAT(next().spill, IsEmpty()) << "data stays where it is";
}

TEST_F(SpillTest, SwitchedOffItFadesOut) {
  load_.ezone(0, 100, 100);
  load_.ezone(1, 20, 100);
  policy_.enabled = false;
  EXPECT_THAT(next().spill, IsEmpty());
  served_.spill = {3000, 0, 0};
  EXPECT_EQ(next().spill[0], 2500);
}

TEST_F(SpillTest, NeverMoreThanTheMost) {
  load_.ezone(0, 1000, 100);
  load_.ezone(1, 0, 10'000);
  rest();
  EXPECT_THAT(served_.spill, ElementsAre(8000, 0, 0));
}

TEST_F(SpillTest, TheServiceServesChangesOnly) {
  std::vector<SiteLoad> told;
  const auto topology = std::make_shared<const Topology>(topology_);
  const auto table = std::make_shared<const AssignmentTable>();
  const auto health = std::make_shared<const SiteHealth>(health_);
  SpillService service(
      policy_, load_,
      [&] {
        return SpillService::Served{topology, table, health, served_};
      },
      [&](const SiteLoad& load) {
        told.push_back(load);
        served_ = load;
      });
  service.tick();
  EXPECT_THAT(told, IsEmpty());
  load_.ezone(0, 100, 100);
  load_.ezone(1, 20, 100);
  service.tick();
  load_.ezone(0, 84, 100);
  service.tick();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0].spill, ElementsAre(500, 0, 0));
}

// Sites whose load follows what is spilled, 30 s later (TTL), seen through the smoothing of load
// reports (60 s): the loop must end with nobody too full, and then stand still.
TEST_F(SpillTest, TheLoopComesToRest) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    const std::size_t count = 2 + random() % 5;
    sites(count);
    served_ = {};
    std::vector<double> own(count);
    std::vector<double> seen(count, 0);
    double all = 0;
    for (double& each : own) all += each = static_cast<double>(1 + random() % 100);
    // 60 % of all capacity is used, however unevenly.
    for (double& each : own) each *= 60.0 * static_cast<double>(count) / all;
    std::deque<SiteLoad> late(3);  // 10 s each
    SiteLoad settled;
    for (int step = 0; step < 6 * 60 * 3; ++step) {
      const SiteLoad effect = late.front();
      late.pop_front();
      late.push_back(served_);
      for (std::size_t i = 0; i < count; ++i) {
        const auto spill = [&](std::size_t of) {
          return effect.spill.empty() ? 0.0 : effect.spill[of] / 10000.0;
        };
        double units = own[i] * (1 - spill(i));
        for (std::size_t j = 0; j < count; ++j) {
          if (j != i) units += own[j] * spill(j) / static_cast<double>(count - 1);
        }
        seen[i] += (step == 0 ? 1 : 1 - std::exp(-10.0 / 60)) * (units - seen[i]);
        load_.ezone(i, seen[i], 100);
      }
      if (step % 3 == 0) served_ = next();
      if (step == 6 * 60 * 2) settled = served_;
      if (step > 6 * 60 * 2) {
        ASSERT_EQ(served_, settled) << round;
        for (std::size_t i = 0; i < count; ++i) ASSERT_LT(seen[i], 87) << round << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace meridian::partition
