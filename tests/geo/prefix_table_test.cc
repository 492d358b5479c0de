// PrefixTable against a brute-force longest-prefix oracle: values, scopes, aliases.
#include "geo/prefix_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>

namespace meridian::geo {
namespace {

// The plain form: a set of nested prefixes, the longest one that holds an address wins.
class Oracle {
 public:
  explicit Oracle(IpFamily family) : bits_(bitsOf(family)), family_(family) {}

  void add(U128 address, std::uint8_t length, std::uint32_t value) {
    prefixes_[{length, maskedBits(address, length)}] = value;
  }
  std::uint32_t value(U128 address) const {
    for (unsigned length = bits_ + 1U; length-- > 0;) {
      const auto found = prefixes_.find({static_cast<std::uint8_t>(length),
                                         maskedBits(address, static_cast<std::uint8_t>(length))});
      if (found != prefixes_.end()) return found->second;
    }
    return 0;
  }
  // The value at every address at which it may change, and at the neighbours of these.
  std::map<U128, std::uint32_t> boundaries() const {
    std::map<U128, std::uint32_t> out = {{0, value(0)}, {all(), value(all())}};
    for (const auto& [key, ignored] : prefixes_) {
      const U128 first = key.second;
      const U128 last = first | below(key.first);
      for (const U128 at :
           {first, last, first == 0 ? 0 : first - 1, last == all() ? last : last + 1}) {
        if (!out.contains(at)) out.emplace(at, value(at));
      }
    }
    return out;
  }
  template <class Range>
  std::vector<Range> ranges() const {
    std::vector<Range> out;
    for (const auto& [at, value] : boundaries()) {
      out.push_back({static_cast<decltype(Range::first)>(at), value});
    }
    return out;
  }
  // The bits after the first `length`.
  U128 below(std::uint8_t length) const { return length == bits_ ? U128{0} : all() >> length; }
  U128 all() const { return bits_ == 128 ? ~U128{0} : (U128{1} << bits_) - 1; }

 private:
  U128 maskedBits(U128 address, std::uint8_t length) const {
    const IpAddress whole = family_ == IpFamily::kV4
                                ? IpAddress::v4(static_cast<std::uint32_t>(address))
                                : IpAddress::v6(address);
    return whole.masked(length).bits();
  }

  std::uint8_t bits_;
  IpFamily family_;
  std::map<std::pair<std::uint8_t, U128>, std::uint32_t> prefixes_;
};

U128 random128(std::mt19937_64& random) {
  const U128 high = random();
  return high << 64 | random();
}

// Prefixes that nest and adjoin: most start from one that was made before.
Oracle randomOracle(IpFamily family, std::mt19937_64& random, std::size_t count,
                    std::uint32_t values) {
  Oracle oracle(family);
  const unsigned bits = bitsOf(family);
  std::vector<U128> seen = {random128(random) & oracle.all()};
  for (std::size_t i = 0; i < count; ++i) {
    U128 address = random128(random) & oracle.all();
    if (random() % 4 != 0) {
      const unsigned kept = static_cast<unsigned>(random() % (bits + 1));
      const U128 fresh = kept >= bits ? 0 : oracle.all() >> kept;
      address = (seen[random() % seen.size()] & ~fresh) | (address & fresh);
    }
    seen.push_back(address);
    oracle.add(address, static_cast<std::uint8_t>(random() % (bits + 1)),
               static_cast<std::uint32_t>(random() % values));
  }
  return oracle;
}

IpAddress tableAddress(IpFamily family, U128 bits) {
  return family == IpFamily::kV4 ? IpAddress::v4(static_cast<std::uint32_t>(bits))
                                 : IpAddress::v6(bits);
}

bool inAlias(U128 address) {
  return std::any_of(kV4Aliases.begin(), kV4Aliases.end(), [&](const V4Alias& alias) {
    return address >= alias.prefix && address <= alias.last();
  });
}
bool touchesAlias(const IpPrefix& scope) {
  return !scope.address.isV4() &&
         std::any_of(kV4Aliases.begin(), kV4Aliases.end(), [&](const V4Alias& alias) {
           const U128 first = scope.address.bits();
           const U128 last = first | (scope.length == 128 ? U128{0} : ~U128{0} >> scope.length);
           return first <= alias.last() && last >= alias.prefix;
         });
}

// The answer is the oracle's, and it is the widest aligned prefix on which the oracle is constant.
void expectRight(const PrefixTable& table, const Oracle& oracle,
                 const std::map<U128, std::uint32_t>& boundaries, const IpAddress& address) {
  const PrefixTable::Match match = table.lookup(address);
  ASSERT_EQ(match.value, oracle.value(address.bits())) << address.text();
  const auto constantOn = [&](std::uint8_t length) {
    const IpPrefix scope{address.masked(length), length};
    if (touchesAlias(scope)) return false;
    const U128 first = scope.address.bits();
    const U128 last = first | oracle.below(length);
    const auto end = boundaries.upper_bound(last);
    return std::all_of(boundaries.lower_bound(first), end,
                       [&](const auto& at) { return at.second == match.value; });
  };
  ASSERT_TRUE(constantOn(match.scope)) << address.text() << "/" << int{match.scope};
  if (match.scope > 0) {
    ASSERT_FALSE(constantOn(static_cast<std::uint8_t>(match.scope - 1)))
        << address.text() << "/" << int{match.scope} << " could be wider";
  }
}

void expectEqualToOracle(std::uint64_t seed, std::size_t count, std::uint32_t values) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const Oracle v4 = randomOracle(IpFamily::kV4, random, count, values);
  const Oracle v6 = randomOracle(IpFamily::kV6, random, count, values);
  const PrefixTable table(v4.ranges<V4Range>(), v6.ranges<V6Range>());
  for (const auto& [family, oracle] :
       {std::pair(IpFamily::kV4, &v4), std::pair(IpFamily::kV6, &v6)}) {
    const auto boundaries = oracle->boundaries();
    std::set<U128> probes;
    for (const auto& [at, value] : boundaries) probes.insert(at);
    for (int i = 0; i < 500; ++i) probes.insert(random128(random) & oracle->all());
    for (const U128 at : probes) {
      const IpAddress address = tableAddress(family, at);
      if (!address.isV4() && inAlias(at)) continue;
      ASSERT_NO_FATAL_FAILURE(expectRight(table, *oracle, boundaries, address));
    }
  }
}

TEST(PrefixTable, EqualsLongestPrefixOracle) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    ASSERT_NO_FATAL_FAILURE(expectEqualToOracle(seed, 1 + seed * 3, seed % 3 == 0 ? 2 : 50));
  }
}

