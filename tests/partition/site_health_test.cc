// The machines of health without any I/O: hysteresis, stasis, blindness, aggregation.
#include "partition/health/site_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

CheckConfig check(const std::string& id, const std::string& dc) {
  CheckConfig out;
  out.id = id;
  out.datacenter = dc;
  out.target = *IpEndpoint::parse("192.0.2.1:80");
  return out;
}

ProbeResult up() {
  return {ProbeOutcome::kUp, {}, milliseconds(3)};
}
ProbeResult down(std::string reason = "refused") {
  return {ProbeOutcome::kDown, std::move(reason), milliseconds(4)};
}

Topology threeSites() {
  Topology topology;
  for (const char* id : {"ams", "dub", "fra"}) {
    Datacenter dc;
    dc.id = id;
    topology.ezones.push_back(
        {std::string(id) + "-1", DcIx(static_cast<std::uint16_t>(topology.datacenters.size())), 0});
    topology.datacenters.push_back(dc);
  }
  return topology;
}

class HealthTest : public testing::Test {
 protected:
  OverrideBook noOverrides() const {
    return *OverrideBook::open(std::make_shared<test::MemoryStore>(
        std::make_shared<test::MemoryDisk>(), OverrideBook::families()));
  }
  bool observe(CheckState& state, ProbeResult result) {
    const bool changed = state.observe(std::move(result), clock_.monotonicNow(), clock_.wallNow());
    clock_.advance(milliseconds(5000));
    return changed;
  }
  // Every check of the board once, a millisecond apart; `good` says which succeed.
  void round(CheckBoard& board, const std::vector<bool>& good) {
    for (std::size_t i = 0; i < good.size(); ++i) {
      board.observe(i, good[i] ? up() : down(), clock_.monotonicNow(), clock_.wallNow());
      clock_.advance(milliseconds(1));
    }
    clock_.advance(milliseconds(4990));
  }
  std::vector<Health> health(const CheckBoard& board) const {
    return healthOf(readSites(topology_, board, noOverrides(), clock_.monotonicNow())).datacenters;
  }

  test::FakeClock clock_;
  Topology topology_ = threeSites();
};

TEST_F(HealthTest, TheFirstResultDecides) {
  CheckState good(check("a", "ams"), clock_.monotonicNow());
  EXPECT_EQ(good.state(), Health::kUnknown);
  EXPECT_TRUE(observe(good, up()));
  EXPECT_EQ(good.state(), Health::kUp);
  CheckState bad(check("a", "ams"), clock_.monotonicNow());
  const WallTime at = clock_.wallNow();
  EXPECT_TRUE(observe(bad, down()));
  EXPECT_EQ(bad.state(), Health::kDown);
  EXPECT_EQ(bad.since(), at);
  EXPECT_EQ(bad.last()->reason, "refused");
}

TEST_F(HealthTest, FallAndRiseCountResultsInARow) {
  CheckState state(check("a", "ams"), clock_.monotonicNow());
  observe(state, up());
  observe(state, down());
  observe(state, down());
  observe(state, up());  // the row is broken
  observe(state, down());
  observe(state, down());
  EXPECT_EQ(state.state(), Health::kUp);
  EXPECT_TRUE(observe(state, down()));
  EXPECT_EQ(state.state(), Health::kDown);
  observe(state, up());
  observe(state, down());
  observe(state, up());
  EXPECT_EQ(state.state(), Health::kDown);
  EXPECT_TRUE(observe(state, up()));
  EXPECT_EQ(state.state(), Health::kUp);
  EXPECT_EQ(state.successes(), 5U);
  EXPECT_EQ(state.failures(), 6U);
}

