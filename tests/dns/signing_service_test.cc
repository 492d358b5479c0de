// Zones that are signed here: edits, files, restarts, time.
#include "dns/sign/signing_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "dns/zone/loader.h"
#include "dns/zone/signing_faults.h"
#include "dns/zone/zone_service.h"
#include "dns/zone/zone_text.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/signing_world.h"
#include "tests/support/temp_dir.h"

namespace meridian::dns {
namespace {

using test::MemoryDisk;
using test::MemoryStore;
using testing::HasSubstr;
using testing::Not;

const Name kExample = Name::parse("example.")->lowered();

class SigningServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    writeZone(7, "www A 192.0.2.7\n");
    start();
  }

  void writeZone(unsigned serial, const std::string& more) const {
    std::ofstream(folder_.path() / "example.zone")
        << "$ORIGIN example.\n$TTL 300\n@ SOA ns admin " << serial
        << " 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n"
        << more;
  }
  void start() {
    auto files = loadZones(folder_.path(), clock_.wallNow());
    ASSERT_TRUE(files) << files.error().text();
    signing_ = std::make_unique<SigningService>(
        clock_, [this](NameView apex) { return signs_ && apex == kExample.view(); },
        [this](const Zone&) -> Result<ZoneSigningOrder> {
          if (keys_.empty()) return fail(ErrorKind::kIo, "no keys yet");
          return ZoneSigningOrder{std::make_shared<const KeySet>(test::keySetOf(keys_)), {}};
        });
    auto store = std::make_shared<MemoryStore>(disk_, ZoneService::families());
    auto opened = ZoneService::open(store, clock_, folder_.path(), *files, signing_.get());
    ASSERT_TRUE(opened) << opened.error().message;
    service_.emplace(std::move(*opened));
    service_->onChange([](const auto&) -> Checked<std::function<void()>> { return [] {}; });
    check();
  }
  const LoadedZone& zone() const { return *service_->zones()->at(kExample); }
  std::string text() const { return zoneText(*zone().zone, 1 << 20).value(); }
  void check() const {
    if (!signs_ || service_->zones()->at(kExample) == nullptr) return;
    const auto checked = test::checkSignatures(*zone().zone, keys_);
    EXPECT_EQ(checked.bad, 0U) << checked.first_bad;
    EXPECT_GT(checked.good, 0U);
    EXPECT_FALSE(zone().zone->signingFaults(clock_.wallNow()).any());
    ASSERT_NE(zone().unsigned_zone, nullptr);
    EXPECT_EQ(zone().unsigned_zone->serial(), zone().zone->serial());
    EXPECT_EQ(zone().unsigned_zone->denial(), nullptr);
  }
  ZoneResult<ZoneChanged> setA(const char* owner, std::vector<std::uint8_t> address) {
    ZoneEdit edit{kExample,
                  {{Name::parse(owner)->lowered(), RrType::kA, 300, {std::move(address)}}}};
    return service_->edit(edit);
  }

  test::TempDir folder_;
  test::FakeClock clock_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  bool signs_ = true;
  KeySet::Keys keys_{test::makeZoneKey(true)};
  std::unique_ptr<SigningService> signing_;
  std::optional<ZoneService> service_;
};

TEST_F(SigningServiceTest, AZoneIsSignedWithASerialOfItsOwn) {
  EXPECT_EQ(zone().zone->serial(), 8U);  // others may have it unsigned, with 7
  EXPECT_EQ(zone().source, ZoneSource::kFile);
  EXPECT_THAT(text(), HasSubstr("www.example.\t300\tIN\tRRSIG\tA 15 2 300 "));
}

TEST_F(SigningServiceTest, ARestartChangesNothing) {
  const std::string before = text();
  const std::size_t writes = disk_->writes;
  for (int i = 0; i < 3; ++i) start();
  EXPECT_EQ(text(), before);
  EXPECT_EQ(disk_->writes, writes);
}

