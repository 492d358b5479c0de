#include "partition/consumers/consumer_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;

constexpr MonotonicTime kStart{};

TEST(ConsumerBookTest, APollIsAnAcknowledgement) {
  ConsumerBook book;
  EXPECT_TRUE(book.standing(7, false, kStart).hasShare(1)) << "nobody is behind where nobody is";
  ASSERT_TRUE(book.heard("router-1", ConsumerKind::kRouter, 6, kStart));
  ASSERT_TRUE(book.heard("dal-1", ConsumerKind::kDal, 7, kStart));
  const ConsumerStanding all = book.standing(7, false, kStart);
  EXPECT_EQ(all.all, 2U);
  EXPECT_EQ(all.there, 1U);
  EXPECT_THAT(all.behind, testing::ElementsAre("router-1"));
  EXPECT_TRUE(all.hasShare(0.5));
  EXPECT_FALSE(all.hasShare(0.51));
  EXPECT_TRUE(book.standing(7, true, kStart).hasShare(1)) << "the only DAL has it";
  ASSERT_TRUE(book.heard("router-1", ConsumerKind::kRouter, 7, kStart));
  EXPECT_TRUE(book.standing(7, false, kStart).hasShare(1));
}

TEST(ConsumerBookTest, WhoLostItsDiskIsBehindAgain) {
  ConsumerBook book;
  ASSERT_TRUE(book.heard("dal-1", ConsumerKind::kDal, 9, kStart));
  ASSERT_TRUE(book.heard("dal-1", ConsumerKind::kDal, 0, kStart + 1s));
  EXPECT_FALSE(book.standing(9, true, kStart + 1s).hasShare(1));
}

TEST(ConsumerBookTest, WhoIsSilentForLongCountsNoMore) {
  ConsumerBook book;
  ASSERT_TRUE(book.heard("router-1", ConsumerKind::kRouter, 1, kStart));
  EXPECT_EQ(book.standing(2, false, kStart + ConsumerBook::kSilence).all, 1U);
  EXPECT_EQ(book.standing(2, false, kStart + ConsumerBook::kSilence + 1ms).all, 0U);
  EXPECT_TRUE(book.all(kStart + ConsumerBook::kSilence + 1ms).empty());
}

TEST(ConsumerBookTest, AFullBookMakesRoomOfTheSilentOnly) {
  ConsumerBook book;
  for (std::size_t i = 0; i < ConsumerBook::kMax; ++i) {
    ASSERT_TRUE(book.heard("r" + std::to_string(i), ConsumerKind::kRouter, 1, kStart));
  }
  EXPECT_FALSE(book.heard("one-more", ConsumerKind::kRouter, 1, kStart + 1s));
  EXPECT_TRUE(book.heard("r0", ConsumerKind::kRouter, 2, kStart + 1s)) << "a known one may go on";
  EXPECT_TRUE(
      book.heard("one-more", ConsumerKind::kRouter, 1, kStart + ConsumerBook::kSilence + 1ms));
  EXPECT_EQ(book.all(kStart + ConsumerBook::kSilence + 1ms).size(), 2U);
  const ConsumerStanding few = book.standing(9, false, kStart + 1s);
  EXPECT_LE(few.behind.size(), ConsumerStanding::kNamed);
}

TEST(ConsumerBookTest, IdsArePlainWords) {
  EXPECT_TRUE(ConsumerBook::isId("dal-eu_1.db:3306"));
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a\n"),
                                 std::string("\xc3\xa4"), std::string(65, 'x')}) {
    EXPECT_FALSE(ConsumerBook::isId(bad)) << bad;
  }
}

}  // namespace
}  // namespace meridian::partition
