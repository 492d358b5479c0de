// Keys of zones: made, kept, rolled, reported on; the clock and the store that fail them.
#include "dns/sign/key_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/byte_reader.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::dns {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::MemoryDisk;
using test::MemoryStore;
using testing::HasSubstr;

using Records = std::vector<std::vector<std::uint8_t>>;

class KeyServiceTest : public testing::Test {
 protected:
  static constexpr seconds kTtl{300};
  // A DNSKEY RRset is everywhere, or gone, after that.
  static constexpr seconds kPublishing{3600 + 600};

  void SetUp() override {
    policy_.dnskey_ttl = seconds(3600);
    policy_.propagation_delay = seconds(600);
    policy_.parent_propagation_delay = seconds(900);
    policy_.parent_ds_ttl = seconds(7200);
    policy_.zsk_lifetime = std::chrono::days(30);
  }

  Status tryStart() {
    ZonePolicy policy;
    policy.name = apex_;
    policy.sign = policy_;
    auto opened =
        KeyService::open(std::make_shared<MemoryStore>(disk_, KeyService::families()), clock_,
                         std::make_shared<const ZonePolicies>(std::vector{std::move(policy)}));
    if (!opened) return tl::unexpected(opened.error());
    service_.emplace(std::move(*opened));
    service_->onChange([this](NameView apex) {
      ++changes_;
      // A signer that is at once ready.
      if (signs_) service_->zoneSigned(apex, *service_->keysOf(apex));
    });
    return service_->zoneServed(apex_, kTtl);
  }
  void start() {
    const Status started = tryStart();
    ASSERT_TRUE(started) << started.error().message;
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    service_->tick();
  }
  const ZoneKeys& keys() const { return service_->show(apex_)->keys; }
  // "csk active, csk published"
  std::string states() const {
    std::string out;
    for (const KeyRecord& each : keys().keys) {
      out += (out.empty() ? "" : ", ") + std::string(keyRoleName(each.role)) + " " +
             std::string(keyStateName(each.state));
    }
    return out;
  }
  std::uint16_t tagAt(std::size_t i) const { return keys().keys.at(i).tag(); }
  // Whether CDS and CDNSKEY are of this key alone.
  bool parentShallHave(std::size_t i) const {
    const auto set = service_->keysOf(apex_);
    return set->cds == Records{dsOf(apex_, keys().keys.at(i).key->dnskey())} &&
           set->cdnskeys == Records{keys().keys.at(i).key->dnskey()};
  }

  Name apex_ = Name::parse("shop.example").value();
  SigningPolicy policy_;
  test::FakeClock clock_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::optional<KeyService> service_;
  bool signs_ = true;
  int changes_ = 0;
};

TEST_F(KeyServiceTest, TheFirstKeySignsAtOnceAndGoesToTheParentWhenAllCachesHaveSignatures) {
  signs_ = false;
  start();
  EXPECT_EQ(states(), "csk published");
  auto set = service_->keysOf(apex_);
  ASSERT_EQ(set->zone_signers.size(), 1U);
  EXPECT_EQ(set->key_signers, set->zone_signers);
  EXPECT_EQ(set->dnskeys, Records{set->zone_signers[0]->dnskey()});
  EXPECT_EQ(set->dnskey_ttl, 3600U);
  EXPECT_TRUE(set->cds.empty());
  EXPECT_EQ(changes_, 1);

  pass(hours(100));
  EXPECT_EQ(states(), "csk published") << "nobody has said that the zone is signed";
  EXPECT_THAT(service_->dsSeen(apex_, tagAt(0)).error().message, HasSubstr("must not be"));
  service_->zoneSigned(apex_, *set);
  pass(kPublishing - seconds(1));
  EXPECT_EQ(states(), "csk published");
  pass(seconds(1));
  EXPECT_EQ(states(), "csk ready");
  EXPECT_TRUE(parentShallHave(0));
  EXPECT_EQ(changes_, 2);
  EXPECT_TRUE(service_->dsSeen(apex_, tagAt(0))->changed);
  EXPECT_EQ(states(), "csk active");
  EXPECT_FALSE(service_->dsSeen(apex_, tagAt(0))->changed);
  EXPECT_EQ(service_->counters().rolls_begun, (std::array<std::uint64_t, 3>{}));
  EXPECT_EQ(service_->counters().rolls_ended, (std::array<std::uint64_t, 3>{}));
}

