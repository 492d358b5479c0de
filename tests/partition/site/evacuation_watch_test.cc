#include "partition/site/evacuation_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;

class EvacuationWatchTest : public testing::Test {
 protected:
  // Looks once a second for so long, and says what became of site a.
  SiteVerdict lookFor(std::chrono::seconds time, const SiteSignals& a, const SiteSignals& b = {},
                      const SiteSignals& c = {}) {
    for (std::chrono::seconds passed{}; passed < time; passed += 1s) {
      now_ += 1s;
      watch_.look(topology_, {a, b, c}, now_);
    }
    return watch_.sites().at("a").verdict;
  }

  static constexpr SiteSignals kProbes{true, false, false};
  static constexpr SiteSignals kLinks{false, true, false};
  static constexpr SiteSignals kTwo{true, true, false};

  const Topology& topology_ = *test::ChangeWorld::topology();
  EvacuationWatch watch_{{60s, 30min}};
  MonotonicTime now_{};
};

TEST_F(EvacuationWatchTest, TwoSignalsForTheWholeHoldDown) {
  EXPECT_EQ(lookFor(60s, kTwo), SiteVerdict::kSuspect) << "59 s after the first look";
  EXPECT_EQ(watch_.holdDown(watch_.sites().at("a"), now_), 1s);
  EXPECT_EQ(lookFor(1s, kTwo), SiteVerdict::kLost);
}

TEST_F(EvacuationWatchTest, OneSignalIsNeverEnough) {
  EXPECT_EQ(lookFor(1h, kProbes), SiteVerdict::kWell);
  EXPECT_EQ(lookFor(1h, kLinks), SiteVerdict::kWell);
  EXPECT_EQ(lookFor(1h, {false, false, true}), SiteVerdict::kWell);
}

TEST_F(EvacuationWatchTest, AGapStartsTheHoldDownAgain) {
  lookFor(59s, kTwo);
  EXPECT_EQ(lookFor(1s, kProbes), SiteVerdict::kWell);
  EXPECT_EQ(lookFor(59s, kTwo), SiteVerdict::kSuspect);
}

TEST_F(EvacuationWatchTest, NothingIsLostWhenNoPeerIsWell) {
  EXPECT_EQ(lookFor(1h, kTwo, kLinks, kLinks), SiteVerdict::kWell) << "it is we who are cut off";
  EXPECT_EQ(lookFor(61s, kTwo, kTwo, {}), SiteVerdict::kLost);
}

TEST_F(EvacuationWatchTest, ItIsBackAfterTheLongHoldDownWithoutAnySignal) {
  lookFor(61s, kTwo);
  EXPECT_EQ(lookFor(1h, kProbes), SiteVerdict::kLost) << "one signal is enough to stay lost";
  EXPECT_EQ(lookFor(29min, {}), SiteVerdict::kRecovering);
  EXPECT_EQ(lookFor(1s, kLinks), SiteVerdict::kLost);
  EXPECT_EQ(lookFor(30min, {}), SiteVerdict::kRecovering);
  EXPECT_EQ(lookFor(1s, {}), SiteVerdict::kWell);
}

TEST(SiteSignalsTest, ASiteIsCutOffWhenNoWellPeerGetsAnythingFromIt) {
  const Topology& topology = *test::ChangeWorld::topology();
  SiteHealth health = allUp(topology);
  test::ScriptedLinks links;
  const auto cutOff = [&] { return readSignals(topology, health, links)[0].links; };
  EXPECT_FALSE(cutOff());
  LinkView broken = test::ScriptedLinks::good();
  broken.state = LinkState::kBroken;
  links.links[{"a", "b"}] = broken;
  EXPECT_FALSE(cutOff()) << "c still gets what it writes";
  LinkView silent = test::ScriptedLinks::good();
  silent.freshness = Freshness::kUnknown;
  silent.effective_lag_ms.reset();
  links.links[{"a", "c"}] = silent;
  EXPECT_TRUE(cutOff());
  links.links[{"a", "c"}] = {};
  EXPECT_TRUE(cutOff()) << "a link that nobody ever reported says nothing";
  links.links[{"a", "b"}] = {};
  EXPECT_FALSE(cutOff()) << "none is known";
  links.links[{"a", "b"}] = broken;
  health.datacenters[1] = Health::kDown;
  EXPECT_FALSE(cutOff()) << "the peer is the one that is down";
}

}  // namespace
}  // namespace meridian::partition