// Enough ranges for each width of the root.
TEST(PrefixTable, EqualsLongestPrefixOracleWithWiderRoots) {
  ASSERT_NO_FATAL_FAILURE(expectEqualToOracle(1001, 2000, 7));
  ASSERT_NO_FATAL_FAILURE(expectEqualToOracle(1002, 20000, 3));
}

TEST(PrefixTable, LeavesCoverEverythingOnce) {
  std::mt19937_64 random(7);
  const Oracle v4 = randomOracle(IpFamily::kV4, random, 300, 5);
  const Oracle v6 = randomOracle(IpFamily::kV6, random, 300, 5);
  const PrefixTable table(v4.ranges<V4Range>(), v6.ranges<V6Range>());
  std::size_t leaves = 0;
  U128 next = 0;
  IpFamily family = IpFamily::kV4;
  table.forEachLeaf([&](const IpPrefix& scope, std::uint32_t value) {
    ++leaves;
    if (scope.address.family() != family) {
      EXPECT_EQ(next, U128{1} << 32);
      family = IpFamily::kV6;
      next = 0;
    }
    for (const V4Alias& alias : kV4Aliases) {
      if (family == IpFamily::kV6 && next == alias.prefix) next = alias.last() + 1;
    }
    const Oracle& oracle = family == IpFamily::kV4 ? v4 : v6;
    EXPECT_EQ(scope.address.bits(), next) << scope.text();
    EXPECT_EQ(scope.address.masked(scope.length), scope.address) << scope.text();
    EXPECT_EQ(value, oracle.value(scope.address.bits()));
    next = (scope.address.bits() | oracle.below(scope.length)) + 1;
  });
  EXPECT_EQ(next, U128{0});  // one past the last IPv6 address
  EXPECT_EQ(leaves, table.leafCount());
}

TEST(PrefixTable, OneValueHasScopeZeroInIpv4) {
  const std::vector<V4Range> v4 = {{0, 9}, {77, 9}, {0xffff'ffff, 9}};
  const std::vector<V6Range> v6 = {{0, PrefixTable::kMaxValue}};
  const PrefixTable table(v4, v6);
  EXPECT_EQ(table.lookupV4(0xc000'0201).scope, 0);
  EXPECT_EQ(table.lookupV4(0xc000'0201).value, 9U);
  // In IPv6 the alias prefixes stand apart, so no scope can be 0.
  EXPECT_EQ(table.lookupV6(~U128{0}).scope, 1);
  EXPECT_EQ(table.lookupV6(~U128{0}).value, PrefixTable::kMaxValue);
}

TEST(PrefixTable, AliasesGiveTheIpv4ValueInIpv6Bits) {
  const std::vector<V4Range> v4 = {{0, 1}, {0xc000'0200, 2}, {0xc000'0300, 1}};
  const std::vector<V6Range> v6 = {{0, 3}};
  const PrefixTable table(v4, v6);
  const auto lookup = [&](const char* text) { return table.lookup(*IpAddress::parse(text)); };
  for (const auto& [text, value, scope] :
       {std::tuple("::ffff:192.0.2.1", 2U, 96 + 24),
        std::tuple("64:ff9b::192.0.2.255", 2U, 96 + 24),
        std::tuple("2002:c000:0201:1234::5", 2U, 16 + 24),
        std::tuple("2002:c000:0301::", 1U, 16 + 24), std::tuple("::ffff:0.0.0.0", 1U, 96 + 1),
        std::tuple("2002:ffff:ffff::1", 1U, 16 + 3), std::tuple("::fffe:ffff:ffff", 3U, 96),
        std::tuple("::1:0:0:0", 3U, 80),
        std::tuple("64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", 3U, 32),
        std::tuple("64:ff9b::1:0:0", 3U, 96), std::tuple("2001::1", 3U, 15),
        std::tuple("2003::1", 3U, 16), std::tuple("2000::1", 3U, 15)}) {
    EXPECT_EQ(lookup(text).value, value) << text;
    EXPECT_EQ(int{lookup(text).scope}, scope) << text;
  }
}

}  // namespace
}  // namespace meridian::geo