TEST_F(SigningServiceTest, AnEditIsSignedAndOutlivesARestart) {
  const auto changed = setA("new.example.", {192, 0, 2, 9});
  ASSERT_TRUE(changed) << changed.error().error.message;
  EXPECT_EQ(changed->before, 8U);
  EXPECT_EQ(changed->after, 9U);
  check();
  const std::string before = text();
  EXPECT_THAT(before, HasSubstr("new.example.\t300\tIN\tRRSIG\tA "));
  EXPECT_EQ(zone().source, ZoneSource::kStore);
  ASSERT_TRUE(zone().history->since(8));
  start();
  EXPECT_EQ(text(), before);
  EXPECT_EQ(zone().source, ZoneSource::kStore);
  EXPECT_EQ(zone().history->since(8)->size(), 1U);
}

TEST_F(SigningServiceTest, WhatIsAlreadySoChangesNothing) {
  const std::size_t writes = disk_->writes;
  EXPECT_EQ(setA("www.example.", {192, 0, 2, 7})->after, 8U);
  EXPECT_EQ(service_->reload(kExample, Edits::kKeep)->after, 8U);
  EXPECT_TRUE(service_->reloadAll());
  EXPECT_EQ(service_->resign(kExample)->after, 8U);
  EXPECT_EQ(disk_->writes, writes);
}

TEST_F(SigningServiceTest, AFileWhoseSerialLagsBehindIsServedWithTheNext) {
  writeZone(8, "www A 192.0.2.8\n");
  const auto changed = service_->reload(kExample, Edits::kKeep);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->after, 9U);
  check();
  EXPECT_THAT(text(), HasSubstr("192.0.2.8"));
  // While the server is down.
  writeZone(9, "www A 192.0.2.9\n");
  start();
  EXPECT_EQ(zone().zone->serial(), 10U);
  EXPECT_THAT(text(), HasSubstr("192.0.2.9"));
  EXPECT_EQ(zone().history->since(9)->size(), 1U);
  writeZone(100, "www A 192.0.2.10\n");
  ASSERT_TRUE(service_->reloadAll());
  EXPECT_EQ(zone().zone->serial(), 100U);
  check();
}

TEST_F(SigningServiceTest, EditsWinOverTheFileUntilTheyAreGivenUp) {
  ASSERT_TRUE(setA("new.example.", {192, 0, 2, 9}));
  writeZone(50, "www A 192.0.2.50\n");
  ASSERT_TRUE(service_->reloadAll());
  EXPECT_THAT(text(), Not(HasSubstr("192.0.2.50")));
  EXPECT_FALSE(service_->reload(kExample, Edits::kKeep));
  start();
  EXPECT_THAT(text(), Not(HasSubstr("192.0.2.50")));
  ASSERT_TRUE(service_->reload(kExample, Edits::kDiscard));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(text(), HasSubstr("192.0.2.50"));
    EXPECT_THAT(text(), Not(HasSubstr("192.0.2.9\n")));
    EXPECT_EQ(zone().source, ZoneSource::kFile);
    check();
    start();
  }
}

TEST_F(SigningServiceTest, EditsThatAreGivenUpForTheSameContentGiveUpTheStore) {
  ASSERT_TRUE(setA("www.example.", {192, 0, 2, 8}));
  writeZone(7, "www A 192.0.2.8\n");
  ASSERT_TRUE(service_->reload(kExample, Edits::kDiscard));
  EXPECT_EQ(zone().source, ZoneSource::kFile);
  start();
  EXPECT_EQ(zone().source, ZoneSource::kFile);
  check();
}

