// When a zone that comes from primaries is asked for, whom, and when it has expired.
#include "dns/transfer/refresh_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace meridian::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MonotonicTime kNow{milliseconds(1'000'000)};
const RefreshTimes kTimes = RefreshTimes::of({3600, 600, 86400});

TEST(RefreshTimes, AreKeptWithinBounds) {
  const RefreshTimes none = RefreshTimes::of({0, 0, 0});
  EXPECT_EQ(none.refresh, seconds(1));
  EXPECT_EQ(none.retry, seconds(1));
  EXPECT_EQ(none.expire, seconds(2));  // not before it was asked for twice
  const RefreshTimes all = RefreshTimes::of({~0U, ~0U, ~0U});
  EXPECT_EQ(all.refresh, RefreshTimes::kMaxRefresh);
  EXPECT_EQ(all.retry, RefreshTimes::kMaxRetry);
  EXPECT_EQ(all.expire, RefreshTimes::kMaxExpire);
  EXPECT_EQ(RefreshTimes::of({3600, 600, 60}).expire, seconds(4200));
}

TEST(RefreshPlan, ANewZoneIsAskedForAtOnceThenEverMoreSeldom) {
  RefreshPlan plan(1, kNow);
  EXPECT_EQ(plan.due(), kNow);
  EXPECT_FALSE(plan.expires());
  milliseconds before(0);
  for (int i = 0; i < 20; ++i) {
    plan.begin(plan.due());
    const MonotonicTime begun = plan.due();
    EXPECT_FALSE(plan.failed(begun, 0));
    const milliseconds wait = plan.due() - begun;
    EXPECT_GE(wait, before);
    EXPECT_LE(wait, RefreshPlan::kMaxWait);
    before = wait;
  }
  EXPECT_EQ(before, RefreshPlan::kMaxWait);
}

TEST(RefreshPlan, SuccessIsFollowedByRefreshFailureByRetry) {
  RefreshPlan plan(1, kNow);
  plan.begin(kNow);
  EXPECT_TRUE(plan.underWay());
  plan.succeeded(kNow, kTimes, 0);
  EXPECT_FALSE(plan.underWay());
  EXPECT_EQ(plan.due(), kNow + seconds(3600));
  EXPECT_EQ(plan.expires(), kNow + seconds(86400));
  plan.begin(kNow + seconds(3600));
  EXPECT_FALSE(plan.failed(kNow + seconds(3600), 0));
  EXPECT_EQ(plan.due(), kNow + seconds(4200));
  EXPECT_EQ(plan.expires(), kNow + seconds(86400));  // a failure is no success
}

TEST(RefreshPlan, ChanceBringsItForwardByATenthAtMost) {
  RefreshPlan plan(1, kNow);
  plan.begin(kNow);
  plan.succeeded(kNow, kTimes, 1);
  EXPECT_EQ(plan.due(), kNow + seconds(3240));
  plan.begin(kNow);
  plan.succeeded(kNow, kTimes, 7);
  EXPECT_EQ(plan.due(), kNow + seconds(3240));
}

TEST(RefreshPlan, PrimariesAreAskedInTheirOrderFromTheFirst) {
  RefreshPlan plan(3, kNow);
  for (int round = 0; round < 2; ++round) {
    plan.begin(kNow);
    EXPECT_EQ(plan.primary(), 0U);
    EXPECT_TRUE(plan.failed(kNow, 0));
    EXPECT_EQ(plan.primary(), 1U);
    EXPECT_TRUE(plan.failed(kNow, 0));
    EXPECT_EQ(plan.primary(), 2U);
    EXPECT_FALSE(plan.failed(kNow, 0));
  }
}

TEST(RefreshPlan, WhoToldOfAChangeIsAskedFirstAndOnce) {
  RefreshPlan plan(3, kNow);
  plan.notified(kNow, 2);
  plan.begin(kNow);
  EXPECT_EQ(plan.primary(), 2U);
  EXPECT_TRUE(plan.failed(kNow, 0));
  EXPECT_EQ(plan.primary(), 0U);
  plan.succeeded(kNow, kTimes, 0);
  plan.begin(kNow);
  EXPECT_EQ(plan.primary(), 0U);
}

