// AddressEvidence: layers of databases and overrides against a brute-force oracle.
#include "geo/address_evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/support/mmdb_writer.h"

namespace meridian::geo {
namespace {

using test::MmdbMap;
using test::MmdbValue;
using test::MmdbWriter;
using test::TemporaryFile;
using ::testing::HasSubstr;

IpAddress addressOf(const char* text) {
  return IpAddress::parse(text).value();
}
MmdbValue city(const std::string& name, double lat) {
  return {MmdbMap{{"city", {name}}, {"latitude", {lat}}, {"longitude", {1.0}}}};
}
MmdbValue asn(std::uint32_t number) {
  return {MmdbMap{{"autonomous_system_number", {number}}, {"city", {std::string("of asn")}}}};
}
std::shared_ptr<const Mmdb> opened(const MmdbWriter& writer) {
  const TemporaryFile file(writer.bytes());
  return Mmdb::open({file.path(), {}, {}}).value();
}
AddressEvidence built(std::vector<std::shared_ptr<const Mmdb>> databases,
                      const std::string& overrides) {
  auto list = parseNetworks(overrides, "n.txt");
  if (!list) throw std::runtime_error(list.error().text());
  return AddressEvidence::build(std::move(databases), std::move(*list)).value();
}

// The evidence by way of ranges and ids, as a placement sees it.
class ByRange {
 public:
  explicit ByRange(const AddressEvidence& evidence) : evidence_(evidence) {
    const Status done = evidence.forEach([&](std::uint32_t id, const Evidence& each) {
      EXPECT_EQ(id, all_.size());
      all_.push_back(each);
    });
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_EQ(all_.size(), evidence.count());
    checkOrder(evidence.v4());
    checkOrder(evidence.v6());
  }
  const Evidence& at(const IpAddress& address) const {
    return all_.at(address.isV4() ? idAt(evidence_.v4(), address.asV4())
                                  : idAt(evidence_.v6(), address.bits()));
  }

 private:
  template <class Range>
  static void checkOrder(std::span<const Range> ranges) {
    ASSERT_FALSE(ranges.empty());
    EXPECT_EQ(ranges.front().first, decltype(Range::first){0});
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      EXPECT_LT(ranges[i - 1].first, ranges[i].first);
      EXPECT_NE(ranges[i - 1].value, ranges[i].value) << "not coalesced";
    }
  }
  template <class Range>
  static std::uint32_t idAt(std::span<const Range> ranges, decltype(Range::first) address) {
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), address,
                                        [](auto a, const Range& b) { return a < b.first; });
    return std::prev(after)->value;
  }

  const AddressEvidence& evidence_;
  std::vector<Evidence> all_;
};