TEST_F(KeyServiceTest, ACskIsRolledWithTheParent) {
  start();
  pass(kPublishing);
  const std::uint16_t old = tagAt(0);
  ASSERT_TRUE(service_->dsSeen(apex_, old));
  const auto rolled = service_->roll(apex_, KeyRole::kCsk);
  ASSERT_TRUE(rolled) << rolled.error().message;
  EXPECT_TRUE(rolled->changed);
  EXPECT_EQ(states(), "csk active, csk published");
  EXPECT_EQ(service_->roll(apex_, KeyRole::kCsk)->tag, rolled->tag);
  EXPECT_FALSE(service_->roll(apex_, KeyRole::kCsk)->changed);
  EXPECT_EQ(service_->roll(apex_, KeyRole::kZsk).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(service_->keysOf(apex_)->key_signers.size(), 2U);
  EXPECT_EQ(service_->keysOf(apex_)->zone_signers.at(0)->tag(), old);
  EXPECT_TRUE(parentShallHave(0));
  pass(kPublishing);
  EXPECT_EQ(states(), "csk active, csk ready");
  EXPECT_TRUE(parentShallHave(1));
  EXPECT_EQ(service_->keysOf(apex_)->zone_signers.at(0)->tag(), old);
  pass(hours(1000));
  EXPECT_EQ(states(), "csk active, csk ready") << "the parent does not have it yet";
  ASSERT_TRUE(service_->dsSeen(apex_, rolled->tag));
  EXPECT_EQ(states(), "csk retired, csk active");
  EXPECT_EQ(service_->keysOf(apex_)->zone_signers.at(0)->tag(), rolled->tag);
  EXPECT_EQ(service_->keysOf(apex_)->key_signers.size(), 2U);
  EXPECT_EQ(service_->dsSeen(apex_, old).error().kind, ErrorKind::kRefused);
  // The parent's DS in caches outlasts the old key's signatures.
  pass(seconds(900 + 7200 - 1));
  EXPECT_EQ(states(), "csk retired, csk active");
  pass(seconds(1));
  EXPECT_EQ(states(), "csk active");
  EXPECT_EQ(service_->counters().rolls_begun, (std::array<std::uint64_t, 3>{0, 0, 1}));
  EXPECT_EQ(service_->counters().rolls_ended, (std::array<std::uint64_t, 3>{0, 0, 1}));
}

TEST_F(KeyServiceTest, AZskIsRolledByItself) {
  policy_.split_keys = true;
  start();
  EXPECT_EQ(states(), "ksk published, zsk active");
  EXPECT_TRUE(keys().keys[0].key->isEntryPoint());
  EXPECT_FALSE(keys().keys[1].key->isEntryPoint());
  EXPECT_EQ(service_->keysOf(apex_)->key_signers.at(0)->tag(), tagAt(0));
  EXPECT_EQ(service_->keysOf(apex_)->zone_signers.at(0)->tag(), tagAt(1));
  pass(kPublishing);
  ASSERT_TRUE(service_->dsSeen(apex_, tagAt(0)));
  // Published so early that it can take over when the lifetime ends.
  pass(policy_.zsk_lifetime - kPublishing - kPublishing - seconds(1));
  EXPECT_EQ(states(), "ksk active, zsk active");
  pass(seconds(1));
  EXPECT_EQ(states(), "ksk active, zsk active, zsk published");
  pass(kPublishing - seconds(1));
  EXPECT_EQ(states(), "ksk active, zsk active, zsk published");
  signs_ = false;
  pass(seconds(1));
  EXPECT_EQ(states(), "ksk active, zsk retired, zsk active");
  EXPECT_EQ(service_->keysOf(apex_)->dnskeys.size(), 3U);
  pass(hours(1));
  EXPECT_EQ(states(), "ksk active, zsk retired, zsk active") << "old signatures are still served";
  service_->zoneSigned(apex_, *service_->keysOf(apex_));
  pass(kTtl + seconds(600 - 1));
  EXPECT_EQ(states(), "ksk active, zsk retired, zsk active");
  pass(seconds(1));
  EXPECT_EQ(states(), "ksk active, zsk active");
}

TEST_F(KeyServiceTest, WithoutWordFromTheSignerAKeyStaysUntilItsSignaturesHaveEnded) {
  policy_.split_keys = true;
  start();
  pass(kPublishing);
  ASSERT_TRUE(service_->roll(apex_, KeyRole::kZsk));
  signs_ = false;
  pass(kPublishing);
  ASSERT_THAT(states(), HasSubstr("zsk retired, zsk active"));
  pass(policy_.signature_lifetime + seconds(600 - 1));
  EXPECT_THAT(states(), HasSubstr("zsk retired, zsk active"));
  pass(seconds(1));
  EXPECT_EQ(states(), "ksk ready, zsk active");
}

TEST_F(KeyServiceTest, ALongerTtlThatWasServedBeforeIsWaitedFor) {
  policy_.split_keys = true;
  start();
  pass(kPublishing);
  policy_.dnskey_ttl = seconds(60);
  start();
  ASSERT_TRUE(service_->roll(apex_, KeyRole::kZsk));
  pass(kPublishing - seconds(1));
  EXPECT_THAT(states(), HasSubstr("zsk active, zsk published"));
  pass(seconds(1));
  EXPECT_THAT(states(), HasSubstr("zsk retired, zsk active"));
}

TEST_F(KeyServiceTest, ARestartFindsKeysAndStates) {
  start();
  pass(kPublishing);
  ASSERT_TRUE(service_->dsSeen(apex_, tagAt(0)));
  ASSERT_TRUE(service_->roll(apex_, KeyRole::kCsk));
  const auto before = service_->keysOf(apex_);
  const auto outlook = outlookOf(keys(), keys().keys[1], policy_);
  start();
  EXPECT_EQ(states(), "csk active, csk published");
  EXPECT_TRUE(sameDuties(*before, *service_->keysOf(apex_)));
  EXPECT_EQ(outlookOf(keys(), keys().keys[1], policy_).at, outlook.at);
  EXPECT_EQ(keys().keys[0].key->key().privateBytes(),
            before->zone_signers.at(0)->key().privateBytes());
}

TEST_F(KeyServiceTest, WhatCannotBeStoredIsNotDone) {
  disk_->fail_at = 0;
  EXPECT_EQ(tryStart().error().kind, ErrorKind::kIo);
  EXPECT_EQ(service_->keysOf(apex_), nullptr);
  EXPECT_FALSE(service_->show(apex_));
  pass(seconds(61));
  EXPECT_EQ(states(), "csk published") << "tried again";
  disk_->fail_at = disk_->writes;
  EXPECT_EQ(service_->roll(apex_, KeyRole::kCsk).error().kind, ErrorKind::kIo);
  EXPECT_EQ(states(), "csk published");
  EXPECT_EQ(service_->keysOf(apex_)->dnskeys.size(), 1U);
  EXPECT_EQ(service_->counters().failures, 2U);
}

TEST_F(KeyServiceTest, AClockThatIsSetMakesNoTimePass) {
  start();
  clock_.jump(hours(24 * 365));
  service_->tick();
  EXPECT_EQ(states(), "csk published");
  pass(kPublishing - seconds(1));
  EXPECT_EQ(states(), "csk published");
  pass(seconds(1));
  EXPECT_EQ(states(), "csk ready");
  ASSERT_TRUE(service_->dsSeen(apex_, tagAt(0)));
  ASSERT_TRUE(service_->roll(apex_, KeyRole::kCsk));
  clock_.jump(-hours(24 * 365));
  pass(kPublishing - seconds(1));
  EXPECT_EQ(states(), "csk active, csk published");
  pass(seconds(1));
  EXPECT_EQ(states(), "csk active, csk ready");
}

TEST_F(KeyServiceTest, WhoeverAsksFirstAfterAClockWasSetIsNotDeceived) {
  policy_.split_keys = true;
  start();
  pass(kPublishing);
  ASSERT_TRUE(service_->roll(apex_, KeyRole::kZsk));
  clock_.jump(hours(24 * 365));
  EXPECT_FALSE(service_->roll(apex_, KeyRole::kZsk)->changed);
  EXPECT_EQ(states(), "ksk ready, zsk active, zsk published");
  clock_.jump(hours(24 * 365));
  ASSERT_TRUE(service_->dsSeen(apex_, tagAt(0)));
  EXPECT_EQ(states(), "ksk active, zsk active, zsk published");
  clock_.jump(hours(24 * 365));
  ASSERT_TRUE(service_->zoneServed(apex_, kTtl));
  EXPECT_EQ(states(), "ksk active, zsk active, zsk published");
}

// The store says that a write has failed, and it has not: the key that it retired is used on.
TEST_F(KeyServiceTest, AKeyFoundRetiredAtAStartMayHaveSignedUntilThen) {
  policy_.split_keys = true;
  start();
  pass(kPublishing);
  ASSERT_TRUE(service_->roll(apex_, KeyRole::kZsk));
  signs_ = false;
  disk_->failure = MemoryDisk::Failure::kStored;
  disk_->fail_at = disk_->writes;
  pass(kPublishing);
  EXPECT_EQ(states(), "ksk ready, zsk active, zsk published");
  pass(seconds(30));
  start();
  ASSERT_EQ(states(), "ksk ready, zsk retired, zsk active");
  pass(policy_.signature_lifetime + seconds(600 - 1));
  EXPECT_EQ(states(), "ksk ready, zsk retired, zsk active");
  start();
  pass(seconds(1));
  EXPECT_EQ(states(), "ksk ready, zsk active") << "a later start does not begin the wait anew";
}

TEST_F(KeyServiceTest, AClockThatWentBackOverARestartMakesAWaitBeginAnewAtTheMost) {
  start();
  pass(hours(1));
  clock_.jump(-hours(24 * 365));
  start();
  pass(kPublishing);
  EXPECT_EQ(states(), "csk ready");
}

TEST_F(KeyServiceTest, DamagedKeysAreRefusedAndNotShown) {
  start();
  std::string& row = disk_->families.at("keys").begin()->second;
  const std::string good = row;
  const auto change = [&](const std::string& from, const std::string& to) {
    row = good;
    const std::size_t at = row.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    row.replace(at, from.size(), to);
    const Status started = tryStart();
    ASSERT_FALSE(started) << from;
    EXPECT_EQ(started.error().kind, ErrorKind::kCorrupt);
    EXPECT_THAT(started.error().message, HasSubstr("keys of zone shop.example."));
    EXPECT_THAT(started.error().message, HasSubstr("restore state_dir"));
    const std::size_t secret = good.find("\"private\":\"") + 11;
    EXPECT_THAT(started.error().message, testing::Not(HasSubstr(good.substr(secret, 20))));
  };
  change("\"v\":1", "\"v\":2");
  change("\"role\":\"csk\"", "\"role\":\"zsk\"");
  change("\"state\":\"published\"", "\"state\":\"\"");
  change("\"private\":\"", "\"private\":\"AAAA");
  change("\"private\":\"", "\"private\":\"!");
  change("\"dnskey\":\"AQ", "\"dnskey\":\"AA");
  change("\"since\":", "\"since\":-");
  change("{", "");
}

TEST_F(KeyServiceTest, ZonesWithoutAPolicyHaveNoKeys) {
  start();
  const Name other = Name::parse("other.example").value();
  ASSERT_TRUE(service_->zoneServed(other, kTtl));
  EXPECT_EQ(service_->keysOf(other), nullptr);
  EXPECT_FALSE(service_->show(other));
  EXPECT_EQ(service_->roll(other, KeyRole::kCsk).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(disk_->families.at("keys").size(), 1U);
}

TEST_F(KeyServiceTest, KeysArePutInBeforeAZoneIsSignedHere) {
  start();
  const Name other = Name::parse("other.example").value();
  const auto made = [](bool is_entry_point, SigningKeyKind kind = SigningKeyKind::kEd25519) {
    return std::make_shared<const ZoneKey>(SigningKey::generate(kind).value(), is_entry_point);
  };
  const auto ksk = made(true);
  EXPECT_EQ(service_->import(other, ksk, KeyRole::kZsk, {}).error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(service_->import(other, ksk, KeyRole::kKsk, WallTime{})->changed);
  EXPECT_FALSE(service_->import(other, ksk, KeyRole::kKsk, {})->changed);
  EXPECT_EQ(service_->import(other, made(true), KeyRole::kCsk, {}).error().kind,
            ErrorKind::kRefused);
  EXPECT_EQ(service_->import(other, made(false, SigningKeyKind::kEcdsaP256), KeyRole::kZsk, {})
                .error()
                .kind,
            ErrorKind::kRefused);
  EXPECT_TRUE(service_->import(other, made(false), KeyRole::kZsk, {})->changed);
  EXPECT_TRUE(service_->import(other, made(false), KeyRole::kZsk, {})->changed);
  EXPECT_EQ(service_->import(other, made(false), KeyRole::kZsk, {}).error().kind,
            ErrorKind::kConflict);
  EXPECT_EQ(service_->roll(other, KeyRole::kKsk).error().kind, ErrorKind::kRefused);

  // Now it is to be signed here.
  apex_ = other;
  policy_.split_keys = true;
  start();
  EXPECT_EQ(states(), "ksk active, zsk active, zsk published");
  EXPECT_EQ(keys().keys[0].made, WallTime{});
  EXPECT_EQ(service_->keysOf(other)->zone_signers.at(0)->tag(), tagAt(1));
  EXPECT_TRUE(parentShallHave(0));
  pass(kPublishing);
  EXPECT_EQ(states(), "ksk active, zsk retired, zsk active");
}

}  // namespace
}  // namespace meridian::dns
