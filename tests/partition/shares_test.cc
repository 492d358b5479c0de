// Shares: the numbers that are a contract, the distribution, and who moves when a weight does.
#include "partition/shares.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace meridian::partition {
namespace {

using Weights = std::vector<std::uint16_t>;

IpAddress networkOf(std::uint32_t number) {
  return IpAddress::v4(number << 8U);
}

// One class of eZones s0, s1, …
std::vector<Share> oneClass(const Weights& weights) {
  std::vector<Share> shares;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    shares.push_back({siteHash("s" + std::to_string(i)), EZoneIx(static_cast<std::uint16_t>(i)),
                      weights[i], 0, false});
  }
  shares.back().last_of_class = true;
  return shares;
}

EZoneIx choiceOf(const std::vector<Share>& shares, std::uint32_t network) {
  return chooseShare(shares, clientHash(networkOf(network)));
}

// The value that a chi-square variable of these degrees of freedom exceeds once in two million
// (Wilson and Hilferty's approximation).
double chiSquareBound(double degrees) {
  constexpr double kDeviations = 5;
  const double variance = 2 / (9 * degrees);
  return degrees * std::pow(1 - variance + kDeviations * std::sqrt(variance), 3);
}

// The choice again, the plain way: divided scores, lists of classes, no early end.
EZoneIx oracleChoice(const std::vector<Share>& shares, std::uint64_t client) {
  const auto score = [&](const Share& share) {
    return static_cast<long double>(rendezvousDistance(client, share.site)) / share.weight;
  };
  const auto keeps = [&](const Share& share) {
    const std::uint64_t high = mixHash(client ^ ~share.site) >> 32U;
    return static_cast<double>(high) / 4294967296.0 * kWholeShare >= share.spill;
  };
  std::vector<std::vector<Share>> classes(1);
  for (const Share& share : shares) {
    classes.back().push_back(share);
    if (share.last_of_class) classes.emplace_back();
  }
  classes.pop_back();
  const auto bestOf = [&](const std::vector<Share>& among, bool all) -> const Share* {
    const Share* best = nullptr;
    for (const Share& share : among) {
      if (!all && !keeps(share)) continue;
      if (best == nullptr || score(share) < score(*best)) best = &share;
    }
    return best;
  };
  for (const std::vector<Share>& each : classes) {
    if (const Share* best = bestOf(each, false)) return best->ezone;
  }
  return bestOf(classes.front(), true)->ezone;
}

TEST(Shares, TheNumbersAreAContract) {
  const std::uint64_t client = clientHash(*IpAddress::parse("192.0.2.77"));
  const std::uint64_t site = siteHash("iad");
  EXPECT_EQ(client, 0x6bb4a1d3902efab6U);
  EXPECT_EQ(clientHash(*IpAddress::parse("2001:db8:1:200::5")), 0xb3c46ab2cb33fb5dU);
  EXPECT_EQ(site, 0xbecdc2ffbbc1d42cU);
  EXPECT_NEAR(static_cast<double>(rendezvousDistance(client, site)), 12806699357.9, 1024);
  EXPECT_EQ(spillSlice(client, site), 9359U);
}

TEST(Shares, ANetworkStaysTogether) {
  const auto hash = [](const char* text) { return clientHash(*IpAddress::parse(text)); };
  EXPECT_EQ(hash("192.0.2.0"), hash("192.0.2.255"));
  EXPECT_NE(hash("192.0.2.0"), hash("192.0.3.0"));
  EXPECT_EQ(hash("2001:db8::"), hash("2001:db8:0:ff:ffff::1"));
  EXPECT_NE(hash("2001:db8::"), hash("2001:db8:0:100::"));
  EXPECT_NE(hash("0.0.0.0"), hash("::"));
}

TEST(Shares, TheLogarithmIsGoodEnough) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t client = random();
    const std::uint64_t site = random();
    const auto draw = static_cast<long double>(mixHash(client ^ site) | 1U);
    const auto exact = static_cast<double>((64 - std::log2(draw)) * 4294967296.0L);
    const std::uint64_t distance = rendezvousDistance(client, site);
    ASSERT_GE(distance, 1U);
    ASSERT_LT(distance, std::uint64_t{1} << 39U);
    ASSERT_NEAR(static_cast<double>(distance), exact, 1024) << client << " " << site;
  }
}

