// PrefixTable against a brute-force longest-prefix oracle: values, scopes, aliases.
#include "geo/prefix_table.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/geo/prefix_table_oracle.h"

namespace meridian::geo {
namespace {

using test::expectEqualToOracle;
using test::PrefixOracle;
using test::randomOracle;

TEST(PrefixTable, EqualsLongestPrefixOracle) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    ASSERT_NO_FATAL_FAILURE(expectEqualToOracle(seed, 1 + seed * 3, seed % 3 == 0 ? 2 : 50));
  }
}

TEST(PrefixTable, LeavesCoverEverythingOnce) {
  std::mt19937_64 random(7);
  const PrefixOracle v4 = randomOracle(IpFamily::kV4, random, 300, 5);
  const PrefixOracle v6 = randomOracle(IpFamily::kV6, random, 300, 5);
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
    const PrefixOracle& oracle = family == IpFamily::kV4 ? v4 : v6;
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
