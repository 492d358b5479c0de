// The limiter against an oracle that keeps every bucket in a map and counts whole tokens: while the
// table has room, their verdicts are the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <tuple>

#include "dns/net/rate_limiter.h"
#include "tests/support/dns_world.h"

namespace meridian::dns {
namespace {

// Rates that divide a second's nanoseconds, so that both arithmetics are exact.
constexpr std::uint32_t kExactRates[] = {0, 1, 2, 4, 5, 8, 10, 20, 25, 40, 50, 100, 1000};

struct OracleBucket {
  std::uint64_t thousandths = 0;  // of a token
  std::uint64_t last_ms = 0;
  std::uint32_t limited = 0;
};

class Oracle {
 public:
  explicit Oracle(const RateLimits& limits) : limits_(limits) {}

  RateVerdict judge(const IpAddress& client, const AnswerFacts& facts, std::uint64_t now) {
    if (facts.good_cookie) return RateVerdict::kSend;
    const IpAddress network =
        client.masked(client.isV4() ? limits_.ipv4_prefix : limits_.ipv6_prefix);
    const std::uint32_t rate = limits_.per_s[static_cast<std::size_t>(facts.kind)];
    OracleBucket* all = bucket({network, -1, 0}, limits_.all_per_s, now);
    if (all != nullptr && all->thousandths < 1000) return limited(*all);
    OracleBucket* own = bucket({network, static_cast<int>(facts.kind), facts.imputed}, rate, now);
    if (own != nullptr && own->thousandths < 1000) return limited(*own);
    if (all != nullptr) all->thousandths -= 1000;
    if (own != nullptr) own->thousandths -= 1000;
    return RateVerdict::kSend;
  }

 private:
  using Key = std::tuple<IpAddress, int, std::uint64_t>;

  OracleBucket* bucket(const Key& key, std::uint32_t rate, std::uint64_t now) {
    if (rate == 0) return nullptr;
    const std::uint64_t most =
        std::uint64_t{rate} * 1000 * static_cast<std::uint64_t>(limits_.burst.count());
    const auto [at, made] = buckets_.try_emplace(key, OracleBucket{most, now, 0});
    OracleBucket& found = at->second;
    found.thousandths = std::min(most, found.thousandths + (now - found.last_ms) * rate);
    found.last_ms = now;
    return &found;
  }
  RateVerdict limited(OracleBucket& found) const {
    ++found.limited;
    return limits_.slip != 0 && found.limited % limits_.slip == 0 ? RateVerdict::kCut
                                                                  : RateVerdict::kDrop;
  }

  const RateLimits& limits_;
  std::map<Key, OracleBucket> buckets_;
};

std::uint32_t pick(std::mt19937_64& random, std::uint32_t below) {
  return static_cast<std::uint32_t>(random() % below);
}

RateLimits randomLimits(std::mt19937_64& random) {
  const auto rate = [&] { return kExactRates[pick(random, std::size(kExactRates))]; };
  RateLimits limits;
  for (std::uint32_t& each : limits.per_s) each = rate();
  limits.all_per_s = rate();
  limits.burst = std::chrono::seconds(1 + pick(random, 5));
  limits.slip = pick(random, 5);
  limits.ipv4_prefix = static_cast<std::uint8_t>(22 + pick(random, 11));
  limits.ipv6_prefix = static_cast<std::uint8_t>(48 + pick(random, 81));
  limits.table_buckets = 1 << 18;  // for some hundred keys: no set is ever full
  return limits;
}

IpAddress randomClient(std::mt19937_64& random) {
  const std::uint32_t host = pick(random, 4) << 8 | pick(random, 2);
  if (pick(random, 3) != 0) return IpAddress::v4(0xC6336400U + host);
  return IpAddress::v6(U128{0x20010DB800000000U + host} << 64 | pick(random, 2));
}

TEST(RateLimiterProperty, JudgesAsAnOracleWithAllTheMemoryInTheWorld) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::size_t verdicts[3] = {};
  for (int round = 0; round < 60; ++round) {
    const RateLimits limits = randomLimits(random);
    SipKey key{};
    for (std::uint8_t& byte : key) byte = static_cast<std::uint8_t>(random());
    RateLimiter limiter(limits, key);
    Oracle oracle(limits);
    std::uint64_t now = 1 + pick(random, 1'000'000);
    const std::uint32_t pause = 1U << pick(random, 8);
    for (int i = 0; i < 3'000; ++i) {
      if (pick(random, 4) == 0) now += pick(random, pause);
      if (pick(random, 1000) == 0) now += 10'000;
      const IpAddress client = randomClient(random);
      const AnswerFacts facts{static_cast<AnswerKind>(pick(random, kAnswerKinds)),
                              pick(random, 20) == 0, pick(random, 3)};
      const RateVerdict expected = oracle.judge(client, facts, now);
      ASSERT_EQ(limiter.judge(client, facts, now), expected)
          << "round " << round << ", answer " << i << ", " << client.text();
      ++verdicts[static_cast<std::size_t>(expected)];
    }
  }
  for (const std::size_t count : verdicts) EXPECT_GT(count, 1'000U) << "every verdict was seen";
}

}  // namespace
}  // namespace meridian::dns