TEST(Shares, TheDistributionIsThatOfTheWeights) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr std::uint32_t kClients = 200'000;
  std::vector<Weights> cases{{100, 9900}, {1, 1, 1}, {5000, 3000, 1500, 500}, {10000, 10000, 1}};
  for (int i = 0; i < 4; ++i) {
    Weights& weights = cases.emplace_back(2 + random() % 15);
    for (std::uint16_t& weight : weights) {
      weight = static_cast<std::uint16_t>(100 + random() % 9901);
    }
  }
  for (const Weights& weights : cases) {
    const std::vector<Share> shares = oneClass(weights);
    const std::uint32_t first = static_cast<std::uint32_t>(random()) >> 9U;
    std::vector<double> counts(weights.size());
    for (std::uint32_t i = 0; i < kClients; ++i) ++counts[choiceOf(shares, first + i).index()];
    double sum = 0;
    for (const std::uint16_t weight : weights) sum += weight;
    double chi_square = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double expected = kClients * weights[i] / sum;
      chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    EXPECT_LT(chi_square, chiSquareBound(static_cast<double>(weights.size() - 1)))
        << testing::PrintToString(weights) << " networks from " << first;
  }
}

TEST(Shares, ARampMovesItsOwnShareAndNobodyElse) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr std::uint32_t kClients = 400'000;
  // The ramped site is the last; the others give in the proportion of their weights, or one alone.
  const std::vector<std::pair<Weights, Weights>> ramps{{{9900, 100}, {9800, 200}},
                                                       {{4950, 4950, 100}, {4900, 4900, 200}}};
  for (const auto& [before, after] : ramps) {
    const std::vector<Share> old_shares = oneClass(before);
    const std::vector<Share> new_shares = oneClass(after);
    const EZoneIx ramped = old_shares.back().ezone;
    const std::uint32_t first = static_cast<std::uint32_t>(random()) >> 9U;
    std::uint32_t moved = 0;
    for (std::uint32_t i = 0; i < kClients; ++i) {
      const EZoneIx was = choiceOf(old_shares, first + i);
      const EZoneIx is = choiceOf(new_shares, first + i);
      if (was == is) continue;
      ASSERT_EQ(is, ramped) << "network " << first + i << " moved between the others";
      ++moved;
    }
    const double share = static_cast<double>(moved) / kClients;
    const double deviation = std::sqrt(0.01 * 0.99 / kClients);
    EXPECT_NEAR(share, 0.01, 5 * deviation);
  }
}

TEST(Shares, ASiteThatLeavesMovesItsOwnClientsOnly) {
  const std::vector<Share> all = oneClass({10, 20, 30, 40});
  for (std::uint16_t gone = 0; gone < 4; ++gone) {
    Weights weights{10, 20, 30, 40};
    weights[gone] = 0;
    const std::vector<Share> rest = oneClass(weights);
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      const EZoneIx was = choiceOf(all, i);
      if (was == EZoneIx(gone)) continue;
      ASSERT_EQ(choiceOf(rest, i), was);
    }
  }
}

TEST(Shares, SpillTakesASliceOfASitesClients) {
  constexpr std::uint32_t kClients = 200'000;
  std::vector<Share> shares = oneClass({5000, 3000, 2000});
  std::vector<EZoneIx> at_first;
  for (std::uint32_t i = 0; i < kClients; ++i) at_first.push_back(choiceOf(shares, i));
  std::uint32_t clients = 0;
  for (const EZoneIx ezone : at_first) clients += ezone == EZoneIx(0) ? 1U : 0U;
  std::vector<bool> gone(kClients);
  for (const std::uint16_t spill : Weights{500, 2500, 10000}) {
    shares[0].spill = spill;
    std::uint32_t left = 0;
    for (std::uint32_t i = 0; i < kClients; ++i) {
      const EZoneIx now = choiceOf(shares, i);
      if (at_first[i] != EZoneIx(0)) {
        ASSERT_EQ(now, at_first[i]) << "a client of another site moved";
      } else if (now != EZoneIx(0)) {
        gone[i] = true;
        ++left;
      } else {
        ASSERT_FALSE(gone[i]) << "a client came back while the spill grew";
      }
    }
    const double wanted = static_cast<double>(spill) / kWholeShare;
    const double deviation = std::sqrt(wanted * (1 - wanted) / clients);
    EXPECT_NEAR(static_cast<double>(left) / clients, wanted, 5 * deviation + 1e-9);
  }
}

TEST(Shares, NobodyIsSentNowhere) {
  std::vector<Share> shares = oneClass({5000, 5000});
  const std::vector<Share> without = shares;
  for (Share& share : shares) share.spill = kWholeShare;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(choiceOf(shares, i), choiceOf(without, i));
  }
}

TEST(Shares, AgreeWithTheOracle) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Share> shares(1 + random() % 9);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      shares[i] = {random(), EZoneIx(static_cast<std::uint16_t>(i)),
                   static_cast<std::uint16_t>(1 + random() % 10000),
                   static_cast<std::uint16_t>(random() % 2 == 0 ? 0 : random() % 10001),
                   random() % 3 == 0};
    }
    shares.back().last_of_class = true;
    for (int i = 0; i < 50; ++i) {
      const std::uint64_t client = random();
      ASSERT_EQ(chooseShare(shares, client), oracleChoice(shares, client)) << client;
    }
  }
}

}  // namespace
}  // namespace meridian::partition
