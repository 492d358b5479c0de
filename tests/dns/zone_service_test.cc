// Zones that change while they are served: edits, files, the store, restarts.
#include "dns/zone/zone_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "dns/zone/loader.h"
#include "dns/zone/zone_text.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"

namespace meridian::dns {
namespace {

using test::MemoryDisk;
using test::MemoryStore;
using testing::HasSubstr;

Name lowered(const char* text) {
  return Name::parse(text)->lowered();
}

class ZoneServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    writeZone("example", 7, "www A 192.0.2.7\n");
    writeZone("other", 1, "");
    start();
  }

  std::string fileOf(const std::string& zone) const {
    return (folder_.path() / (zone + ".zone")).string();
  }
  void writeZone(const std::string& zone, unsigned serial, const std::string& more) const {
    std::ofstream(fileOf(zone)) << "$ORIGIN " << zone << ".\n$TTL 300\n@ SOA ns admin " << serial
                                << " 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n"
                                << more;
  }
  Status tryStart() {
    auto files = loadZones(folder_.path(), clock_.wallNow());
    if (!files) return fail(ErrorKind::kInvalid, files.error().text());
    auto store = std::make_shared<MemoryStore>(disk_, ZoneService::families());
    auto opened = ZoneService::open(store, clock_, folder_.path(), *files);
    if (!opened) return tl::unexpected(opened.error());
    service_.emplace(std::move(*opened));
    published_ = service_->zones();
    service_->onChange([this](const auto& next) -> Checked<std::function<void()>> {
      if (refuses_) {
        Diagnostics problems;
        problems.add({"topology", 1, 1}, "services[0]", "", "is in no zone");
        return tl::unexpected(problems);
      }
      return [this, next] { published_ = next; };
    });
    return {};
  }
  void start() {
    const Status started = tryStart();
    ASSERT_TRUE(started) << started.error().message;
  }

  const LoadedZone& zone(const char* apex) const { return *published_->at(lowered(apex)); }
  std::string textOf(const char* apex) const { return zoneText(*zone(apex).zone, 1 << 20).value(); }
  ZoneResult<ZoneChanged> setA(const char* owner, std::vector<std::uint8_t> address) {
    ZoneEdit edit{lowered("example."), {{lowered(owner), RrType::kA, 300, {std::move(address)}}}};
    return service_->edit(edit);
  }

  test::TempDir folder_;
  test::FakeClock clock_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::optional<ZoneService> service_;
  std::shared_ptr<const ZoneSet> published_;
  bool refuses_ = false;
};

TEST_F(ZoneServiceTest, AnEditIsServedAndOutlivesARestart) {
  const auto changed = setA("new.example.", {192, 0, 2, 9});
  ASSERT_TRUE(changed) << changed.error().error.message;
  EXPECT_EQ(changed->before, 7U);
  EXPECT_EQ(changed->after, 8U);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(textOf("example."), HasSubstr("new.example.\t300\tIN\tA\t192.0.2.9"));
    EXPECT_EQ(zone("example.").source, ZoneSource::kStore);
    EXPECT_EQ(zone("example.").history->since(7)->size(), 1U);
    EXPECT_EQ(zone("other.").source, ZoneSource::kFile);
    start();
  }
}

TEST_F(ZoneServiceTest, WhatIsAlreadySoChangesNothing) {
  const auto changed = setA("www.example.", {192, 0, 2, 7});
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->after, 7U);
  EXPECT_EQ(zone("example.").source, ZoneSource::kFile);
  EXPECT_EQ(disk_->writes, 0U);
}

TEST_F(ZoneServiceTest, AnotherSerialThanExpectedIsAConflict) {
  ZoneEdit edit{lowered("example."), {{lowered("a.example."), RrType::kA, 300, {{192, 0, 2, 1}}}}};
  edit.expected_serial = 6;
  const auto changed = service_->edit(edit);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().error.kind, ErrorKind::kConflict);
  EXPECT_THAT(changed.error().error.message, HasSubstr("the serial is 7, not 6"));
}

