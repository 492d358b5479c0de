#include "partition/moved_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::partition {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Topology zonesOf(const std::vector<std::string>& ids) {
  Topology topology;
  for (const std::string& id : ids) {
    Zone zone;
    zone.id = id;
    topology.zones.push_back(std::move(zone));
  }
  return topology;
}

std::vector<std::string> movedTexts(unsigned max_percent, const PlacementDiff& diff) {
  std::vector<std::string> out;
  const Topology same = zonesOf({"order"});
  for (const MovedPlaces& each : movedAbove(max_percent, same, same, {{"order", diff}})) {
    out.push_back(each.text());
  }
  return out;
}

TEST(MovedAbove, TheLimitItselfMayMove) {
  PlacementDiff diff;
  diff.pois = 2;
  diff.pois_compared = 200;
  EXPECT_THAT(movedTexts(1, diff), IsEmpty());
  diff.pois = 3;
  EXPECT_THAT(movedTexts(1, diff), ElementsAre("zone order: 3 of 200 pois (1.50 %)"));
  EXPECT_THAT(movedTexts(2, diff), IsEmpty());
}

TEST(MovedAbove, EachKindOfPlaceCountsByItself) {
  PlacementDiff diff;
  diff.pois_compared = diff.cities_compared = diff.ipv6_48s_placed = 1000;
  EXPECT_THAT(movedTexts(0, diff), IsEmpty());
  diff.cities = 11;
  EXPECT_THAT(movedTexts(1, diff), ElementsAre("zone order: 11 of 1000 cities (1.10 %)"));
  diff.ipv6_48s = 500;  // the largest part is shown
  EXPECT_THAT(movedTexts(1, diff), ElementsAre("zone order: 500 of 1000 ipv6_48s (50.00 %)"));
  diff = {};
  diff.ipv4_addresses = (std::uint64_t{1} << 32) / 100;
  EXPECT_THAT(movedTexts(1, diff), IsEmpty());
  ++diff.ipv4_addresses;
  EXPECT_THAT(movedTexts(1, diff),
              ElementsAre("zone order: 42949673 of 4294967296 ipv4_addresses (1.00 %)"));
}

TEST(MovedAbove, NothingIsAboveAHundredAndAnythingIsAboveNone) {
  PlacementDiff diff;
  diff.ipv6_48s = diff.ipv6_48s_placed = std::uint64_t{1} << 48;
  EXPECT_THAT(movedTexts(100, diff), IsEmpty());
  EXPECT_THAT(movedTexts(99, diff), testing::SizeIs(1));
  diff = {};
  diff.ipv4_addresses = 1;
  EXPECT_THAT(movedTexts(0, diff), testing::SizeIs(1));
}

TEST(MovedAbove, AZoneThatGoesAwayGivesAwayAllAndANewOneTakesNothing) {
  const Topology one = zonesOf({"order"});
  const Topology two = zonesOf({"order", "account"});
  EXPECT_THAT(movedAbove(1, one, two, {{"order", {}}}), IsEmpty());
  const auto gone = movedAbove(1, two, one, {{"order", {}}});
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0].text(), "zone account: it goes away, with all of its places");
  EXPECT_EQ(gone[0].percent(), 100.0);
  EXPECT_THAT(movedAbove(100, two, one, {{"order", {}}}), IsEmpty());
  // Another id: nobody can tell that it is the same zone.
  EXPECT_THAT(movedAbove(1, one, zonesOf({"orders"}), {}), testing::SizeIs(1));
}

}  // namespace
}  // namespace meridian::partition
