#include "dns/net/rate_limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/dns_world.h"

namespace meridian::dns {
namespace {

constexpr std::uint64_t kStart = 1'000'000;  // ms
constexpr const char* kVictim = "198.51.100.7";

constexpr SipKey kLimiterKey{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

AnswerFacts factsOf(std::uint64_t imputed, AnswerKind kind = AnswerKind::kPositive) {
  return {kind, false, imputed};
}

// The same rate for every kind, none for networks as a whole.
RateLimits limitsOf(std::uint32_t per_s, int burst_s = 1, std::uint32_t slip = 0) {
  RateLimits limits;
  limits.per_s.fill(per_s);
  limits.burst = std::chrono::seconds(burst_s);
  limits.slip = slip;
  return limits;
}

// How many of `count` equal answers are sent.
int sentOf(RateLimiter& limiter, int count, std::string_view client, const AnswerFacts& facts,
           std::uint64_t now_ms = kStart) {
  int sent = 0;
  for (int i = 0; i < count; ++i) {
    if (limiter.judge(test::address(client), facts, now_ms) == RateVerdict::kSend) ++sent;
  }
  return sent;
}

TEST(RateLimiter, ABurstIsSentAndThenTheRate) {
  RateLimiter limiter(limitsOf(10, 3), kLimiterKey);
  EXPECT_EQ(sentOf(limiter, 1000, kVictim, factsOf(1)), 30);
  EXPECT_EQ(sentOf(limiter, 1000, kVictim, factsOf(1), kStart + 99), 0);
  EXPECT_EQ(sentOf(limiter, 1000, kVictim, factsOf(1), kStart + 100), 1);
  EXPECT_EQ(sentOf(limiter, 1000, kVictim, factsOf(1), kStart + 1100), 10);
  EXPECT_EQ(sentOf(limiter, 1000, kVictim, factsOf(1), kStart + 60'000), 30) << "never more";
}

TEST(RateLimiter, TellsWhomItLimitsNowAndThen) {
  RateLimits limits = limitsOf(10);
  limits.all_per_s = 15;
  RateLimiter limiter(limits, kLimiterKey);
  EXPECT_FALSE(limiter.takeNotice());
  sentOf(limiter, 12, kVictim, factsOf(1, AnswerKind::kNxDomain));
  sentOf(limiter, 1000, "203.0.113.9", factsOf(1));
  const auto first = limiter.takeNotice();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->network.text(), "198.51.100.0");
  EXPECT_EQ(first->length, 24);
  EXPECT_EQ(first->kind, AnswerKind::kNxDomain);
  EXPECT_FALSE(limiter.takeNotice()) << "one in ten seconds";
  const std::uint64_t later = kStart + RateLimiter::kNoticeEveryMs;
  sentOf(limiter, 1000, "2001:db8::1", factsOf(1), later - 1);
  EXPECT_FALSE(limiter.takeNotice());
  for (std::uint64_t name = 0; name < 20; ++name)
    sentOf(limiter, 1, "2001:db8:1::1", factsOf(name), later);
  const auto second = limiter.takeNotice();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->network.text(), "2001:db8:1::");
  EXPECT_EQ(second->length, 56);
  EXPECT_EQ(second->kind, std::nullopt) << "every name is another one";
}

TEST(RateLimiter, NoticesThatNobodyTakesAreLostAndNothingElse) {
  RateLimiter limiter(limitsOf(10), kLimiterKey);
  for (std::uint64_t i = 1; i < 1000; ++i)
    sentOf(limiter, 20, kVictim, factsOf(1), kStart + i * RateLimiter::kNoticeEveryMs);
  int taken = 0;
  while (limiter.takeNotice()) ++taken;
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, 100);
}

TEST(RateLimiter, TheRateHoldsForALongTime) {
  RateLimiter limiter(limitsOf(50, 5), kLimiterKey);
  int sent = 0;
  for (std::uint64_t ms = 0; ms < 20'000; ++ms)
    sent += sentOf(limiter, 1, kVictim, factsOf(1), kStart + ms);
  EXPECT_GE(sent, 250 + 20 * 50 - 1);
  EXPECT_LE(sent, 250 + 20 * 50);
}

TEST(RateLimiter, WhoKeepsToTheRateIsNeverLimited) {
  RateLimiter limiter(limitsOf(10, 1), kLimiterKey);
  for (std::uint64_t i = 0; i < 1000; ++i)
    ASSERT_EQ(sentOf(limiter, 1, kVictim, factsOf(1), kStart + 100 * i), 1) << i;
}

TEST(RateLimiter, KindsAndNamesDoNotMix) {
  RateLimiter limiter(limitsOf(4), kLimiterKey);
  for (std::uint64_t name = 1; name <= 50; ++name) {
    for (const AnswerKind kind : {AnswerKind::kPositive, AnswerKind::kReferral, AnswerKind::kNoData,
                                  AnswerKind::kNxDomain, AnswerKind::kError}) {
      ASSERT_EQ(sentOf(limiter, 10, kVictim, factsOf(name, kind)), 4) << name;
    }
  }
}

TEST(RateLimiter, EveryKindHasItsRateAndZeroIsNone) {
  RateLimits limits = limitsOf(0);
  for (std::size_t i = 0; i < kAnswerKinds; ++i)
    limits.per_s[i] = static_cast<std::uint32_t>(5 * i);
  RateLimiter limiter(limits, kLimiterKey);
  for (std::size_t i = 0; i < kAnswerKinds; ++i) {
    const int expected = i == 0 ? 100 : static_cast<int>(5 * i);
    EXPECT_EQ(sentOf(limiter, 100, kVictim, factsOf(1, static_cast<AnswerKind>(i))), expected) << i;
  }
}

TEST(RateLimiter, ANetworkSharesItsBucketsAndNoOtherDoes) {
  RateLimiter limiter(limitsOf(4), kLimiterKey);
  EXPECT_EQ(sentOf(limiter, 10, "198.51.100.0", factsOf(1)), 4);
  EXPECT_EQ(sentOf(limiter, 10, "198.51.100.255", factsOf(1)), 0);
  EXPECT_EQ(sentOf(limiter, 10, "198.51.101.0", factsOf(1)), 4);
  EXPECT_EQ(sentOf(limiter, 10, "2001:db8:0:100::1", factsOf(1)), 4);
  EXPECT_EQ(sentOf(limiter, 10, "2001:db8:0:1ff:ffff::1", factsOf(1)), 0);
  EXPECT_EQ(sentOf(limiter, 10, "2001:db8:0:200::1", factsOf(1)), 4);
  EXPECT_EQ(sentOf(limiter, 10, "::c633:6400", factsOf(1)), 4) << "no IPv4 address";
}

TEST(RateLimiter, PrefixLengthsAreTheOperators) {
  RateLimits limits = limitsOf(4);
  limits.ipv4_prefix = 32;
  limits.ipv6_prefix = 128;
  RateLimiter single(limits, kLimiterKey);
  EXPECT_EQ(sentOf(single, 10, "198.51.100.0", factsOf(1)), 4);
  EXPECT_EQ(sentOf(single, 10, "198.51.100.1", factsOf(1)), 4);
  EXPECT_EQ(sentOf(single, 10, "2001:db8::1", factsOf(1)), 4);
  EXPECT_EQ(sentOf(single, 10, "2001:db8::2", factsOf(1)), 4);
  limits.ipv4_prefix = 8;
  limits.ipv6_prefix = 32;
  RateLimiter wide(limits, kLimiterKey);
  EXPECT_EQ(sentOf(wide, 10, "198.51.100.0", factsOf(1)), 4);
  EXPECT_EQ(sentOf(wide, 10, "198.0.0.1", factsOf(1)), 0);
  EXPECT_EQ(sentOf(wide, 10, "2001:db8::1", factsOf(1)), 4);
  EXPECT_EQ(sentOf(wide, 10, "2001:db8:ffff::1", factsOf(1)), 0);
}

TEST(RateLimiter, ANetworkAsAWholeIsBoundWhateverItsNames) {
  RateLimits limits = limitsOf(4);
  limits.all_per_s = 20;
  RateLimiter limiter(limits, kLimiterKey);
  int sent = 0;
  for (std::uint64_t name = 1; name <= 1000; ++name)
    sent += sentOf(limiter, 1, kVictim, factsOf(name));
  EXPECT_EQ(sent, 20);
  EXPECT_EQ(sentOf(limiter, 10, "203.0.113.1", factsOf(1)), 4) << "another network";
}

TEST(RateLimiter, WhatIsNotSentTakesNoToken) {
  RateLimits limits = limitsOf(4);
  limits.all_per_s = 20;
  RateLimiter limiter(limits, kLimiterKey);
  EXPECT_EQ(sentOf(limiter, 1000, kVictim, factsOf(1)), 4);
  int sent = 0;
  for (std::uint64_t name = 2; name <= 100; ++name)
    sent += sentOf(limiter, 1, kVictim, factsOf(name));
  EXPECT_EQ(sent, 16) << "of the network's tokens four are gone, not twenty";
  limits.per_s.fill(0);
  RateLimiter only_all(limits, kLimiterKey);
  EXPECT_EQ(sentOf(only_all, 1000, kVictim, factsOf(1)), 20);
}

TEST(RateLimiter, EveryNthLimitedAnswerIsCut) {
  for (const std::uint32_t slip : {0U, 1U, 2U, 3U, 10U}) {
    RateLimiter limiter(limitsOf(4, 1, slip), kLimiterKey);
    ASSERT_EQ(sentOf(limiter, 4, kVictim, factsOf(1)), 4);
    for (std::uint32_t i = 1; i <= 60; ++i) {
      const RateVerdict verdict = limiter.judge(test::address(kVictim), factsOf(1), kStart);
      const bool cut = slip != 0 && i % slip == 0;
      ASSERT_EQ(verdict, cut ? RateVerdict::kCut : RateVerdict::kDrop) << slip << " " << i;
    }
    EXPECT_EQ(limiter.counters().cut.value(), slip == 0 ? 0 : 60 / slip);
    EXPECT_EQ(limiter.counters().dropped.value(), slip == 0 ? 60 : 60 - 60 / slip);
    EXPECT_EQ(limiter.counters().would_cut.value() + limiter.counters().would_drop.value(), 0U);
  }
}

TEST(RateLimiter, ListedNetworksAreNeverLimitedAndTakeNothingFromTheirNeighbours) {
  RateLimits limits = limitsOf(4);
  limits.all_per_s = 4;
  limits.allow = IpPrefixList({test::must(IpPrefix::parse("198.51.100.128/25")),
                               test::must(IpPrefix::parse("2001:db8::/32"))});
  RateLimiter limiter(limits, kLimiterKey);
  EXPECT_EQ(sentOf(limiter, 1000, "198.51.100.200", factsOf(1)), 1000);
  EXPECT_EQ(sentOf(limiter, 1000, "2001:db8::1", factsOf(1)), 1000);
  EXPECT_EQ(sentOf(limiter, 1000, "198.51.100.1", factsOf(1)), 4);
}

TEST(RateLimiter, WhoHasAGoodCookieIsNeverLimited) {
  RateLimits limits = limitsOf(4);
  limits.all_per_s = 4;
  RateLimiter limiter(limits, kLimiterKey);
  AnswerFacts facts = factsOf(1);
  facts.good_cookie = true;
  EXPECT_EQ(sentOf(limiter, 1000, kVictim, facts), 1000);
  facts.kind = AnswerKind::kError;
  EXPECT_EQ(sentOf(limiter, 1000, kVictim, facts), 1000);
  EXPECT_EQ(sentOf(limiter, 1000, kVictim, factsOf(1)), 4) << "others of the network are";
}

TEST(RateLimiter, ADryRunSendsAllAndCountsWhatItWouldDo) {
  RateLimits limits = limitsOf(4, 1, 2);
  limits.dry_run = true;
  RateLimiter limiter(limits, kLimiterKey);
  EXPECT_EQ(sentOf(limiter, 104, kVictim, factsOf(1)), 104);
  EXPECT_EQ(limiter.counters().would_drop.value(), 50U);
  EXPECT_EQ(limiter.counters().would_cut.value(), 50U);
  EXPECT_EQ(limiter.counters().dropped.value() + limiter.counters().cut.value(), 0U);
}

TEST(RateLimiter, SharesAddUpToTheRateAndNoneIsNothing) {
  RateLimiter quarter(limitsOf(20, 1), kLimiterKey, 4);
  EXPECT_EQ(sentOf(quarter, 100, kVictim, factsOf(1)), 5);
  EXPECT_EQ(sentOf(quarter, 100, kVictim, factsOf(1), kStart + 1000), 5);
  RateLimiter crumb(limitsOf(1, 1), kLimiterKey, 8);
  EXPECT_EQ(sentOf(crumb, 100, kVictim, factsOf(1)), 1) << "one token at least";
  EXPECT_EQ(sentOf(crumb, 100, kVictim, factsOf(1), kStart + 7999), 0);
  EXPECT_EQ(sentOf(crumb, 100, kVictim, factsOf(1), kStart + 8000), 1);
}

TEST(RateLimiter, AClockThatGoesBackKeepsNobodyOutForLongerThanTheBurst) {
  RateLimiter limiter(limitsOf(10, 2), kLimiterKey);
  EXPECT_EQ(sentOf(limiter, 100, kVictim, factsOf(1), kStart), 20);
  EXPECT_EQ(sentOf(limiter, 100, kVictim, factsOf(1), 5'000), 0) << "empty stays empty";
  EXPECT_EQ(sentOf(limiter, 100, kVictim, factsOf(1), 5'100), 1);
  EXPECT_EQ(sentOf(limiter, 100, kVictim, factsOf(1), 7'100), 20);
  EXPECT_EQ(sentOf(limiter, 5, kVictim, factsOf(2), kStart), 5);
  EXPECT_EQ(sentOf(limiter, 100, kVictim, factsOf(2), kStart - 1), 14) << "a tick is a tick";
}

TEST(RateLimiter, AFarJumpFillsBucketsAndTheEndOfTheRangeIsNoEdge) {
  constexpr std::uint64_t kLast = (std::uint64_t{1} << 43) - 10'000;
  RateLimiter limiter(limitsOf(10, 2), kLimiterKey);
  EXPECT_EQ(sentOf(limiter, 100, kVictim, factsOf(1), 0), 20) << "the clock begins at zero";
  EXPECT_EQ(sentOf(limiter, 100, kVictim, factsOf(1), kLast), 20);
  EXPECT_EQ(sentOf(limiter, 100, kVictim, factsOf(1), kLast + 100), 1);
  // What 32 bits of milliseconds would wrap at.
  constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();
  RateLimiter other(limitsOf(10, 2), kLimiterKey);
  EXPECT_EQ(sentOf(other, 100, kVictim, factsOf(1), kMax32), 20);
  EXPECT_EQ(sentOf(other, 100, kVictim, factsOf(1), kMax32 + 1), 0);
  EXPECT_EQ(sentOf(other, 100, kVictim, factsOf(1), kMax32 + 100), 1);
}

// A table of 1,024 buckets, and an attacker with 100,000 networks.
TEST(RateLimiter, AFloodOfNetworksGivesNobodyATokenBack) {
  RateLimits limits = limitsOf(10);
  limits.all_per_s = 10;
  limits.table_buckets = 1024;
  RateLimiter limiter(limits, kLimiterKey);
  ASSERT_EQ(sentOf(limiter, 100, kVictim, factsOf(1)), 10);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    limiter.judge(IpAddress::v4(i << 8), factsOf(1), kStart);
    if (i % 100 != 0) continue;
    ASSERT_EQ(sentOf(limiter, 10, kVictim, factsOf(1)), 0) << i;
  }
}

// Whoever spoofs many victims at a time fills every bucket; each is pushed out and comes again.
TEST(RateLimiter, NobodyGetsMoreThanItsBurstHoweverManyVictimsThereAre) {
  constexpr std::uint32_t kVictims = 5'000;
  RateLimits limits = limitsOf(10);
  limits.table_buckets = 1024;
  RateLimiter limiter(limits, kLimiterKey);
  std::vector<int> sent(kVictims);
  for (int round = 0; round < 30; ++round) {
    for (std::uint32_t i = 0; i < kVictims; ++i) {
      const RateVerdict verdict = limiter.judge(IpAddress::v4(i << 8), factsOf(1), kStart);
      if (verdict == RateVerdict::kSend) ++sent[i];
    }
  }
  EXPECT_LE(*std::max_element(sent.begin(), sent.end()), 10);
  EXPECT_LE(std::accumulate(sent.begin(), sent.end(), 0), 1024 * 10) << "what the table holds";
}

// As many answers as the table is made for: names with one answer each pay back in time.
TEST(RateLimiter, NewcomersAreNotLimitedBelowTheTablesMeasure) {
  RateLimits limits = limitsOf(50, 5);
  limits.table_buckets = 1024;  // for 51,200 answers a second
  RateLimiter limiter(limits, kLimiterKey);
  std::uint32_t network = 0;
  for (std::uint64_t ms = 0; ms < 5'000; ++ms) {
    for (int i = 0; i < 25; ++i) {
      const IpAddress client = IpAddress::v4(++network << 8);
      ASSERT_EQ(limiter.judge(client, factsOf(1), kStart + ms), RateVerdict::kSend) << network;
    }
  }
}

TEST(RateLimiter, TheKeyDecidesWhoMeetsWhom) {
  RateLimits limits = limitsOf(1);
  limits.table_buckets = 64;
  const auto limitedWith = [&](std::uint8_t last_of_key) {
    SipKey key = kLimiterKey;
    key.back() = last_of_key;
    RateLimiter limiter(limits, key);
    std::string out;
    for (std::uint32_t i = 0; i < 64; ++i)
      out += sentOf(limiter, 1, IpAddress::v4(i << 8).text(), factsOf(1)) == 0 ? 'x' : '.';
    return out;
  };
  EXPECT_EQ(limitedWith(1), limitedWith(1));
  EXPECT_NE(limitedWith(1), limitedWith(2));
  EXPECT_NE(limitedWith(1).find('x'), std::string::npos) << "the table is too small for all";
}

}  // namespace
}  // namespace meridian::dns
