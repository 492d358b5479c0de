// Zones that come from primaries, in ZoneService: what changes them, what does not, restarts; and
// several steps as one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "dns/zone/condense.h"
#include "dns/zone/loader.h"
#include "dns/zone/zone_service.h"
#include "dns/zone/zone_text.h"
#include "tests/support/dns_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"

namespace meridian::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::MemoryDisk;
using test::MemoryStore;
using testing::HasSubstr;

std::shared_ptr<const Zone> far(unsigned serial, const std::string& more = "",
                                const char* apex = "far.example.") {
  return test::must(parseZone("$ORIGIN " + std::string(apex) + "\n$TTL 300\n@ SOA ns admin " +
                                  std::to_string(serial) +
                                  " 60 60 1000 4\n@ NS ns\nns A 192.0.2.1\n" + more,
                              "test.zone"));
}
Name apexOf(const char* text) {
  return Name::parse(text)->lowered();
}

class SecondaryZonesTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  Status tryStart(bool has_primaries = true) {
    auto files = loadZones(folder_.path(), clock_.wallNow());
    if (!files) return fail(ErrorKind::kInvalid, files.error().text());
    auto store = std::make_shared<MemoryStore>(disk_, ZoneService::families());
    auto opened = ZoneService::open(store, clock_, folder_.path(), *files);
    if (!opened) return tl::unexpected(opened.error());
    service_.emplace(std::move(*opened));
    ZonePolicy policy;
    policy.name = apexOf("far.example.");
    if (has_primaries) policy.primaries = {{*IpEndpoint::parse("192.0.2.9:53")}};
    service_->setPolicies(std::make_shared<const ZonePolicies>(std::vector{policy}));
    if (Status added = service_->addSecondaries(); !added) return added;
    service_->onChange([](const auto&) -> Checked<std::function<void()>> { return [] {}; });
    service_->onPublished([this](const LoadedZone&) { ++published_; });
    return {};
  }
  void start(bool has_primaries = true) {
    const Status started = tryStart(has_primaries);
    ASSERT_TRUE(started) << started.error().message;
  }
  const LoadedZone& zone() const { return *service_->zones()->at(apexOf("far.example.")); }
  const Zone* served() const { return service_->zones()->find(apexOf("www.far.example.")); }
  void take(unsigned serial, const std::string& more = "") {
    const auto changed = service_->takeFromPrimary(far(serial, more), false);
    ASSERT_TRUE(changed) << changed.error().error.message;
  }

  test::TempDir folder_;
  test::FakeClock clock_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::optional<ZoneService> service_;
  int published_ = 0;
};

TEST_F(SecondaryZonesTest, AZoneThatNeverCameIsThereAndNotServed) {
  EXPECT_EQ(zone().availability, Availability::kNeverLoaded);
  EXPECT_EQ(served(), nullptr);
  EXPECT_EQ(service_->zones()->covering(apexOf("www.far.example.")), &zone());
  EXPECT_FALSE(service_->confirm(apexOf("far.example.")));
  EXPECT_FALSE(service_->expire(apexOf("far.example.")));
  EXPECT_FALSE(service_->refreshedAt(apexOf("far.example.")));
}

TEST_F(SecondaryZonesTest, WhatCameIsServedAndOutlivesARestart) {
  take(7);
  EXPECT_EQ(published_, 1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(zone().availability, Availability::kServed);
    EXPECT_EQ(zone().source, ZoneSource::kStore);
    ASSERT_NE(served(), nullptr);
    EXPECT_EQ(served()->serial(), 7U);
    EXPECT_EQ(service_->refreshedAt(apexOf("far.example.")), clock_.wallNow());
    start();
  }
}

TEST_F(SecondaryZonesTest, StepsAreKnownToOthers) {
  take(7);
  const auto first = far(8, "a A 192.0.2.5\n");
  const auto second = far(9, "b A 192.0.2.5\n");
  const std::vector<ZoneDifference> steps{*differenceOf(*far(7), *first),
                                          *differenceOf(*first, *second)};
  const auto changed = service_->takeFromPrimary(apexOf("far.example."), steps);
  ASSERT_TRUE(changed) << changed.error().problems.text();
  EXPECT_EQ(changed->before, 7U);
  EXPECT_EQ(changed->after, 9U);
  EXPECT_EQ(differenceOf(*zone().zone, *second), nullptr);
  ASSERT_TRUE(zone().history->since(7));
  EXPECT_EQ(zone().history->since(7)->size(), 1U);
}

TEST_F(SecondaryZonesTest, StepsFromElsewhereAreRefusedAndNothingChanges) {
  take(7);
  const std::vector<ZoneDifference> steps{*differenceOf(*far(8), *far(9))};
  const auto changed = service_->takeFromPrimary(apexOf("far.example."), steps);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().error.kind, ErrorKind::kInvalid);
  EXPECT_EQ(zone().zone->serial(), 7U);
}

TEST_F(SecondaryZonesTest, AnOlderSerialIsTakenOnlyWhenAskedFor) {
  take(7);
  const auto older = service_->takeFromPrimary(far(6), false);
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().error.kind, ErrorKind::kConflict);
  EXPECT_TRUE(service_->takeFromPrimary(far(6), true));
  EXPECT_EQ(zone().zone->serial(), 6U);
  start();
  EXPECT_EQ(zone().zone->serial(), 6U);
}