TEST_F(ZoneServiceTest, WhatMakesNoZoneIsRefusedWithEveryReason) {
  const auto refused = service_->edit({lowered("example."),
                                       {{lowered("www.example."), RrType::kCname, 300, {{0}}},
                                        {lowered("ns.example."), RrType::kCname, 300, {{0}}}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().problems.size(), 2U) << refused.error().problems.text();
  EXPECT_EQ(zone("example.").zone->serial(), 7U);
  const auto outside =
      service_->edit({lowered("example."), {{lowered("a.other."), RrType::kA, 1, {{1, 2, 3, 4}}}}});
  ASSERT_FALSE(outside);
  EXPECT_THAT(outside.error().problems.text(), HasSubstr("not within the zone example."));
  const auto no_ns =
      service_->edit({lowered("example."), {{lowered("example."), RrType::kNs, 0, {}}}});
  ASSERT_FALSE(no_ns);
  EXPECT_THAT(no_ns.error().problems.text(), HasSubstr("no NS record at the apex"));
}

// Its keys are not here: whoever validates would refuse what was changed.
TEST_F(ZoneServiceTest, AZoneThatWasSignedElsewhereIsNotEdited) {
  writeZone("example", 8,
            "@ DNSKEY 257 3 13 AAAA\n@ NSEC ns A NS SOA NSEC DNSKEY\nns NSEC @ A NSEC\n");
  ASSERT_TRUE(service_->reload(lowered("example."), Edits::kKeep));
  ASSERT_NE(zone("example.").zone->denial(), nullptr);
  const auto refused = setA("new.example.", {192, 0, 2, 9});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.kind, ErrorKind::kRefused);
  EXPECT_THAT(refused.error().error.message, HasSubstr("signed elsewhere"));
}

TEST_F(ZoneServiceTest, AStoreThatFailsLeavesTheOldZoneServed) {
  disk_->fail_at = 0;
  ASSERT_FALSE(setA("new.example.", {192, 0, 2, 9}));
  EXPECT_EQ(zone("example.").zone->serial(), 7U);
  const auto again = setA("new.example.", {192, 0, 2, 10});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->after, 8U);
  start();
  EXPECT_THAT(textOf("example."), HasSubstr("192.0.2.10"));
  EXPECT_THAT(textOf("example."), testing::Not(HasSubstr("192.0.2.9\n")));
}

TEST_F(ZoneServiceTest, WhatTheServicesRefuseIsNotStored) {
  refuses_ = true;
  const auto refused = setA("new.example.", {192, 0, 2, 9});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().problems.text(), HasSubstr("is in no zone"));
  EXPECT_EQ(disk_->writes, 0U);
}

TEST_F(ZoneServiceTest, AFileThatIsNotWhatIsServedIsNotEdited) {
  writeZone("example", 9, "");
  const auto refused = setA("new.example.", {192, 0, 2, 9});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().error.message, HasSubstr("reload the zone before it is edited"));
}

TEST_F(ZoneServiceTest, OneZoneIsReadAgain) {
  writeZone("example", 8, "www A 192.0.2.8\n");
  writeZone("other", 2, "");
  const auto other = published_->at(lowered("other."))->zone;
  const auto changed = service_->reload(lowered("example."), Edits::kKeep);
  ASSERT_TRUE(changed) << changed.error().error.message;
  EXPECT_EQ(changed->after, 8U);
  EXPECT_THAT(textOf("example."), HasSubstr("192.0.2.8"));
  EXPECT_EQ(zone("example.").history->since(7)->size(), 1U);
  EXPECT_EQ(zone("other.").zone, other);  // the very same
}

TEST_F(ZoneServiceTest, AllFilesAreReadAgainAndEqualOnesAreTheSameZones) {
  const auto example = zone("example.").zone;
  writeZone("other", 2, "");
  writeZone("third", 1, "");
  ASSERT_TRUE(service_->reloadAll());
  EXPECT_EQ(zone("example.").zone, example);
  EXPECT_EQ(zone("other.").zone->serial(), 2U);
  EXPECT_EQ(zone("third.").zone->serial(), 1U);
  std::filesystem::remove(fileOf("third"));
  std::ofstream(fileOf("other")) << "broken";
  const auto refused = service_->reloadAll();
  ASSERT_FALSE(refused);
  EXPECT_NE(published_->at(lowered("third.")), nullptr);
}

TEST_F(ZoneServiceTest, ASerialThatIsNotRaisedEndsTheHistory) {
  writeZone("example", 8, "");
  ASSERT_TRUE(service_->reload(lowered("example."), Edits::kKeep));
  writeZone("example", 8, "www A 192.0.2.8\n");
  ASSERT_TRUE(service_->reload(lowered("example."), Edits::kKeep));
  EXPECT_THAT(textOf("example."), HasSubstr("192.0.2.8"));
  EXPECT_EQ(zone("example.").history, nullptr);
}