TEST_F(HealthTest, ASilentCheckKeepsItsStateAndSaysSo) {
  CheckState state(check("a", "ams"), clock_.monotonicNow());
  observe(state, up());
  EXPECT_EQ(state.stasis(clock_.monotonicNow()), Stasis::kNone);
  clock_.advance(milliseconds(10'001));
  EXPECT_EQ(state.stasis(clock_.monotonicNow()), Stasis::kSilent);
  EXPECT_EQ(state.state(), Health::kUp);
  observe(state, down());
  EXPECT_EQ(state.stasis(clock_.monotonicNow()), Stasis::kNone);
}

TEST_F(HealthTest, ASensorThatCannotRunSaysNothingAboutTheSite) {
  CheckState state(check("a", "ams"), clock_.monotonicNow());
  observe(state, up());
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(observe(state, {ProbeOutcome::kNoSensor, "no such file", {}}));
  }
  EXPECT_EQ(state.state(), Health::kUp);
  EXPECT_EQ(state.stasis(clock_.monotonicNow()), Stasis::kNoSensor);
  EXPECT_EQ(state.failures(), 0U);
  observe(state, up());
  EXPECT_EQ(state.stasis(clock_.monotonicNow()), Stasis::kNone);
}

TEST_F(HealthTest, ReasonsAreCutBetweenCharactersAndCannotForgeLines) {
  CheckState state(check("a", "ams"), clock_.monotonicNow());
  std::string text = "a\nb\x1b";
  while (text.size() < 2 * kMaxProbeReason) text += "é";
  observe(state, down(text));
  const std::string& reason = state.last()->reason;
  EXPECT_LE(reason.size(), kMaxProbeReason);
  EXPECT_GE(reason.size(), kMaxProbeReason - 1);
  EXPECT_EQ(reason.substr(0, 6), "a b é");
  EXPECT_EQ(static_cast<unsigned char>(reason.back()), 0xA9U);
}

// Against a direct reading of the rule: a state changes exactly after `rise` or `fall` results in a
// row that speak against it.
TEST_F(HealthTest, TheMachineIsTheRule) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int run = 0; run < 200; ++run) {
    CheckConfig config = check("a", "ams");
    config.rise = 1 + static_cast<unsigned>(random() % 5);
    config.fall = 1 + static_cast<unsigned>(random() % 5);
    CheckState state(config, clock_.monotonicNow());
    std::vector<bool> seen;
    Health expected = Health::kUnknown;
    std::size_t changed_at = 0;
    for (int step = 0; step < 60; ++step) {
      const bool good = random() % 2 == 0;
      seen.push_back(good);
      const unsigned needed = expected == Health::kUp ? config.fall : config.rise;
      const bool against = expected == Health::kUnknown || good != (expected == Health::kUp);
      std::size_t row = 0;
      while (row < seen.size() - changed_at && seen[seen.size() - 1 - row] == good) ++row;
      if (against && (expected == Health::kUnknown || row >= needed)) {
        expected = good ? Health::kUp : Health::kDown;
        changed_at = seen.size();
      }
      observe(state, good ? up() : down());
      ASSERT_EQ(state.state(), expected) << "run " << run << " step " << step;
    }
  }
}

TEST_F(HealthTest, CriticalChecksTakeASiteDownOthersDegradeIt) {
  CheckConfig minor = check("minor", "dub");
  minor.critical = false;
  CheckConfig by_ezone = check("by-ezone", "");
  by_ezone.ezone = "dub-1";
  CheckBoard board({check("a", "ams"), minor, by_ezone, check("b", "elsewhere")},
                   clock_.monotonicNow());
  EXPECT_THAT(health(board), ElementsAre(Health::kUnknown, Health::kUnknown, Health::kUp));
  round(board, {true, false, true, true});
  EXPECT_THAT(health(board), ElementsAre(Health::kUp, Health::kDegraded, Health::kUp));
  for (int i = 0; i < 3; ++i) round(board, {true, false, false, false});
  EXPECT_THAT(health(board), ElementsAre(Health::kUp, Health::kDown, Health::kUp));
}

TEST_F(HealthTest, WhenAllFailAtOnceThisNodeIsBlindAndStatesStay) {
  CheckBoard board({check("a", "ams"), check("b", "dub"), check("c", "fra")},
                   clock_.monotonicNow());
  round(board, {true, true, false});
  EXPECT_THAT(health(board), ElementsAre(Health::kUp, Health::kUp, Health::kDown));
  for (int i = 0; i < 3; ++i) round(board, {true, true, true});
  for (int i = 0; i < 10; ++i) round(board, {false, false, false});
  EXPECT_TRUE(board.blind());
  EXPECT_THAT(health(board), ElementsAre(Health::kUp, Health::kUp, Health::kUp));
  EXPECT_TRUE(readSites(topology_, board, noOverrides(), clock_.monotonicNow())[0].stasis);
  EXPECT_EQ(board.state(0).stasis(clock_.monotonicNow()), Stasis::kNodeBlind);

  // One is back: the others' failures count again, from zero.
  round(board, {true, false, false});
  EXPECT_FALSE(board.blind());
  EXPECT_THAT(health(board), ElementsAre(Health::kUp, Health::kUp, Health::kUp));
  for (int i = 0; i < 2; ++i) round(board, {true, false, false});
  EXPECT_THAT(health(board), ElementsAre(Health::kUp, Health::kDown, Health::kDown));
}

