#include "partition/health/override_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::partition {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class OverrideBookTest : public testing::Test {
 protected:
  Result<OverrideBook> open() {
    return OverrideBook::open(std::make_shared<test::MemoryStore>(disk_, OverrideBook::families()));
  }
  HealthOverride entry(const std::string& glob, std::chrono::seconds life) const {
    HealthOverride out;
    out.glob = glob;
    out.state = Health::kDegraded;
    out.reason = "rack move";
    out.author = "ann";
    out.created = clock_.wallNow();
    out.expires = out.created + life;
    return out;
  }

  test::FakeClock clock_;
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
};

TEST(GlobTest, StarsAndQuestionMarks) {
  EXPECT_TRUE(globMatches("*", ""));
  EXPECT_TRUE(globMatches("datacenter/*", "datacenter/fra"));
  EXPECT_TRUE(globMatches("*fra*", "datacenter/fra"));
  EXPECT_TRUE(globMatches("check/f?a-*-db", "check/fra-1-2-db"));
  EXPECT_TRUE(globMatches("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(globMatches("", "a"));
  EXPECT_FALSE(globMatches("datacenter/fr", "datacenter/fra"));
  EXPECT_FALSE(globMatches("datacenter/fra?", "datacenter/fra"));
  EXPECT_FALSE(globMatches("a*b*c", "a-b-b-c-d"));
  EXPECT_FALSE(globMatches("[a]", "a")) << "no other sign is special";
}

TEST_F(OverrideBookTest, TheyOutliveARestart) {
  {
    auto book = open();
    ASSERT_TRUE(book) << book.error().message;
    EXPECT_EQ(book->add(entry("datacenter/fra", std::chrono::hours(1)))->id, 1U);
    EXPECT_EQ(book->add(entry("check/*", std::chrono::hours(2)))->id, 2U);
  }
  auto book = open();
  ASSERT_TRUE(book) << book.error().message;
  ASSERT_THAT(book->all(), SizeIs(2));
  const HealthOverride& first = book->all()[0];
  EXPECT_EQ(first.glob, "datacenter/fra");
  EXPECT_EQ(first.state, Health::kDegraded);
  EXPECT_EQ(first.reason, "rack move");
  EXPECT_EQ(first.author, "ann");
  EXPECT_EQ(first.created, clock_.wallNow());
  EXPECT_EQ(first.expires, clock_.wallNow() + std::chrono::hours(1));
  EXPECT_EQ(book->winner("check/x")->id, 2U);
  EXPECT_EQ(book->winner("datacenter/ams"), nullptr);
}

TEST_F(OverrideBookTest, AnIdIsNeverUsedAgain) {
  {
    auto book = open();
    book->add(entry("a", std::chrono::hours(1)));
    EXPECT_TRUE(book->remove(1));
    EXPECT_EQ(book->remove(1).error().kind, ErrorKind::kNotFound);
  }
  auto book = open();
  EXPECT_THAT(book->all(), IsEmpty());
  EXPECT_EQ(book->add(entry("a", std::chrono::hours(1)))->id, 2U);
}

TEST_F(OverrideBookTest, TheClockEndsThem) {
  auto book = open();
  book->add(entry("a", std::chrono::seconds(10)));
  book->add(entry("b", std::chrono::seconds(20)));
  clock_.advance(std::chrono::milliseconds(9'999));
  EXPECT_FALSE(*book->expire(clock_.wallNow()));
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(*book->expire(clock_.wallNow()));
  ASSERT_THAT(book->all(), SizeIs(1));
  EXPECT_THAT(open()->all(), SizeIs(1));
}

TEST_F(OverrideBookTest, AFailedWriteLeavesThemAsTheyWere) {
  auto book = open();
  book->add(entry("a", std::chrono::seconds(10)));
  disk_->fail_at = disk_->writes;
  EXPECT_EQ(book->add(entry("b", std::chrono::seconds(10))).error().kind, ErrorKind::kIo);
  EXPECT_THAT(book->all(), SizeIs(1));
  disk_->fail_at = disk_->writes;
  EXPECT_EQ(book->remove(1).error().kind, ErrorKind::kIo);
  EXPECT_THAT(book->all(), SizeIs(1));
  // The end of its time is no matter of the disk.
  clock_.advance(std::chrono::seconds(10));
  disk_->fail_at = disk_->writes;
  EXPECT_FALSE(book->expire(clock_.wallNow()));
  EXPECT_THAT(book->all(), IsEmpty());
}

TEST_F(OverrideBookTest, ThereIsABound) {
  auto book = open();
  for (std::size_t i = 0; i < OverrideBook::kMaxOverrides; ++i) {
    ASSERT_TRUE(book->add(entry("a", std::chrono::hours(1))));
  }
  EXPECT_EQ(book->add(entry("a", std::chrono::hours(1))).error().kind, ErrorKind::kRefused);
}

TEST_F(OverrideBookTest, DamageIsNamed) {
  const std::string key = "override/00000000000000000001";
  open()->add(entry("a", std::chrono::hours(1)));
  const std::string good = disk_->at("health", key);
  for (const std::string& bad :
       {std::string("{"), std::string(), good.substr(0, good.size() - 2), std::string("[]"),
        std::string(good).replace(good.find("DEGRADED"), 8, "BROKEN"),
        std::string(good).replace(good.find("\"id\":1"), 6, "\"id\":9")}) {
    disk_->at("health", key) = bad;
    const auto book = open();
    ASSERT_FALSE(book) << bad;
    EXPECT_EQ(book.error().kind, ErrorKind::kCorrupt);
    EXPECT_THAT(book.error().message, HasSubstr(key));
  }
  disk_->at("health", key) = good;
  disk_->at("health", "next") = "1";
  EXPECT_EQ(open().error().kind, ErrorKind::kCorrupt);
  disk_->at("health", "next") = "x";
  EXPECT_EQ(open().error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace meridian::partition
