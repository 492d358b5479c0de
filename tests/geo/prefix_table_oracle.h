// A brute-force longest-prefix oracle for PrefixTable, random ones, and the comparison.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "geo/prefix_table.h"

namespace meridian::geo::test {

// The plain form: a set of nested prefixes, the longest one that holds an address wins.
class PrefixOracle {
 public:
  explicit PrefixOracle(IpFamily family) : bits_(bitsOf(family)), family_(family) {}

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

inline U128 random128(std::mt19937_64& random) {
  const U128 high = random();
  return high << 64 | random();
}

// Prefixes that nest and adjoin: most start from one that was made before.
inline PrefixOracle randomOracle(IpFamily family, std::mt19937_64& random, std::size_t count,
                                 std::uint32_t values) {
  PrefixOracle oracle(family);
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

inline IpAddress tableAddress(IpFamily family, U128 bits) {
  return family == IpFamily::kV4 ? IpAddress::v4(static_cast<std::uint32_t>(bits))
                                 : IpAddress::v6(bits);
}

inline bool inAlias(U128 address) {
  return std::any_of(kV4Aliases.begin(), kV4Aliases.end(), [&](const V4Alias& alias) {
    return address >= alias.prefix && address <= alias.last();
  });
}
inline bool touchesAlias(const IpPrefix& scope) {
  return !scope.address.isV4() &&
         std::any_of(kV4Aliases.begin(), kV4Aliases.end(), [&](const V4Alias& alias) {
           const U128 first = scope.address.bits();
           const U128 last = first | (scope.length == 128 ? U128{0} : ~U128{0} >> scope.length);
           return first <= alias.last() && last >= alias.prefix;
         });
}

// The answer is the oracle's, and it is the widest aligned prefix on which the oracle is constant.
inline void expectRight(const PrefixTable& table, const PrefixOracle& oracle,
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

inline void expectEqualToOracle(std::uint64_t seed, std::size_t count, std::uint32_t values) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const PrefixOracle v4 = randomOracle(IpFamily::kV4, random, count, values);
  const PrefixOracle v6 = randomOracle(IpFamily::kV6, random, count, values);
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

}  // namespace meridian::geo::test
