// The last good sites over restarts: what is written when, what a topology still has of it, and a
// store that fails or has nonsense in it.
#include "partition/good_sites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/memory_store.h"
#include "tests/support/placement_world.h"

namespace meridian::partition {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr ZoneIx kGoodZone{2};

class GoodSitesTest : public testing::Test {
 protected:
  GoodSitesTest() {
    world_.topology.zones[kGoodZone.index()].stateless.all_down = AllDown::kLastGood;
  }
  GoodSites open() {
    auto opened =
        GoodSites::open(std::make_shared<test::MemoryStore>(disk_, GoodSites::families()));
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }
  DecisionSet decided(std::vector<EZoneIx> good) const {
    DecisionSet out(3, std::make_shared<const ZoneDecisions>());
    auto zone = std::make_shared<ZoneDecisions>();
    zone->last_good = std::move(good);
    out[kGoodZone.index()] = std::move(zone);
    return out;
  }
  Status keep(GoodSites& sites, std::vector<EZoneIx> good) {
    return sites.keep(world_.topology, decided(std::move(good)), nullptr);
  }
  std::vector<EZoneIx> known(const GoodSites& sites) const {
    return sites.of(world_.topology)[kGoodZone.index()];
  }

  test::PlacementWorld world_;
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
};

TEST_F(GoodSitesTest, ARestartHasTheLastSet) {
  GoodSites sites = open();
  EXPECT_THAT(known(sites), IsEmpty());
  EXPECT_TRUE(keep(sites, {EZoneIx(0), EZoneIx(2)}));
  EXPECT_THAT(known(open()), ElementsAre(EZoneIx(0), EZoneIx(2)));
  EXPECT_TRUE(keep(sites, {EZoneIx(1)}));
  EXPECT_THAT(known(open()), ElementsAre(EZoneIx(1)));
}

TEST_F(GoodSitesTest, OnlyAChangeIsWritten) {
  GoodSites sites = open();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(keep(sites, {EZoneIx(0)}));
  EXPECT_EQ(disk_->writes, 1U);
  GoodSites again = open();
  EXPECT_TRUE(keep(again, {EZoneIx(0)}));
  EXPECT_EQ(disk_->writes, 1U);
}

TEST_F(GoodSitesTest, ATopologyHasWhatItStillHas) {
  GoodSites sites = open();
  EXPECT_TRUE(keep(sites, {EZoneIx(0), EZoneIx(2)}));
  Zone& zone = world_.topology.zones[kGoodZone.index()];
  zone.ezones = {EZoneIx(2), EZoneIx(1)};
  EXPECT_THAT(known(open()), ElementsAre(EZoneIx(2)));
  zone.stateless.all_down = AllDown::kNearest;
  EXPECT_TRUE(keep(sites, {EZoneIx(2)}));
  EXPECT_TRUE(disk_->families["stateless"].empty()) << "another policy needs no memory";
}

TEST_F(GoodSitesTest, AFailedWriteIsMadeAgain) {
  for (const auto failure :
       {test::MemoryDisk::Failure::kLost, test::MemoryDisk::Failure::kStored}) {
    *disk_ = {};
    GoodSites sites = open();
    disk_->fail_at = 0;
    disk_->failure = failure;
    EXPECT_EQ(keep(sites, {EZoneIx(1)}).error().kind, ErrorKind::kIo);
    EXPECT_TRUE(keep(sites, {EZoneIx(1)}));
    EXPECT_EQ(disk_->writes, 2U);
    EXPECT_THAT(known(open()), ElementsAre(EZoneIx(1)));
  }
}

TEST_F(GoodSitesTest, AServiceHasItsOwnWhereItIsNotItsZones) {
  Service www;
  www.name = "WWW.shop.example.";
  www.zone = kGoodZone;
  www.endpoints.push_back({.ezone = EZoneIx(0), .records = {}, .pool = {PoolEndpoint{}}});
  world_.topology.services = {www};
  const auto keepOf = [&](GoodSites& sites, std::vector<EZoneIx> own) {
    auto pools = std::make_shared<ServicePools>();
    auto decisions = std::make_shared<ZoneDecisions>();
    decisions->last_good = std::move(own);
    pools->decisions = std::move(decisions);
    const PoolSet set{pools};
    return sites.keep(world_.topology, decided({EZoneIx(0), EZoneIx(2)}), &set);
  };
  GoodSites sites = open();
  EXPECT_TRUE(keepOf(sites, {EZoneIx(2)}));
  EXPECT_THAT(open().ofServices(world_.topology), ElementsAre(ElementsAre(EZoneIx(2))));
  EXPECT_EQ(disk_->families["stateless"].count("pool/www.shop.example"), 1U);
  EXPECT_THAT(known(open()), ElementsAre(EZoneIx(0), EZoneIx(2)));
  for (const char* text : {"", "dal  fra", "Dal"}) {
    disk_->at("stateless", "pool/www.shop.example") = text;
    EXPECT_THAT(open().ofServices(world_.topology), ElementsAre(IsEmpty())) << '"' << text << '"';
  }
  EXPECT_TRUE(keepOf(sites, {EZoneIx(0), EZoneIx(2)}));
  EXPECT_EQ(disk_->families["stateless"].size(), 1U) << "its zone's: no key of its own";
  EXPECT_TRUE(keepOf(sites, {EZoneIx(2)}));
  world_.topology.services[0].name = "other.shop.example";
  EXPECT_TRUE(keep(sites, {EZoneIx(0)}));
  EXPECT_EQ(disk_->families["stateless"].size(), 1U) << "a service that is gone is forgotten";
}

TEST_F(GoodSitesTest, NonsenseIsForgotten) {
  GoodSites sites = open();
  EXPECT_TRUE(keep(sites, {EZoneIx(1)}));
  for (const char* text : {"", " ", "dal  fra", "Dal", "dal\n"}) {
    disk_->at("stateless", "good/web") = text;
    EXPECT_THAT(known(open()), IsEmpty()) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace meridian::partition