TEST_F(ZoneServiceTest, EditsWinOverTheFileUntilTheyAreGivenUp) {
  ASSERT_TRUE(setA("new.example.", {192, 0, 2, 9}));
  writeZone("example", 20, "www A 192.0.2.20\n");
  ASSERT_TRUE(service_->reloadAll());
  EXPECT_EQ(zone("example.").zone->serial(), 8U);
  const auto kept = service_->reload(lowered("example."), Edits::kKeep);
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().error.kind, ErrorKind::kRefused);
  start();
  EXPECT_EQ(zone("example.").zone->serial(), 8U);
  ASSERT_TRUE(service_->reload(lowered("example."), Edits::kDiscard));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(zone("example.").zone->serial(), 20U);
    EXPECT_EQ(zone("example.").source, ZoneSource::kFile);
    start();
  }
  for (const auto& [family, content] : disk_->families) EXPECT_TRUE(content.empty()) << family;
}

TEST_F(ZoneServiceTest, AZoneWithoutAFileIsAddedAndTakenAway) {
  auto fresh =
      parseZone("fresh. 60 SOA ns.fresh. a.fresh. 1 1 1 1 1\nfresh. 60 NS ns.other.\n", "t");
  ASSERT_TRUE(service_->replace(*fresh));
  start();
  EXPECT_EQ(zone("fresh.").zone->serial(), 1U);
  EXPECT_EQ(zone("fresh.").file, "");
  ASSERT_TRUE(service_->replace(*fresh));  // nothing changes
  const auto older = service_->replace(
      *parseZone("fresh. 60 SOA ns.fresh. a.fresh. 1 1 1 1 9\nfresh. 60 NS ns.other.\n", "t"));
  ASSERT_FALSE(older);
  EXPECT_THAT(older.error().error.message, HasSubstr("newer than 1"));
  EXPECT_FALSE(service_->remove(lowered("other.")));
  ASSERT_TRUE(service_->remove(lowered("fresh.")));
  EXPECT_EQ(published_->at(lowered("fresh.")), nullptr);
  start();
  EXPECT_EQ(published_->at(lowered("fresh.")), nullptr);
}

// Enough edits that the snapshot is written anew many times, and the history loses its first steps.
TEST_F(ZoneServiceTest, ThousandsOfEditsStayBoundedAndReadable) {
  for (unsigned i = 0; i < 2500; ++i) {
    const auto changed = setA(
        "www.example.", {10, 0, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)});
    ASSERT_TRUE(changed) << changed.error().error.message;
  }
  const auto& content = disk_->families.at("zones");
  std::size_t bytes = 0;
  for (const auto& [key, value] : content) bytes += value.size();
  EXPECT_LT(bytes, 256U << 10U);
  const std::string before = textOf("example.");
  const auto history = zone("example.").history->steps().size();
  EXPECT_GT(history, 100U);
  start();
  EXPECT_EQ(textOf("example."), before);
  EXPECT_EQ(zone("example.").history->steps().size(), history);
  EXPECT_EQ(zone("example.").zone->serial(), 2507U);
}

TEST_F(ZoneServiceTest, AStoreThatIsDamagedIsNotServed) {
  ASSERT_TRUE(setA("a.example.", {192, 0, 2, 9}));
  ASSERT_TRUE(setA("b.example.", {192, 0, 2, 9}));
  const auto whole = disk_->families;
  for (const auto& [key, value] : whole.at("zones")) {
    for (const bool gone : {false, true}) {
      disk_->families = whole;
      if (gone) {
        disk_->families["zones"].erase(key);
      } else {
        disk_->families["zones"][key] = value.substr(0, value.size() - 1);
      }
      const Status started = tryStart();
      ASSERT_FALSE(started) << "key of " << key.size() << " bytes, gone: " << gone;
      EXPECT_THAT(started.error().message, HasSubstr("zone example. in the store"));
    }
  }
}

TEST(NextSerial, FollowsThePolicyAndNeverGoesBack) {
  const WallTime now = test::FakeClock().wallNow();  // 2026-05-01T12:00:00Z
  EXPECT_EQ(nextSerial(7, SerialPolicy::kIncrement, now), 8U);
  EXPECT_EQ(nextSerial(0xffff'ffff, SerialPolicy::kIncrement, now), 0U);
  EXPECT_EQ(nextSerial(7, SerialPolicy::kUnixTime, now), 1'777'636'800U);
  EXPECT_EQ(nextSerial(1'777'636'800, SerialPolicy::kUnixTime, now), 1'777'636'801U);
  EXPECT_EQ(nextSerial(7, SerialPolicy::kDate, now), 2'026'050'100U);
  EXPECT_EQ(nextSerial(2'026'050'100, SerialPolicy::kDate, now), 2'026'050'101U);
}

}  // namespace
}  // namespace meridian::dns
