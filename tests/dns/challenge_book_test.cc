// ACME tokens: they come, they go, and nothing leaves one behind.
#include "dns/update/challenge_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "dns/zone/loader.h"
#include "dns/zone/zone_text.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"

namespace meridian::dns {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const Name kChallenged = Name::parse("_acme-challenge.www.example.").value();

class ChallengeBookTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  void start() {
    book_.reset();
    const auto zone = parseZone(
        "$ORIGIN example.\n$TTL 300\n@ SOA ns admin 7 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n"
        "sub NS ns.elsewhere.\n_acme-challenge.old TXT \"by-hand\"\n_acme-challenge.cn CNAME ns\n",
        "test");
    ASSERT_TRUE(zone) << zone.error().text();
    std::vector<std::string> families = ZoneService::families();
    for (const std::string& each : ChallengeBook::families()) families.push_back(each);
    auto store = std::make_shared<test::MemoryStore>(disk_, families);
    auto opened = ZoneService::open(store, clock_, folder_.path(),
                                    std::make_shared<const ZoneSet>(std::vector<LoadedZone>{}));
    ASSERT_TRUE(opened) << opened.error().message;
    zones_.emplace(std::move(*opened));
    zones_->onChange([](const auto&) -> Checked<std::function<void()>> { return [] {}; });
    if (zones_->zones()->size() == 0) {
      ASSERT_TRUE(zones_->replace(*zone));
    }
    auto book = ChallengeBook::open(store, clock_, *zones_);
    ASSERT_TRUE(book) << book.error().message;
    book_.emplace(std::move(*book));
  }
  std::string text() const {
    return zoneText(*zones_->zones()->at(Name::parse("example.")->view())->zone, 1 << 20).value();
  }
  ErrorKind refusalOf(const char* owner, const std::string& value) {
    const auto done = book_->present(Name::parse(owner).value(), value, seconds(60), "test");
    EXPECT_FALSE(done) << owner << " " << value;
    EXPECT_THAT(book_->all(), testing::IsEmpty());
    return done ? ErrorKind::kIo : done.error().error.kind;
  }

  test::TempDir folder_;
  test::FakeClock clock_;
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
  std::optional<ZoneService> zones_;
  std::optional<ChallengeBook> book_;
};

TEST_F(ChallengeBookTest, TokensOfANameStandBesideEachOtherUntilTheyEnd) {
  ASSERT_TRUE(book_->present(kChallenged, "first", seconds(60), "test"));
  clock_.advance(seconds(30));
  ASSERT_TRUE(book_->present(kChallenged, "second", seconds(60), "test"));
  EXPECT_THAT(text(), HasSubstr("_acme-challenge.www.example.\t60\tIN\tTXT\t\"first\"\n"));
  clock_.advance(seconds(30));
  book_->tick();
  EXPECT_THAT(text(), Not(HasSubstr("first")));
  EXPECT_THAT(text(), HasSubstr("second"));
  start();
  clock_.advance(seconds(30));
  book_->tick();
  EXPECT_THAT(text(), Not(HasSubstr("second")));
  EXPECT_THAT(book_->all(), testing::IsEmpty());
  start();
  EXPECT_THAT(book_->all(), testing::IsEmpty());
}

TEST_F(ChallengeBookTest, WhatStoodThereByHandStays) {
  const Name owner = Name::parse("_ACME-challenge.old.example.").value();
  ASSERT_TRUE(book_->present(owner, "mine", seconds(60), "test"));
  EXPECT_THAT(text(), HasSubstr("TXT\t\"by-hand\"\n"));
  EXPECT_THAT(text(), HasSubstr("300\tIN\tTXT\t\"mine\"\n"));
  ASSERT_TRUE(book_->cleanUp(owner, "mine"));
  EXPECT_THAT(text(), HasSubstr("TXT\t\"by-hand\"\n"));
  EXPECT_THAT(text(), Not(HasSubstr("mine")));
  EXPECT_EQ(book_->cleanUp(owner, "mine").error().error.kind, ErrorKind::kNotFound);
}

TEST_F(ChallengeBookTest, TheSameTokenAgainLivesLonger) {
  ASSERT_TRUE(book_->present(kChallenged, "token", seconds(60), "test"));
  const std::string before = text();
  clock_.advance(seconds(30));
  ASSERT_TRUE(book_->present(kChallenged, "token", seconds(60), "test"));
  EXPECT_EQ(text(), before);
  EXPECT_EQ(book_->all().size(), 1U);
  clock_.advance(seconds(31));
  book_->tick();
  EXPECT_EQ(text(), before);
}

TEST_F(ChallengeBookTest, WhatCannotStandIsRefusedAndForgotten) {
  EXPECT_EQ(refusalOf("www.example.", "token"), ErrorKind::kInvalid);
  EXPECT_EQ(refusalOf(".", "token"), ErrorKind::kInvalid);
  EXPECT_EQ(refusalOf("_acme-challenge.example.", ""), ErrorKind::kInvalid);
  EXPECT_EQ(refusalOf("_acme-challenge.example.", "a b"), ErrorKind::kInvalid);
  EXPECT_EQ(refusalOf("_acme-challenge.example.", std::string(256, 'a')), ErrorKind::kInvalid);
  EXPECT_EQ(refusalOf("_acme-challenge.elsewhere.", "token"), ErrorKind::kNotFound);
  EXPECT_EQ(refusalOf("_acme-challenge.sub.example.", "token"), ErrorKind::kRefused);
  EXPECT_EQ(refusalOf("_acme-challenge.cn.example.", "token"), ErrorKind::kInvalid);
}

TEST_F(ChallengeBookTest, ACrashAnywhereLeavesNoTokenWithoutAnEnd) {
  for (std::size_t at = 0; at < 3; ++at) {
    for (const auto failure :
         {test::MemoryDisk::Failure::kLost, test::MemoryDisk::Failure::kStored}) {
      disk_ = std::make_shared<test::MemoryDisk>();
      start();
      disk_->fail_at = disk_->writes + at;
      disk_->failure = failure;
      (void)book_->present(kChallenged, "token", seconds(60), "test");
      start();
      clock_.advance(seconds(61));
      disk_->fail_at.reset();
      book_->tick();
      EXPECT_THAT(text(), Not(HasSubstr("token"))) << at;
      EXPECT_THAT(book_->all(), testing::IsEmpty()) << at;
    }
  }
}

TEST_F(ChallengeBookTest, ATokenThatCannotBeTakenAwayIsTriedAgain) {
  ASSERT_TRUE(book_->present(kChallenged, "token", seconds(60), "test"));
  clock_.advance(seconds(60));
  disk_->fail_at = disk_->writes;
  book_->tick();
  EXPECT_EQ(book_->all().size(), 1U);
  disk_->fail_at.reset();
  book_->tick();
  EXPECT_THAT(book_->all(), testing::IsEmpty());
  EXPECT_THAT(text(), Not(HasSubstr("token")));
}

}  // namespace
}  // namespace meridian::dns