TEST_F(SigningServiceTest, TimePassesAndSignaturesAreMadeAnew) {
  EXPECT_TRUE(signing_->takeDue().empty());
  clock_.advance(std::chrono::hours(24 * 8));
  ASSERT_EQ(signing_->takeDue(), std::vector<Name>{kExample});
  EXPECT_TRUE(signing_->takeDue().empty());
  ASSERT_TRUE(service_->resign(kExample));
  EXPECT_EQ(zone().zone->serial(), 9U);
  EXPECT_EQ(zone().source, ZoneSource::kFile);
  EXPECT_EQ(zone().history->since(8)->size(), 1U);
  check();
  EXPECT_GT(signing_->statusOf(kExample)->next, clock_.wallNow());
  // Down until all have ended.
  clock_.advance(std::chrono::hours(24 * 30));
  start();
  EXPECT_EQ(zone().zone->serial(), 10U);
}

TEST_F(SigningServiceTest, OtherKeysSignAtOnce) {
  keys_ = {test::makeZoneKey(true), test::makeZoneKey(false)};
  signing_->wake(kExample);
  ASSERT_EQ(signing_->takeDue(), std::vector<Name>{kExample});
  ASSERT_TRUE(service_->resign(kExample));
  check();
  EXPECT_THAT(text(), HasSubstr("DNSKEY\t256 3 15"));
}

TEST_F(SigningServiceTest, WithoutAPolicyItIsTheFileAgainOrItsEditsUnsigned) {
  signs_ = false;
  start();
  EXPECT_EQ(zone().zone->denial(), nullptr);
  EXPECT_EQ(zone().zone->serial(), 7U);
  signs_ = true;
  start();
  ASSERT_TRUE(setA("new.example.", {192, 0, 2, 9}));
  const std::uint32_t serial = zone().zone->serial();
  signs_ = false;
  for (int i = 0; i < 2; ++i) {
    start();
    EXPECT_EQ(zone().zone->denial(), nullptr);
    EXPECT_EQ(zone().zone->serial(), serial + 1);
    EXPECT_THAT(text(), HasSubstr("192.0.2.9\n"));
  }
}

TEST_F(SigningServiceTest, AFileThatIsGoneTakesItsZoneWithIt) {
  std::filesystem::remove(folder_.path() / "example.zone");
  ASSERT_TRUE(service_->reloadAll());
  EXPECT_EQ(service_->zones()->at(kExample), nullptr);
  start();
  EXPECT_EQ(service_->zones()->at(kExample), nullptr);
}

TEST_F(SigningServiceTest, EditsOfWhatSigningMakesAreRefused) {
  ZoneEdit edit{kExample, {{kExample, RrType::kDnskey, 300, {{1, 1, 3, 15, 1, 2, 3}}}}};
  const auto changed = service_->edit(edit);
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().problems.text(), HasSubstr("made by signing"));
  EXPECT_EQ(zone().zone->serial(), 8U);
}

TEST_F(SigningServiceTest, WithoutKeysNothingIsServedUnsigned) {
  const std::string before = text();
  const KeySet::Keys keys = std::exchange(keys_, {});
  const auto refused = setA("new.example.", {192, 0, 2, 9});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().problems.text(), HasSubstr("no keys yet"));
  EXPECT_EQ(text(), before);
  EXPECT_EQ(signing_->failed().value(), 1U);
  EXPECT_TRUE(signing_->takeDue().empty());
  clock_.advance(SigningService::kRetry);
  EXPECT_EQ(signing_->takeDue(), std::vector<Name>{kExample});
  keys_ = keys;
  EXPECT_TRUE(setA("new.example.", {192, 0, 2, 9}));
  check();
}

TEST_F(SigningServiceTest, AStoreThatFailsLeavesTheOldZone) {
  disk_->fail_at = disk_->writes;
  const std::string before = text();
  EXPECT_FALSE(setA("new.example.", {192, 0, 2, 9}));
  EXPECT_EQ(text(), before);
  EXPECT_EQ(setA("new.example.", {192, 0, 2, 9})->after, 9U);
  check();
}

}  // namespace
}  // namespace meridian::dns
