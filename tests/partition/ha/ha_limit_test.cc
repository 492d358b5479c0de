#include "partition/ha/ha_limit.h"

#include <gtest/gtest.h>

#include <random>

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(HaLimitTest, AClusterHasItsBurstAndThenItsRate) {
  MonotonicTime now{};
  HaLimit limit({{2, 3}, {100, 100}}, now);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.take("order", now));
  EXPECT_EQ(limit.take("order", now), milliseconds(500));
  EXPECT_FALSE(limit.take("other", now)) << "one cluster's noise is not another's";
  now += milliseconds(499);
  EXPECT_EQ(limit.take("order", now), milliseconds(1));
  now += milliseconds(1);
  EXPECT_FALSE(limit.take("order", now));
  EXPECT_TRUE(limit.take("order", now));
  now += seconds(3'600);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.take("order", now));
  EXPECT_TRUE(limit.take("order", now)) << "silence saves up no more than the burst";
}

TEST(HaLimitTest, AllTogetherHaveABoundAndItTakesNothingOfAClusters) {
  MonotonicTime now{};
  HaLimit limit({{1, 2}, {1, 3}}, now);
  EXPECT_FALSE(limit.take("a", now));
  EXPECT_FALSE(limit.take("b", now));
  EXPECT_FALSE(limit.take("c", now));
  EXPECT_EQ(limit.take("a", now), milliseconds(1'000));
  EXPECT_EQ(limit.size(), 3U);
  now += seconds(1);
  EXPECT_FALSE(limit.take("a", now));
}

TEST(HaLimitTest, BucketsAreBoundedAndFullOnesMakeRoom) {
  MonotonicTime now{};
  HaLimit limit({{1, 1}, {1'000'000, 1'000'000}}, now);
  for (std::size_t i = 0; i < HaLimit::kMaxClusters; ++i) {
    ASSERT_FALSE(limit.take("c" + std::to_string(i), now));
  }
  EXPECT_TRUE(limit.take("one-more", now));
  EXPECT_EQ(limit.size(), HaLimit::kMaxClusters);
  now += seconds(2);
  EXPECT_FALSE(limit.take("one-more", now));
  EXPECT_EQ(limit.size(), 1U);
}

// However they come: never more than burst and rate allow, and who waits as told is taken.
TEST(HaLimitTest, NeverMoreThanBurstAndRate) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const HaRate rate{5, 7};
  MonotonicTime now{};
  HaLimit limit({rate, {1'000'000, 1'000'000}}, now);
  std::uint64_t taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += milliseconds(random() % 120);
    const auto wait = limit.take("x", now);
    if (!wait) {
      ++taken;
    } else if (random() % 2 == 0) {
      ASSERT_GT(wait->count(), 0);
      now += *wait;
      ASSERT_FALSE(limit.take("x", now));
      ++taken;
    }
    const std::chrono::duration<double> passed = now.time_since_epoch();
    ASSERT_LE(static_cast<double>(taken), rate.burst + rate.per_second * passed.count() + 1e-3);
  }
}

}  // namespace
}  // namespace meridian::partition
