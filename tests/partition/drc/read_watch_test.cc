#include "partition/drc/read_watch.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/placement_world.h"

namespace meridian::partition {
namespace {

// Links that say what the test says, by their target; of what it does not, nobody knows.
class SaidLinks final : public LinkSource {
 public:
  LinkView link(std::string_view source, std::string_view target) const override {
    const auto found = views.find({std::string(source), std::string(target)});
    return found == views.end() ? LinkView{} : found->second;
  }
  bool contains(std::string_view, std::string_view, std::string_view) const override {
    return false;
  }
  void say(const std::string& source, const std::string& target, std::optional<std::int64_t> lag,
           LinkState state = LinkState::kRunning) {
    LinkView& view = views[{source, target}];
    view.state = state;
    view.effective_lag_ms = lag;
  }

  std::map<std::pair<std::string, std::string>, LinkView> views;
};

class ReadWatchTest : public testing::Test {
 protected:
  ReadWatchTest() {
    zone().ezones = {EZoneIx(1), EZoneIx(0), EZoneIx(2)};  // iad, dal, fra
    zone().read_max_lag_ms = 5'000;
    table_ = world_.homeTable();
    health_ = allUp(world_.topology);
  }
  Zone& zone() { return world_.topology.zones[1]; }
  ReadCopies look() {
    const auto all = watch_.look(world_.topology, table_, health_, links_);
    EXPECT_EQ(all.size(), world_.topology.zones.size());
    EXPECT_TRUE(all[0].fresh.empty()) << "no global zone";
    return all[1];
  }
  std::string shown() {
    const ReadCopies copies = look();
    std::string out;
    for (const std::uint8_t fresh : copies.fresh) out += fresh != 0 ? "+" : "-";
    if (copies.least_stale) out += world_.topology.ezones[copies.least_stale->index()].id;
    return out;
  }

  test::PlacementWorld world_;
  AssignmentTable table_;
  SiteHealth health_;
  SaidLinks links_;
  ReadWatch watch_;
};

TEST_F(ReadWatchTest, CopiesAreFreshByTheirLinkFromThePrimary) {
  EXPECT_EQ(shown(), "---") << "nobody has spoken";
  links_.say("iad", "dal", 100);
  links_.say("iad", "fra", 100);
  links_.say("dal", "iad", 100);
  EXPECT_EQ(shown(), "-++") << "the primary needs no word";
  links_.say("iad", "dal", 5'001);
  EXPECT_EQ(shown(), "--+dal");
  links_.say("iad", "dal", 3'001);
  EXPECT_EQ(shown(), "--+dal") << "not yet again";
  links_.say("iad", "dal", 3'000);
  EXPECT_EQ(shown(), "-++");
  links_.say("iad", "fra", std::nullopt);
  EXPECT_EQ(shown(), "-+-") << "an unknown lag is not the least of anything";
  links_.say("iad", "dal", std::nullopt, LinkState::kRebasing);
  EXPECT_EQ(shown(), "-+-") << "the bound is suspended";
  zone().read_max_lag_ms.reset();
  EXPECT_TRUE(look().fresh.empty());
}

TEST_F(ReadWatchTest, ASwitchMakesTheOldPrimaryACopyLikeAnother) {
  links_.say("iad", "dal", 100);
  links_.say("iad", "fra", 100);
  ASSERT_EQ(shown(), "-++");
  table_.assignments.back().ezone = EZoneIx(0);
  EXPECT_EQ(shown(), "---") << "nobody has said anything of links from dal";
  links_.say("dal", "iad", 100);
  EXPECT_EQ(shown(), "+--");
}

TEST_F(ReadWatchTest, ACopyInThePrimarysDatacenterIsFresh) {
  world_.topology.ezones[0].dc = world_.topology.ezones[1].dc;
  EXPECT_EQ(shown(), "-+-");
}

TEST_F(ReadWatchTest, TheLeastStaleStaysUntilAnotherIsClearlyBetter) {
  links_.say("iad", "dal", 20'000);
  links_.say("iad", "fra", 10'000);
  EXPECT_EQ(shown(), "---fra");
  links_.say("iad", "dal", 9'000);
  EXPECT_EQ(shown(), "---fra");
  links_.say("iad", "dal", 5'500);
  EXPECT_EQ(shown(), "---dal");
  links_.say("iad", "dal", 10'000);
  EXPECT_EQ(shown(), "---dal");
  health_.datacenters[0] = Health::kDown;
  EXPECT_EQ(shown(), "---fra") << "who is down is no choice";
  health_.datacenters[0] = Health::kUp;
  links_.say("iad", "fra", std::nullopt);
  EXPECT_EQ(shown(), "---dal");
}

// I5: whatever links say, in whatever order. And a copy is fresh again only below the lower bound.
TEST_F(ReadWatchTest, WhatIsUnknownOrTooFarBehindIsNeverFresh) {
  constexpr unsigned kSeed = 77013;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::vector<std::uint8_t> before(3, 0);
  for (int round = 0; round < 20'000; ++round) {
    for (const char* target : {"dal", "fra"}) {
      std::optional<std::int64_t> lag = static_cast<std::int64_t>(random() % 8'000);
      if (random() % 4 == 0) lag.reset();
      const bool rebasing = random() % 8 == 0;
      links_.say("iad", target, lag, rebasing ? LinkState::kRebasing : LinkState::kRunning);
    }
    const ReadCopies copies = look();
    for (std::size_t at = 1; at < 3; ++at) {
      const LinkView view = links_.link("iad", at == 1 ? "dal" : "fra");
      const bool fresh = copies.fresh[at] != 0;
      if (view.state == LinkState::kRebasing) {
        ASSERT_EQ(copies.fresh[at], before[at]) << "round " << round;
      } else {
        const std::int64_t bound = before[at] != 0 ? 5'000 : 3'000;
        ASSERT_EQ(fresh, view.effective_lag_ms && *view.effective_lag_ms <= bound)
            << "round " << round;
      }
      if (copies.least_stale == zone().ezones[at]) {
        ASSERT_TRUE(!fresh && view.effective_lag_ms) << "round " << round;
      }
    }
    before = copies.fresh;
  }
}

}  // namespace
}  // namespace meridian::partition
