#include "partition/drc/read_freshness.h"

#include <gtest/gtest.h>

namespace meridian::partition {
namespace {

LinkView lagging(std::optional<std::int64_t> lag, LinkState state = LinkState::kRunning) {
  LinkView out;
  out.state = state;
  out.effective_lag_ms = lag;
  return out;
}

TEST(ReadFreshness, BetweenTheBoundsACopyStaysWhatItWas) {
  ReadFreshness reads;
  EXPECT_FALSE(reads.usable("account", "sh"));
  EXPECT_FALSE(reads.update("account", "sh", lagging(3'001))) << "never seen before";
  EXPECT_TRUE(reads.update("account", "sh", lagging(3'000)));
  EXPECT_TRUE(reads.update("account", "sh", lagging(5'000)));
  EXPECT_FALSE(reads.update("account", "sh", lagging(5'001)));
  EXPECT_FALSE(reads.update("account", "sh", lagging(3'001)));
  EXPECT_TRUE(reads.update("account", "sh", lagging(2'999)));
  EXPECT_TRUE(reads.usable("account", "sh"));
  EXPECT_FALSE(reads.usable("account", "bj")) << "each copy by itself";
  EXPECT_FALSE(reads.usable("catalog", "sh")) << "each zone by itself";
}

TEST(ReadFreshness, AnUnknownLagIsStaleAndRebasingSuspendsTheBound) {
  ReadFreshness reads;
  EXPECT_FALSE(reads.update("account", "sh", lagging(std::nullopt)));
  EXPECT_FALSE(reads.update("account", "sh", lagging(0, LinkState::kRebasing)));
  EXPECT_TRUE(reads.update("account", "sh", lagging(0)));
  EXPECT_TRUE(reads.update("account", "sh", lagging(std::nullopt, LinkState::kRebasing)));
  EXPECT_FALSE(reads.update("account", "sh", lagging(std::nullopt)));
  reads.retain([](std::string_view, std::string_view) { return false; });
  EXPECT_FALSE(reads.usable("account", "sh"));
}

}  // namespace
}  // namespace meridian::partition