TEST(AddressEvidence, NothingIsKnownWithoutSources) {
  const AddressEvidence evidence = built({}, "");
  EXPECT_EQ(evidence.count(), 1U);
  ASSERT_EQ(evidence.v4().size(), 1U);
  ASSERT_EQ(evidence.v6().size(), 1U);
  const auto found = evidence.find(addressOf("192.0.2.1"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source, "nothing");
  EXPECT_EQ(found->network.text(), "0.0.0.0/0");
  EXPECT_EQ(found->evidence.location, Location{});
}

TEST(AddressEvidence, FieldsComeFromTheFirstDatabaseThatHasThem) {
  MmdbWriter cities(4);
  cities.insert("192.0.2.0/24", city("first", 10));
  MmdbWriter numbers(4);
  numbers.insert("192.0.0.0/16", asn(64500));
  const AddressEvidence evidence = built({opened(cities), opened(numbers)}, "");
  const ByRange ranges(evidence);
  EXPECT_EQ(ranges.at(addressOf("192.0.2.1")).location,
            (Location{GeoPoint{10, 1}, "", "", "first", 64500}));
  EXPECT_EQ(ranges.at(addressOf("192.0.3.1")).location,
            (Location{std::nullopt, "", "", "of asn", 64500}));
  const auto found = evidence.find(addressOf("192.0.2.1"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->network.text(), "192.0.2.0/24");
  EXPECT_THAT(found->source, HasSubstr("database "));
}

TEST(AddressEvidence, OverridesStandOverDatabases) {
  MmdbWriter cities(6);
  cities.insert("192.0.0.0/16", city("database", 10));
  cities.insert("2001:db8::/32", city("six", 20));
  const AddressEvidence evidence = built({opened(cities)},
                                         "192.0.2.0/24 partition us-tx\n"
                                         "192.0.4.0/22 at 30,40 country=US\n"
                                         "192.0.5.0/24 partition us-ca\n"
                                         "255.255.255.255 partition last\n"
                                         "2001:db8:1::/48 at 1,2\n");
  const ByRange ranges(evidence);
  EXPECT_EQ(ranges.at(addressOf("192.0.2.255")).partition, "us-tx");
  EXPECT_EQ(ranges.at(addressOf("192.0.2.255")).location.city, "database");
  const Evidence& located = ranges.at(addressOf("192.0.4.1"));
  EXPECT_EQ(located.location, (Location{GeoPoint{30, 40}, "US", "", "", 0}));
  EXPECT_EQ(located.partition, "");
  // A partition inside coordinates: both count, for zones with and without the partition.
  EXPECT_EQ(ranges.at(addressOf("192.0.5.1")).partition, "us-ca");
  EXPECT_EQ(ranges.at(addressOf("192.0.5.1")).location.country, "US");
  EXPECT_EQ(ranges.at(addressOf("255.255.255.255")).partition, "last");
  EXPECT_EQ(ranges.at(addressOf("255.255.255.254")).partition, "");
  EXPECT_EQ(ranges.at(addressOf("2001:db8:1::1")).location.point, (GeoPoint{1, 2}));
  EXPECT_EQ(ranges.at(addressOf("2001:db8:2::1")).location.city, "six");

  const auto found = evidence.find(addressOf("192.0.5.9"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source, "override n.txt:3");
  EXPECT_EQ(found->network.text(), "192.0.5.0/24");
  EXPECT_EQ(evidence.find(addressOf("2002:c000:509::1"))->network.text(), "192.0.5.0/24");
}

TEST(AddressEvidence, ATornDatabaseIsRefused) {
  MmdbWriter looped(4, 24);
  looped.insert("192.0.2.0/24", city("x", 10));
  std::string bytes = looped.bytes();
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = '\0';
  const TemporaryFile file(bytes);
  const auto tree = AddressEvidence::build({Mmdb::open({file.path(), {}, {}}).value()}, {});
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().kind, ErrorKind::kCorrupt);

  MmdbWriter wrong(4);
  wrong.insert("192.0.2.0/24", city("x", 91));
  const AddressEvidence evidence = built({opened(wrong)}, "");
  const Status decoded = evidence.forEach([](std::uint32_t, const Evidence&) {});
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, ErrorKind::kCorrupt);
}

// --- random layers against longest prefixes by brute force -------------------------------------

using Prefixes = std::map<IpPrefix, std::string>;

const std::string* longest(const Prefixes& prefixes, const IpAddress& address) {
  const std::string* best = nullptr;
  int length = -1;
  for (const auto& [prefix, name] : prefixes) {
    if (prefix.length > length && prefix.contains(address)) {
      best = &name;
      length = prefix.length;
    }
  }
  return best;
}

IpPrefix randomPrefix(std::mt19937_64& random, unsigned shortest) {
  const bool v4 = random() % 2 == 0;
  const unsigned bits = v4 ? 32 : 128;
  const auto length = static_cast<std::uint8_t>(shortest + random() % (bits - shortest + 1));
  // Few distinct high bits, so that prefixes nest.
  const U128 low = static_cast<U128>(random()) << 40 | random();
  const IpAddress address =
      v4 ? IpAddress::v4(0xc000'0000U | (static_cast<std::uint32_t>(low) & 0x0300'ffffU))
         : IpAddress::v6(U128{0x2a} << 120 | (low & 0xffff'ffffU) << (random() % 88));
  return {address.masked(length), length};
}

Prefixes randomPrefixes(std::mt19937_64& random, std::size_t count, unsigned shortest) {
  Prefixes out;
  while (out.size() < count) {
    out[randomPrefix(random, shortest)] = "n" + std::to_string(random() % 9);
  }
  return out;
}

std::shared_ptr<const Mmdb> databaseOf(const Prefixes& prefixes, bool cities) {
  std::vector<std::pair<IpPrefix, std::string>> wide_first(prefixes.begin(), prefixes.end());
  std::stable_sort(wide_first.begin(), wide_first.end(),
                   [](const auto& a, const auto& b) { return a.first.length < b.first.length; });
  MmdbWriter writer(6);
  for (const auto& [prefix, name] : wide_first) {
    writer.insert(prefix, cities ? city(name, 5) : asn(1 + static_cast<std::uint32_t>(name[1])));
  }
  return opened(writer);
}

std::set<IpAddress> boundariesOf(const Prefixes& prefixes) {
  std::set<IpAddress> out;
  for (const auto& [prefix, name] : prefixes) {
    const bool v4 = prefix.address.isV4();
    const U128 all = v4 ? U128{0xffff'ffff} : ~U128{0};
    const U128 first = prefix.address.bits();
    const U128 last = prefix.length == (v4 ? 32 : 128) ? first : first | all >> prefix.length;
    for (const U128 at : {first - 1, first, last, last + 1}) {
      const U128 inside = at & all;
      out.insert(v4 ? IpAddress::v4(static_cast<std::uint32_t>(inside)) : IpAddress::v6(inside));
    }
  }
  return out;
}

TEST(AddressEvidence, EqualsBruteForceOnEveryBoundary) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Prefixes cities = randomPrefixes(random, 40, 4);
    const Prefixes numbers = randomPrefixes(random, 40, 4);
    const Prefixes partitions = randomPrefixes(random, 40, 0);
    std::string list;
    for (const auto& [prefix, name] : partitions)
      list += prefix.text() + " partition " + name + "\n";
    const AddressEvidence evidence =
        built({databaseOf(cities, true), databaseOf(numbers, false)}, list);
    const ByRange ranges(evidence);
    std::set<IpAddress> probes = boundariesOf(cities);
    probes.merge(boundariesOf(numbers));
    probes.merge(boundariesOf(partitions));
    for (const IpAddress& address : probes) {
      const std::string* in_city = longest(cities, address);
      const std::string* in_number = longest(numbers, address);
      const std::string* partition = longest(partitions, address);
      const auto found = evidence.find(address);
      ASSERT_TRUE(found) << found.error().message;
      for (const Evidence& got : {ranges.at(address), found->evidence}) {
        ASSERT_EQ(got.partition, partition == nullptr ? "" : *partition) << address.text();
        ASSERT_EQ(got.location.city, in_city != nullptr     ? *in_city
                                     : in_number != nullptr ? "of asn"
                                                            : "")
            << address.text();
        ASSERT_EQ(got.location.asn,
                  in_number == nullptr ? 0U : 1U + static_cast<std::uint32_t>((*in_number)[1]))
            << address.text();
      }
    }
  }
}

}  // namespace
}  // namespace meridian::geo