TEST(RefreshPlan, ANoticeBringsTheNextRoundForwardButNotTooNear) {
  RefreshPlan plan(1, kNow);
  plan.begin(kNow);
  plan.succeeded(kNow, kTimes, 0);
  plan.notified(kNow + milliseconds(10), 0);
  EXPECT_EQ(plan.due(), kNow + RefreshPlan::kMinDistance);
  plan.notified(kNow + milliseconds(20), 0);
  EXPECT_EQ(plan.due(), kNow + RefreshPlan::kMinDistance);
  const MonotonicTime later = kNow + seconds(10);
  plan.begin(later);
  plan.succeeded(later, kTimes, 0);
  plan.notified(later + seconds(5), 0);
  EXPECT_EQ(plan.due(), later + seconds(5));
}

TEST(RefreshPlan, ANoticeDuringARoundMakesAnother) {
  RefreshPlan plan(1, kNow);
  plan.begin(kNow);
  plan.notified(kNow + milliseconds(10), 0);
  plan.succeeded(kNow + milliseconds(20), kTimes, 0);
  EXPECT_EQ(plan.due(), kNow + RefreshPlan::kMinDistance);
  plan.begin(plan.due());
  plan.succeeded(kNow + seconds(1), kTimes, 0);
  EXPECT_EQ(plan.due(), kNow + seconds(3601));
}

TEST(RefreshPlan, AZoneExpiresOnceUntilItCameAgain) {
  RefreshPlan plan(1, kNow, kTimes, seconds(86000));
  EXPECT_EQ(plan.due(), kNow);
  EXPECT_FALSE(plan.expire(kNow + seconds(399)));
  EXPECT_TRUE(plan.expire(kNow + seconds(400)));
  EXPECT_FALSE(plan.expire(kNow + seconds(500)));
  plan.begin(kNow + seconds(600));
  plan.succeeded(kNow + seconds(600), kTimes, 0);
  EXPECT_FALSE(plan.expire(kNow + seconds(600)));
  EXPECT_TRUE(plan.expire(kNow + seconds(87000)));
}

TEST(RefreshPlan, AnAgeThatCannotBeIsBounded) {
  EXPECT_TRUE(RefreshPlan(1, kNow, kTimes, seconds(1'000'000'000)).expire(kNow));
  // The clock was set back since.
  EXPECT_EQ(RefreshPlan(1, kNow, kTimes, seconds(-5)).expires(), kNow + seconds(86400));
}

TEST(RefreshPlan, WhateverHappensTheNextRoundIsNeitherPastNorTooNearNorTooFar) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 chance(seed);
  const auto any = [&](unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(chance);
  };
  RefreshPlan plan(3, kNow);
  MonotonicTime now = kNow;
  std::optional<MonotonicTime> begun;
  for (int i = 0; i < 20'000; ++i) {
    if (any(3) == 0)
      plan.notified(now, any(2) == 0 ? std::nullopt : std::optional<std::size_t>(any(3)));
    if (!plan.underWay()) {
      ASSERT_LE(plan.due() - now, RefreshTimes::kMaxRefresh);
      now = std::max(now + milliseconds(any(3)), plan.due());
      if (begun) {
        ASSERT_GE(now - *begun, RefreshPlan::kMinDistance);
      }
      begun = now;
      plan.begin(now);
      continue;
    }
    now += milliseconds(any(2000));
    if (any(2) == 0) {
      plan.succeeded(now, RefreshTimes::of({any(1000), any(1000), any(1000)}), any(100) / 99.0);
      ASSERT_GT(plan.expires(), now);
    } else {
      plan.failed(now, any(100) / 99.0);
    }
    ASSERT_LT(plan.primary(), 3U);
  }
}

}  // namespace
}  // namespace meridian::dns
