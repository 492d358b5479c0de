// Zones that catalogs bring, and catalogs that are made here, in ZoneService and SecondaryService:
// what the store has of them, and restarts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "dns/transfer/catalog_consumer.h"
#include "dns/transfer/catalog_producer.h"
#include "dns/zone/loader.h"
#include "tests/support/dns_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"

namespace meridian::dns {
namespace {

using test::MemoryDisk;
using test::MemoryStore;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Name apexNamed(const std::string& text) {
  return Name::parse(text)->lowered();
}
std::shared_ptr<const Zone> zoneNamed(const std::string& apex, unsigned serial,
                                      const std::string& more = "") {
  return test::must(parseZone("$ORIGIN " + apex + "\n$TTL 300\n@ SOA ns admin " +
                                  std::to_string(serial) +
                                  " 3600 600 86400 4\n@ NS ns\nns A 192.0.2.1\n" + more,
                              "test.zone"));
}

// Two catalogs that come from primaries, and one that is made here.
class CatalogZonesTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  std::vector<ZonePolicy> policies() const {
    const std::vector<ZonePrimary> primaries{{*IpEndpoint::parse("127.0.0.1:1")}};
    auto member = std::make_shared<ZonePolicy>();
    member->primaries = primaries;
    auto open = std::make_shared<ZonePolicy>(*member);
    open->transfer_to = {{IpPrefixList({*IpPrefix::parse("192.0.2.0/24")}), {}}};
    std::vector<ZonePolicy> out;
    for (const char* name : {"one.cat.", "two.cat."}) {
      ZonePolicy policy;
      policy.name = apexNamed(name);
      policy.primaries = primaries;
      policy.members = {{"", member}, {"open", open}};
      policy.max_members = 100;
      out.push_back(policy);
    }
    ZonePolicy made;
    made.name = apexNamed("made.cat.");
    made.catalog = CatalogRule{{*ZonePattern::parse("*")}, {}, {}};
    out.push_back(made);
    return out;
  }

  void start() {
    consumer_.reset();
    secondaries_.reset();
    producer_.reset();
    auto files = test::must(loadZones(folder_.path(), clock_.wallNow()));
    zones_.emplace(
        test::must(ZoneService::open(std::make_shared<MemoryStore>(disk_, ZoneService::families()),
                                     clock_, folder_.path(), files)));
    const auto configured = std::make_shared<const ZonePolicies>(policies());
    zones_->setPolicies(configured);
    const Status added = zones_->addSecondaries();
    ASSERT_TRUE(added) << added.error().message;
    producer_.emplace(*zones_);
    producer_->setPolicies(configured);
    secondaries_.emplace(
        loop_, clock_, *zones_, configured, [] { return nullptr; }, SecondaryLimits{});
    consumer_.emplace(CatalogConsumer::Seams{loop_, clock_, *zones_, *secondaries_,
                                             [this](const auto& policies) {
                                               policies_ = policies;
                                               zones_->setPolicies(policies);
                                               producer_->setPolicies(policies);
                                             },
                                             [this] { return services_; }},
                      configured);
    ASSERT_TRUE(consumer_->restore());
    zones_->onPublished([this](const LoadedZone& zone) { consumer_->zoneServed(zone); });
    zones_->onApexes([this] {
      producer_->update();
      consumer_->apexesChanged();
    });
    secondaries_->start();
    consumer_->start();
    producer_->update();
  }
  // Lets what was posted run.
  void settle() {
    for (int i = 0; i < 4; ++i) {
      loop_.post([this] { loop_.stop(); });
      loop_.run();
    }
  }
  void takeCatalog(const std::string& name, const std::string& text) {
    auto zone = zoneNamed(name, ++serial_, "version TXT \"2\"\n" + text);
    const auto taken = zones_->takeFromPrimary(std::move(zone), false);
    ASSERT_TRUE(taken) << taken.error().error.message;
    settle();
  }
  void takeZone(const std::string& name, unsigned serial) {
    ASSERT_TRUE(zones_->takeFromPrimary(zoneNamed(name, serial), false));
  }
  const LoadedZone* at(const std::string& name) const {
    return zones_->zones()->at(apexNamed(name));
  }
  std::vector<std::string> made() const {
    std::vector<std::string> out;
    for (const CatalogMember& each : test::must(readCatalog(*at("made.cat.")->zone, 1000))) {
      out.push_back(each.zone.text());
    }
    return out;
  }