TEST_F(HealthTest, WhatTheFirstFailuresOfABlindNodeDidIsTakenBack) {
  CheckConfig a = check("a", "ams");
  CheckConfig b = check("b", "dub");
  a.fall = b.fall = 1;
  CheckBoard board({a, b}, clock_.monotonicNow());
  round(board, {true, true});
  board.observe(0, down(), clock_.monotonicNow(), clock_.wallNow());
  EXPECT_EQ(health(board)[0], Health::kDown);
  board.observe(1, down(), clock_.monotonicNow(), clock_.wallNow());
  EXPECT_THAT(health(board), ElementsAre(Health::kUp, Health::kUp, Health::kUp));
}

TEST_F(HealthTest, OneSiteIsDownWithAllItsChecks) {
  CheckBoard board({check("a", "ams"), check("b", "ams")}, clock_.monotonicNow());
  round(board, {true, true});
  for (int i = 0; i < 3; ++i) round(board, {false, false});
  EXPECT_FALSE(board.blind());
  EXPECT_EQ(health(board)[0], Health::kDown);
}

TEST_F(HealthTest, SitesThatFailOneAfterTheOtherAreDown) {
  CheckBoard board({check("a", "ams"), check("b", "dub")}, clock_.monotonicNow());
  round(board, {true, true});
  for (int i = 0; i < 4; ++i) round(board, {false, true});
  for (int i = 0; i < 4; ++i) round(board, {false, false});
  EXPECT_FALSE(board.blind());
  EXPECT_THAT(health(board), ElementsAre(Health::kDown, Health::kDown, Health::kUp));
}

TEST_F(HealthTest, PushedChecksSayNothingAboutThisNodesSight) {
  CheckConfig pushed = check("told", "ams");
  pushed.kind = CheckKind::kPushed;
  CheckBoard board({pushed, check("b", "dub")}, clock_.monotonicNow());
  round(board, {true, true});
  for (int i = 0; i < 3; ++i) round(board, {false, false});
  EXPECT_FALSE(board.blind()) << "one check alone proves nothing";
  EXPECT_THAT(health(board), ElementsAre(Health::kDown, Health::kDown, Health::kUp));
}

TEST_F(HealthTest, OverridesOfChecksAndSitesWin) {
  auto book = noOverrides();
  CheckBoard board({check("a", "ams"), check("b", "dub")}, clock_.monotonicNow());
  round(board, {true, false});
  const auto force = [&](const std::string& glob, Health state) {
    HealthOverride entry;
    entry.glob = glob;
    entry.state = state;
    return book.add(entry)->id;
  };
  const auto read = [&] {
    return healthOf(readSites(topology_, board, book, clock_.monotonicNow())).datacenters;
  };
  force("check/b", Health::kUp);
  EXPECT_THAT(read(), ElementsAre(Health::kUp, Health::kUp, Health::kUp));
  force("datacenter/*", Health::kDown);
  const auto last = force("datacenter/ams", Health::kDegraded);
  EXPECT_THAT(read(), ElementsAre(Health::kDegraded, Health::kDown, Health::kDown));
  const auto sites = readSites(topology_, board, book, clock_.monotonicNow());
  EXPECT_EQ(sites[0].override_id, last);
  EXPECT_EQ(sites[0].measured, Health::kUp);
  EXPECT_FALSE(sites[2].watched);
  const MatchCount matches = countMatches("*/?", topology_, board);
  EXPECT_EQ(matches.checks, 2U);
  EXPECT_EQ(matches.datacenters, 0U);
}

}  // namespace
}  // namespace meridian::partition
