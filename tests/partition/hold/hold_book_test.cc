#include "partition/hold/hold_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class HoldBookTest : public testing::Test {
 protected:
  HoldBook open() {
    auto book = HoldBook::open(std::make_shared<test::MemoryStore>(disk_, HoldBook::families()));
    EXPECT_TRUE(book) << book.error().message;
    return std::move(*book);
  }
  Hold hold(HoldScope scope, const std::string& subject, std::chrono::seconds life = 1h) const {
    Hold out;
    out.scope = scope;
    out.subject = subject;
    out.holder = "dcp";
    out.reason = "nightly comparison";
    out.actor = "ann";
    out.created = clock_.wallNow();
    out.expires = out.created + life;
    return out;
  }
  std::vector<std::uint64_t> idsOn(const HoldBook& book, const HeldMove& move) const {
    std::vector<std::uint64_t> ids;
    for (const Hold* each : book.on(move, clock_.wallNow())) ids.push_back(each->id);
    return ids;
  }

  test::FakeClock clock_;
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
};

TEST_F(HoldBookTest, AHoldIsAboutItsPartitionItsZoneOrEitherEnd) {
  HoldBook book = open();
  ASSERT_TRUE(book.add(hold(HoldScope::kPartition, "us-tx")));
  ASSERT_TRUE(book.add(hold(HoldScope::kZone, "order")));
  ASSERT_TRUE(book.add(hold(HoldScope::kDatacenter, "dal")));
  EXPECT_THAT(idsOn(book, {"us-tx", "order", "dal", "iad"}), ElementsAre(1, 2, 3));
  EXPECT_THAT(idsOn(book, {"us-ca", "order", "iad", "dal"}), ElementsAre(2, 3));
  EXPECT_THAT(idsOn(book, {"order", "other", "iad", "fra"}), IsEmpty()) << "names of another scope";
  EXPECT_THAT(idsOn(book, {"us-ca", "us-tx", "", ""}), IsEmpty());
}

TEST_F(HoldBookTest, EndsByTheClockBeforeItIsForgotten) {
  HoldBook book = open();
  ASSERT_TRUE(book.add(hold(HoldScope::kPartition, "us-tx", 60s)));
  clock_.advance(59s);
  EXPECT_THAT(idsOn(book, {"us-tx", "order", "", ""}), SizeIs(1));
  clock_.advance(1s);
  EXPECT_THAT(idsOn(book, {"us-tx", "order", "", ""}), IsEmpty());
  EXPECT_THAT(book.all(), SizeIs(1));
  EXPECT_TRUE(book.expire(clock_.wallNow()).value());
  EXPECT_THAT(book.all(), IsEmpty());
  EXPECT_THAT(open().all(), IsEmpty());
}

TEST_F(HoldBookTest, OutlivesARestartWithWhatWentOverIt) {
  {
    HoldBook book = open();
    ASSERT_TRUE(book.add(hold(HoldScope::kDatacenter, "dal")));
    ASSERT_TRUE(book.passed({1, 99}, "c-7")) << "a hold that is gone needs no note";
  }
  const HoldBook book = open();
  ASSERT_THAT(book.all(), SizeIs(1));
  const Hold& found = book.all().front();
  EXPECT_EQ(found.scope, HoldScope::kDatacenter);
  EXPECT_EQ(found.holder, "dcp");
  EXPECT_EQ(found.passed_by, "c-7");
  EXPECT_EQ(found.expires, clock_.wallNow() + 1h);
  EXPECT_EQ(describeHold(found),
            "dcp holds dal until " + rfc3339(found.expires) + " (h-1): nightly comparison");
}

TEST_F(HoldBookTest, DamageIsNoHoldLess) {
  ASSERT_TRUE(open().add(hold(HoldScope::kZone, "order")));
  test::MemoryStore store(disk_, HoldBook::families());
  ASSERT_TRUE(store.writeSynced({{"holds", "hold/00000000000000000001", R"({"v":1,"id":1})"}}));
  const auto opened =
      HoldBook::open(std::make_shared<test::MemoryStore>(disk_, HoldBook::families()));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kCorrupt);
}

TEST(HoldIdTest, ReadsWhatItWrites) {
  EXPECT_EQ(holdNumberOf(holdId(17)), 17U);
  for (const char* wrong : {"", "h-", "h-x", "17", "h-1x", "c-1", "h--1"}) {
    EXPECT_EQ(holdNumberOf(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace meridian::partition