  EventLoop loop_;
  test::TempDir folder_;
  test::FakeClock clock_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::shared_ptr<const ZonePolicies> policies_;
  ServicePlaces services_;
  std::optional<ZoneService> zones_;
  std::optional<CatalogProducer> producer_;
  std::optional<SecondaryService> secondaries_;
  std::optional<CatalogConsumer> consumer_;
  unsigned serial_ = 0;
};

TEST_F(CatalogZonesTest, AMemberIsASecondaryZoneUntilItsCatalogDropsIt) {
  takeCatalog("one.cat.", "x.zones PTR a.test.\ngroup.x.zones TXT open\n");
  ASSERT_NE(at("a.test."), nullptr);
  EXPECT_EQ(at("a.test.")->availability, Availability::kNeverLoaded);
  EXPECT_TRUE(secondaries_->statusOf(apexNamed("a.test.")));
  EXPECT_EQ(policies_->of(apexNamed("a.test.")).transfer_to.size(), 1U);
  EXPECT_TRUE(policies_->of(apexNamed("b.a.test.")).transfer_to.empty());
  EXPECT_EQ(consumer_->catalogOf(apexNamed("a.test.")), "one.cat.");
  takeZone("a.test.", 5);
  EXPECT_FALSE(zones_->remove(apexNamed("a.test.")));
  const std::size_t stored = disk_->families.at("zones").size();
  takeCatalog("one.cat.", "");
  EXPECT_EQ(at("a.test."), nullptr);
  EXPECT_FALSE(secondaries_->statusOf(apexNamed("a.test.")));
  EXPECT_LT(disk_->families.at("zones").size(), stored);
  EXPECT_FALSE(policies_->isSecondary(apexNamed("a.test.")));
}

TEST_F(CatalogZonesTest, MembersOutliveARestartWhateverTheirCatalogSaysNow) {
  takeCatalog("one.cat.", "x.zones PTR a.test.\ngroup.x.zones TXT open\n");
  takeZone("a.test.", 5);
  takeCatalog("one.cat.", "version TXT \"3\"\n");
  EXPECT_EQ(consumer_->counters().broken.value(), 1U);
  EXPECT_THAT(consumer_->statuses()[0].fault, HasSubstr("several versions"));
  start();
  ASSERT_NE(at("a.test."), nullptr);
  EXPECT_EQ(at("a.test.")->zone->serial(), 5U);
  EXPECT_EQ(policies_->of(apexNamed("a.test.")).transfer_to.size(), 1U);
  EXPECT_EQ(consumer_->counters().broken.value(), 1U);
  takeCatalog("one.cat.", "");
  EXPECT_EQ(at("a.test."), nullptr);
  start();
  EXPECT_EQ(at("a.test."), nullptr);
}

// The catalog was stored, and then the machine went down.
TEST_F(CatalogZonesTest, WhatWasNotDoneIsDoneAtTheStart) {
  takeCatalog("one.cat.", "x.zones PTR a.test.\ny.zones PTR b.test.\n");
  takeZone("a.test.", 5);
  takeZone("b.test.", 5);
  auto next = zoneNamed("one.cat.", ++serial_,
                        "version TXT \"2\"\nz.zones PTR a.test.\nv.zones PTR c.test.\n");
  ASSERT_TRUE(zones_->takeFromPrimary(std::move(next), false));
  start();
  EXPECT_EQ(at("a.test.")->availability, Availability::kNeverLoaded);
  EXPECT_EQ(at("b.test."), nullptr);
  ASSERT_NE(at("c.test."), nullptr);
}

TEST_F(CatalogZonesTest, AFailedWriteChangesNothing) {
  takeCatalog("one.cat.", "x.zones PTR a.test.\n");
  takeZone("a.test.", 5);
  disk_->fail_at = disk_->writes + 1;  // after the catalog's own
  takeCatalog("one.cat.", "y.zones PTR b.test.\n");
  EXPECT_EQ(consumer_->counters().failed.value(), 1U);
  EXPECT_NE(at("a.test."), nullptr);
  EXPECT_EQ(at("b.test."), nullptr);
  EXPECT_TRUE(policies_->isSecondary(apexNamed("a.test.")));
  EXPECT_FALSE(policies_->isSecondary(apexNamed("b.test.")));
}

TEST_F(CatalogZonesTest, MembersThatWouldTakeAServiceAreRefused) {
  services_.below.insert(std::string("\4shop\4test\0", 11));
  services_.within.insert(std::string("\1a\4test\0", 8));
  takeCatalog("one.cat.", "x.zones PTR a.test.\ny.zones PTR shop.test.\n");
  EXPECT_NE(at("a.test."), nullptr);
  EXPECT_EQ(at("shop.test."), nullptr);
  EXPECT_EQ(consumer_->statuses()[0].refused, 1U);
  takeCatalog("one.cat.", "");
  EXPECT_NE(at("a.test."), nullptr);
  EXPECT_EQ(consumer_->statuses()[0].refused, 1U);
}

TEST_F(CatalogZonesTest, AHandedOverZoneWithAnotherLabelIsReset) {
  takeCatalog("one.cat.", "x.zones PTR a.test.\ncoo.x.zones PTR two.cat.\n");
  takeZone("a.test.", 5);
  takeCatalog("two.cat.", "y.zones PTR a.test.\n");
  EXPECT_EQ(consumer_->catalogOf(apexNamed("a.test.")), "two.cat.");
  EXPECT_EQ(at("a.test.")->availability, Availability::kNeverLoaded);
}

TEST_F(CatalogZonesTest, CooAloneMovesNothingAndIsAskedForAtTheMove) {
  takeCatalog("two.cat.", "x.zones PTR a.test.\n");
  takeCatalog("one.cat.", "x.zones PTR a.test.\n");
  EXPECT_EQ(consumer_->statuses()[0].refused, 1U);
  takeCatalog("two.cat.", "x.zones PTR a.test.\ncoo.x.zones PTR one.cat.\n");
  EXPECT_EQ(consumer_->catalogOf(apexNamed("a.test.")), "two.cat.");
  takeCatalog("two.cat.", "x.zones PTR a.test.\n");
  takeCatalog("one.cat.", "x.zones PTR a.test.\n");
  EXPECT_EQ(consumer_->catalogOf(apexNamed("a.test.")), "two.cat.");
}

TEST_F(CatalogZonesTest, AFileWinsOverAMemberAtAStart) {
  takeCatalog("one.cat.", "x.zones PTR a.test.\n");
  takeZone("a.test.", 5);
  std::ofstream(folder_.path() / "a.test.zone")
      << "$ORIGIN a.test.\n$TTL 300\n@ SOA ns admin 1 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n";
  start();
  EXPECT_EQ(at("a.test.")->source, ZoneSource::kFile);
  EXPECT_EQ(at("a.test.")->zone->serial(), 1U);
  EXPECT_EQ(consumer_->statuses()[0].refused, 1U);
  EXPECT_EQ(consumer_->catalogOf(apexNamed("a.test.")), "");
}

TEST_F(CatalogZonesTest, ACatalogThatIsMadeHereFollowsZonesOverARestart) {
  EXPECT_THAT(made(), IsEmpty());
  ASSERT_TRUE(zones_->replace(zoneNamed("a.test.", 1)));
  EXPECT_THAT(made(), UnorderedElementsAre("a.test."));
  EXPECT_TRUE(at("made.cat.")->catalog);
  EXPECT_EQ(zones_->zones()->find(apexNamed("x.made.cat.")), nullptr);
  takeCatalog("one.cat.", "x.zones PTR b.test.\n");
  EXPECT_THAT(made(), UnorderedElementsAre("a.test."));
  const auto before = at("made.cat.")->zone;
  start();
  EXPECT_EQ(differenceOf(*before, *at("made.cat.")->zone), nullptr);
  EXPECT_TRUE(at("made.cat.")->catalog);
  ASSERT_TRUE(zones_->remove(apexNamed("a.test.")));
  EXPECT_THAT(made(), IsEmpty());
  EXPECT_EQ(at("made.cat.")->zone->serial(), before->serial() + 1);
  EXPECT_TRUE(at("made.cat.")->history->since(before->serial()));
  EXPECT_FALSE(zones_->remove(apexNamed("made.cat.")));
  EXPECT_FALSE(zones_->replace(zoneNamed("made.cat.", 4'000'000'000U)));
}

}  // namespace
}  // namespace meridian::dns