TEST_F(SecondaryZonesTest, NobodyElseChangesIt) {
  const auto isRefused = [](const auto& result) {
    return !result && result.error().error.kind == ErrorKind::kRefused &&
           result.error().error.message.find("primaries") != std::string::npos;
  };
  const Name apex = apexOf("far.example.");
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(isRefused(
        service_->edit({apex, {{apexOf("a.far.example."), RrType::kA, 300, {{192, 0, 2, 1}}}}})));
    EXPECT_TRUE(isRefused(service_->replace(far(99))));
    EXPECT_TRUE(isRefused(service_->reload(apex, Edits::kDiscard)));
    EXPECT_TRUE(isRefused(service_->remove(apex)));
    EXPECT_TRUE(service_->reloadAll());
    if (i == 0) take(7);
  }
  EXPECT_EQ(zone().zone->serial(), 7U);
}

TEST_F(SecondaryZonesTest, AZoneOfAnotherApexIsNotTaken) {
  EXPECT_FALSE(service_->takeFromPrimary(far(7, "", "other.example."), true));
  EXPECT_EQ(service_->zones()->at(apexOf("other.example.")), nullptr);
}

TEST_F(SecondaryZonesTest, AnExpiredZoneIsServedAgainOnceConfirmed) {
  take(7);
  ASSERT_TRUE(service_->expire(apexOf("far.example.")));
  EXPECT_EQ(zone().availability, Availability::kExpired);
  EXPECT_EQ(served(), nullptr);
  EXPECT_EQ(zone().zone->serial(), 7U);
  EXPECT_EQ(published_, 1);  // its content is the same
  ASSERT_TRUE(service_->confirm(apexOf("far.example.")));
  EXPECT_NE(served(), nullptr);
  ASSERT_TRUE(service_->expire(apexOf("far.example.")));
  take(8);
  EXPECT_NE(served(), nullptr);
}

TEST_F(SecondaryZonesTest, TheTimeOfARefreshIsWrittenATenthOfExpireApart) {
  take(7);
  const WallTime first = clock_.wallNow();
  const std::size_t writes = disk_->writes;
  clock_.advance(seconds(99));
  ASSERT_TRUE(service_->confirm(apexOf("far.example.")));
  EXPECT_EQ(disk_->writes, writes);
  EXPECT_EQ(service_->refreshedAt(apexOf("far.example.")), first);
  clock_.advance(seconds(1));
  ASSERT_TRUE(service_->confirm(apexOf("far.example.")));
  EXPECT_EQ(disk_->writes, writes + 1);
  start();
  EXPECT_EQ(service_->refreshedAt(apexOf("far.example.")), first + seconds(100));
}

TEST_F(SecondaryZonesTest, WithoutItsPrimariesItIsAZoneOfTheStore) {
  take(7);
  start(false);
  const auto changed = service_->edit(
      {apexOf("far.example."), {{apexOf("a.far.example."), RrType::kA, 300, {{192, 0, 2, 1}}}}});
  ASSERT_TRUE(changed) << changed.error().error.message;
  EXPECT_EQ(changed->after, 8U);
}

TEST_F(SecondaryZonesTest, AFileBesideThePrimariesIsRefused) {
  std::ofstream(folder_.path() / "far.example.zone") << zoneText(*far(3), 1 << 20).value();
  const Status started = tryStart();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("has primaries in the configuration, and a file"));
}

TEST(Condense, WhatCannotBeInTheOrderOfTheStepsIsRefused) {
  const auto plain = far(1);
  const auto with_a = far(2, "a A 192.0.2.5\n");
  const auto without = far(3);
  const ZoneDifference brings = *differenceOf(*plain, *with_a);
  const ZoneDifference takes = *differenceOf(*with_a, *without);
  EXPECT_TRUE(condensed(*plain, std::vector{brings, takes}));
  // It was there before, and would be gone at the primary, and not here.
  EXPECT_FALSE(condensed(*far(1, "A A 192.0.2.5\n"), std::vector{brings, takes}));
  EXPECT_FALSE(condensed(*plain, std::vector{takes, brings}));
  EXPECT_FALSE(condensed(*plain, std::vector{brings, brings}));
}

TEST(Condense, ManyStepsAreOneThatMakesTheSameZone) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 chance(seed);
  const auto any = [&](unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(chance);
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::shared_ptr<const Zone>> zones{far(1)};
    std::vector<ZoneDifference> steps;
    const unsigned count = 1 + any(6);
    for (unsigned i = 0; i < count; ++i) {
      std::string more;
      for (unsigned n = 0; n < 6; ++n) {
        if (any(2) == 0)
          more += "n" + std::to_string(n) + " A 192.0.2." + std::to_string(any(3)) + "\n";
      }
      zones.push_back(far(2 + i, more));
      steps.push_back(*differenceOf(*zones[i], *zones[i + 1]));
    }
    const ZoneDifference whole = condensed(*zones.front(), steps).value();
    EXPECT_EQ(whole.from(), 1U);
    EXPECT_EQ(whole.to(), 1 + count);
    const auto after = apply(*zones.front(), whole, "test");
    ASSERT_TRUE(after) << after.error().text();
    ASSERT_EQ(differenceOf(**after, *zones.back()), nullptr);
    // Nothing stands in it that a later step took back.
    const auto direct = differenceOf(*zones.front(), *zones.back());
    ASSERT_EQ(whole.removed.count(), direct->removed.count());
    ASSERT_EQ(whole.added.count(), direct->added.count());
  }
}

}  // namespace
}  // namespace meridian::dns
