#include "partition/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/digest.h"
#include "geo/geohash.h"
#include "tests/support/placement_world.h"

namespace meridian::partition {
namespace {

using test::boxFence;
using test::PlacementWorld;
using testing::HasSubstr;

constexpr ZoneIx kOrderZone{0};
constexpr ZoneIx kAccountZone{1};
constexpr ZoneIx kWebZone{2};

std::shared_ptr<const Placement> mustBuild(const PlacementWorld& world, ZoneIx zone = kOrderZone) {
  auto placement = Placement::build(world.topology, zone, world.sources);
  EXPECT_TRUE(placement.has_value()) << placement.error().text();
  return placement ? *placement : nullptr;
}
std::string problemsOf(const PlacementWorld& world) {
  const auto placements = buildPlacements(world.topology, world.sources);
  return placements ? "" : placements.error().text();
}
std::string nameOf(const PlacementWorld& world, Locus locus) {
  return world.topology.partitions.at(locus.index()).id;
}
std::string show(const PlacementWorld& world, const Placed& placed) {
  return nameOf(world, placed.locus) + " by " + std::string(placedByName(placed.by));
}
std::string ofAddress(const PlacementWorld& world, const Placement& placement,
                      std::string_view address) {
  const auto match = placement.ofAddress(IpAddress::parse(address).value());
  return nameOf(world, match.locus) + "/" + std::to_string(match.scope);
}

TEST(Placement, FollowsTheOrderOfEvidence) {
  PlacementWorld world;
  world.partitionNamed("b").rules = {{"US", "", 0}, {"US", "Texas", 0}};
  world.partitionNamed("far").rules = {{"US", "Texas", 64500}};
  world.partitionNamed("a").rules = {{"US", "Texas", 0}, {"", "", 64501}};
  const auto placement = mustBuild(world);
  const auto of = [&](std::string partition, std::optional<geo::GeoPoint> point,
                      std::string country, std::string subdivision, std::uint32_t asn) {
    geo::Evidence evidence;
    evidence.partition = std::move(partition);
    evidence.location = {point, std::move(country), std::move(subdivision), "", asn};
    return show(world, placement->ofEvidence(evidence));
  };
  const geo::GeoPoint in_a{5, 5};
  const geo::GeoPoint near_a{5, -0.2};
  const geo::GeoPoint nowhere{45, 45};
  EXPECT_EQ(of("b", in_a, "US", "Texas", 64500), "b by override");
  EXPECT_EQ(of("of-another-zone", in_a, "US", "", 0), "a by fence");
  EXPECT_EQ(of("", in_a, "US", "Texas", 64500), "a by fence");
  EXPECT_EQ(of("", near_a, "US", "Texas", 64500), "far by rule");  // asn is most specific
  EXPECT_EQ(of("", near_a, "US", "Texas", 64501), "a by rule");
  // country+subdivision beats country; b's rule of the same kind comes later than a's.
  EXPECT_EQ(of("", near_a, "US", "Texas", 0), "a by rule");
  EXPECT_EQ(of("", near_a, "US", "Ohio", 0), "b by rule");
  EXPECT_EQ(of("", near_a, "CA", "Texas", 64500), "a by fence-snap");
  EXPECT_EQ(of("", nowhere, "", "", 0), "far by anchor");
  EXPECT_EQ(of("", std::nullopt, "US", "", 0), "b by rule");
  EXPECT_EQ(of("", std::nullopt, "DE", "", 0), "rest by default");
}

TEST(Placement, SnapsToNearFencesOnlyWithinTheLimit) {
  PlacementWorld world;
  const geo::GeoPoint km22{5, -0.2};
  EXPECT_EQ(show(world, mustBuild(world)->ofPoint(km22)), "a by fence-snap");
  world.topology.zones[0].placement.fence_snap_km = 22;
  EXPECT_EQ(show(world, mustBuild(world)->ofPoint(km22)), "far by anchor");
  world.topology.zones[0].placement.fence_snap_km = 0;
  EXPECT_EQ(show(world, mustBuild(world)->ofPoint({5, -1e-9})), "far by anchor");
  world.partitionNamed("far").anchors.clear();
  EXPECT_EQ(show(world, mustBuild(world)->ofPoint({5, -1e-9})), "rest by default");
}

TEST(Placement, AnswersAddressesWithTheirScope) {
  PlacementWorld world;
  world.setOverrides(
      "192.0.2.0/24 partition b\n"
      "198.51.100.0/25 at 5,5\n"
      "198.51.100.128/25 at 6,6\n"
      "2001:db8::/32 at 5,15\n");
  ASSERT_NE(world.sources.addresses, nullptr);
  const auto placement = mustBuild(world);
  EXPECT_EQ(ofAddress(world, *placement, "192.0.2.77"), "b/24");
  EXPECT_EQ(ofAddress(world, *placement, "198.51.100.200"), "a/24");  // both halves are alike
  EXPECT_EQ(ofAddress(world, *placement, "2001:db8::1"), "b/32");
  EXPECT_EQ(ofAddress(world, *placement, "203.0.113.1").substr(0, 5), "rest/");
  EXPECT_EQ(ofAddress(world, *placement, "::ffff:192.0.2.1"), "b/120");
}

TEST(Placement, PrivateNetworksSayNothingAndKeepTheirScope) {
  PlacementWorld world;
  world.setOverrides(
      "192.0.2.0/24 partition b\n"
      "10.9.0.0/16 partition b\n");
  ASSERT_NE(world.sources.addresses, nullptr);
  const auto placement = mustBuild(world);
  EXPECT_EQ(ofAddress(world, *placement, "10.9.1.1"), "b/16");  // the operator knows better
  for (const char* text :
       {"10.1.2.3", "192.168.7.7", "172.31.255.255", "127.0.0.1", "fd12::1", "fe80::1"}) {
    const IpAddress address = IpAddress::parse(text).value();
    const auto match = placement->ofAddress(address);
    EXPECT_FALSE(match.locus_known) << text;
    EXPECT_EQ(match.locus, placement->fallback()) << text;
    // The scope stays inside the private block, so no answer for it is reused outside.
    const IpPrefix scope{address.masked(match.scope), match.scope};
    const IpAddress last =
        address.isV4()
            ? IpAddress::v4(scope.address.asV4() | (match.scope == 32 ? 0 : ~0U >> match.scope))
            : IpAddress::v6(scope.address.bits() | (~U128{0} >> match.scope));
    EXPECT_TRUE(scope.address.isPrivate() && last.isPrivate()) << scope.text();
  }
  EXPECT_TRUE(placement->ofAddress(IpAddress::parse("11.0.0.1").value()).locus_known);
}

TEST(Placement, WithoutAddressesAnswersTheDefault) {
  const PlacementWorld world;
  EXPECT_EQ(ofAddress(world, *mustBuild(world), "192.0.2.1"), "rest/0");
}

TEST(Placement, AnswersGeohashes) {
  const PlacementWorld world;
  const auto placement = mustBuild(world);
  EXPECT_EQ(nameOf(world, placement->ofGeohash(geo::geohashOf({5, 5}, 6)).value()), "a");
  EXPECT_EQ(nameOf(world, placement->ofGeohash(geo::geohashOf({5, 15}, 12)).value()), "b");
  EXPECT_EQ(placement->ofGeohash("nogeohash"), std::nullopt);
  EXPECT_EQ(placement->ofGeohash(""), std::nullopt);
  EXPECT_EQ(nameOf(world, placement->fallback()), "rest");
}

TEST(Placement, AnswersCataloguesInEitherCase) {
  PlacementWorld world;
  world.sources.pois = {{"shop-1", {5, 5}, "", {}}, {"shop-2", {5, 5}, "b", {}}};
  world.sources.cities = {{"austin", {5, 15}, "", {}}};
  const auto placement = mustBuild(world);
  EXPECT_EQ(nameOf(world, placement->ofPoi("ShOp-1").value()), "a");
  EXPECT_EQ(nameOf(world, placement->ofPoi("SHOP-2").value()), "b");
  EXPECT_EQ(nameOf(world, placement->ofCity("Austin").value()), "b");
  EXPECT_EQ(placement->ofPoi("austin"), std::nullopt);
  EXPECT_EQ(placement->ofCity(""), std::nullopt);
  EXPECT_EQ(placement->ofCity(std::string(64, 'a')), std::nullopt);
  EXPECT_EQ(placement->ofCity(std::string_view("austin\0", 7)), std::nullopt);
}

// The definition of docs/topology.md "Keys", written out once more.
TEST(Placement, SpreadsKeysByRendezvous) {
  const PlacementWorld world;
  const auto placement = mustBuild(world);
  std::vector<int> hits(4);
  for (int i = 0; i < 400; ++i) {
    const std::string key = "user" + std::to_string(i);
    std::string winner;
    std::string best;
    for (const Partition& partition : world.topology.partitions) {
      const Sha256 digest = sha256(key + '\0' + partition.id);
      const std::string score(digest.begin(), digest.begin() + 8);
      if (winner.empty() || score > best) {
        winner = partition.id;
        best = score;
      }
    }
    const Locus locus = placement->ofKey(key);
    ASSERT_EQ(nameOf(world, locus), winner);
    EXPECT_EQ(placement->ofKey("USER" + std::to_string(i)), locus);
    ++hits[locus.index()];
  }
  for (const int count : hits) EXPECT_GT(count, 60);
}

TEST(Placement, ReportsAllThatIsWrongAtOnce) {
  PlacementWorld world;
  world.partitionNamed("far").fences = {{"box/aa", {"topology.json", 12, 5}},
                                        {"box/a", {"topology.json", 13, 5}},
                                        {"box/c", {"topology.json", 14, 5}}};
  world.sources.fences.push_back(boxFence("box/c", 19, 9, 30, 30));
  world.sources.pois = {{"shop", {0, 0}, "bb", {"pois.ndjson", 1, 1}},
                        {"shop", {0, 0}, "", {"pois.ndjson", 2, 1}}};
  world.setOverrides("192.0.2.0/24 partition nobody-has-this\n");
  const std::string problems = problemsOf(world);
  EXPECT_THAT(problems, HasSubstr("topology.json:12:5: zones[0].partitions[2].fences[0]: box/aa: "
                                  "there is no such fence; did you mean box/a?"));
  EXPECT_THAT(problems, HasSubstr("topology.json:13:5: zones[0].partitions[2].fences[1]: box/a: "
                                  "is used already, at topology.json:10:5"));
  EXPECT_THAT(problems, HasSubstr("topology.json:14:5: zones[0]: box/c: overlaps box/b by"));
  EXPECT_THAT(problems, HasSubstr("pois.ndjson:1:1: partition: bb: no zone has this partition; "
                                  "did you mean b?"));
  EXPECT_THAT(problems, HasSubstr("pois.ndjson:2:1: id: shop: stands already at pois.ndjson:1:1"));
  EXPECT_THAT(problems, HasSubstr("networks.txt:1"));
  EXPECT_THAT(problems, HasSubstr("nobody-has-this: no zone has this partition"));
}

TEST(Placement, OrdersSitesByDistance) {
  PlacementWorld world;
  world.setOverrides("192.0.2.0/24 at 50,10\n198.51.100.0/24 at 30,-97\n");
  world.sources.cities = {{"austin", {30, -97}, "", {}}};
  const auto placement = mustBuild(world, kWebZone);
  const auto orderOf = [&](Locus locus) {
    std::string text;
    for (const EZoneIx ezone : placement->siteOrder(locus)) {
      text += world.topology.ezones[ezone.index()].id + " ";
    }
    return text;
  };
  const auto ofIp = [&](const char* address) {
    return placement->ofAddress(IpAddress::parse(address).value()).locus;
  };
  EXPECT_EQ(orderOf(ofIp("192.0.2.1")), "fra iad dal ");
  EXPECT_EQ(orderOf(ofIp("198.51.100.1")), "dal iad fra ");
  EXPECT_EQ(ofIp("198.51.100.1"), placement->ofCity("austin"));
  EXPECT_EQ(orderOf(ofIp("203.0.113.1")), "dal iad fra ");  // unknown: the document's order
  EXPECT_EQ(ofIp("203.0.113.1"), placement->fallback());
  EXPECT_EQ(placement->ofPoint({38, -78}).by, PlacedBy::kDistance);
  EXPECT_EQ(placement->ofEvidence({}).by, PlacedBy::kDefault);
  EXPECT_LE(placement->locusCount(), 7U);  // 3! orders and the document's
}

// Whatever orders building met: the nearest eZone of any point is right.
TEST(PlacementProperty, TheNearestSiteIsAlwaysFirst) {
  constexpr unsigned kSeed = 20276;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::uniform_real_distribution<double> lat(-90, 90);
  std::uniform_real_distribution<double> lon(-180, 180);
  PlacementWorld world;
  std::vector<geo::GeoPoint> sites;
  for (const Datacenter& site : world.topology.datacenters) sites.push_back(site.point);
  for (std::uint8_t slot = 3; slot < 40; ++slot) {
    sites.push_back({lat(random), lon(random)});
    world.addSite("site-" + std::to_string(slot), sites.back(), slot);
    world.topology.zones[kWebZone.index()].ezones.emplace_back(slot);
  }
  const auto placement = mustBuild(world, kWebZone);
  const geo::NearestPoints nearest(sites);
  for (int i = 0; i < 5000; ++i) {
    const geo::GeoPoint point{lat(random), lon(random)};
    const auto& order = placement->siteOrder(placement->ofPoint(point).locus);
    ASSERT_EQ(order.size(), sites.size());
    ASSERT_EQ(order.front().index(), nearest.nearest(point));
  }
}

TEST(PlacementDiff, CountsWhatMoves) {
  PlacementWorld before;
  before.setOverrides("192.0.2.0/24 at 5,5\n2001:db8::/40 at 5,5\n");
  before.sources.pois = {{"x", {5, 5}, "", {}}, {"y", {5, 5}, "", {}}, {"gone", {5, 5}, "", {}}};
  before.sources.cities = {{"c", {5, 15}, "", {}}};
  PlacementWorld after;
  after.setOverrides("192.0.2.0/25 at 5,5\n2001:db8::/41 at 5,5\n");
  after.sources.pois = {{"x", {5, 15}, "", {}}, {"y", {6, 6}, "", {}}, {"new", {5, 5}, "", {}}};
  after.sources.cities = {{"c", {5, 5}, "", {}}};
  const auto old_placement = mustBuild(before);
  const auto new_placement = mustBuild(after);
  const PlacementDiff diff = diffPlacements(before.topology, *old_placement, after.topology,
                                            *new_placement, kOrderZone, kOrderZone);
  EXPECT_EQ(diff.ipv4_addresses, 128U);
  EXPECT_EQ(diff.ipv6_48s, 128U);
  EXPECT_EQ(diff.pois, 1U);
  EXPECT_EQ(diff.cities, 1U);
  // What they are compared with: "gone" and "new" are in one catalogue only, and of IPv6 nothing
  // but 2001:db8::/40 is known.
  EXPECT_EQ(diff.pois_compared, 2U);
  EXPECT_EQ(diff.cities_compared, 1U);
  EXPECT_EQ(diff.ipv6_48s_placed, 256U);
}

TEST(PlacementDiff, GoesByNamesNotByNumbers) {
  PlacementWorld before;
  before.setOverrides("192.0.2.0/24 at 5,5\n");
  PlacementWorld after;
  after.setOverrides("192.0.2.0/24 at 5,5\n");
  std::swap(after.topology.partitions[0], after.topology.partitions[1]);  // a and b
  for (const ZoneIx zone : {kOrderZone, kAccountZone, kWebZone}) {
    const PlacementDiff diff = diffPlacements(before.topology, *mustBuild(before, zone),
                                              after.topology, *mustBuild(after, zone), zone, zone);
    EXPECT_EQ(diff.ipv4_addresses, 0U);
    EXPECT_EQ(diff.ipv6_48s, 0U);
  }
  // The whole space moves: no overflow.
  after.topology.partitions[3].id = "other";
  const PlacementDiff all = diffPlacements(before.topology, *mustBuild(before), after.topology,
                                           *mustBuild(after), kOrderZone, kOrderZone);
  EXPECT_EQ(all.ipv4_addresses, (std::uint64_t{1} << 32) - 256);
  EXPECT_GT(all.ipv6_48s, std::uint64_t{1} << 47);
  EXPECT_LE(all.ipv6_48s, std::uint64_t{1} << 48);
  EXPECT_EQ(all.ipv6_48s_placed, all.ipv6_48s) << "the fallback moves too";
}

}  // namespace
}  // namespace meridian::partition
