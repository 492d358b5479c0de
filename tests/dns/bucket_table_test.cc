#include "dns/net/bucket_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <unordered_map>

namespace meridian::dns {
namespace {

// A key of set `set` in a table of 1,024 sets.
std::uint64_t keyOfSet(std::uint64_t set, std::uint64_t number) {
  return number << 32 | set;
}

TEST(BucketTable, SizeIsAPowerOfTwoAndNeverChanges) {
  EXPECT_EQ(BucketTable(0).size(), 4U);
  EXPECT_EQ(BucketTable(4).size(), 4U);
  EXPECT_EQ(BucketTable(5).size(), 8U);
  BucketTable table(4096);
  for (std::uint64_t i = 0; i < 100'000; ++i) table.of(i * 0x9E3779B97F4A7C15).paid_at = i;
  EXPECT_EQ(table.size(), 4096U);
}

TEST(BucketTable, AKeyFindsItsBucketAgain) {
  BucketTable table(4096);
  for (std::uint64_t i = 1; i <= 4; ++i) table.of(keyOfSet(7, i)).paid_at = i;
  for (std::uint64_t i = 1; i <= 4; ++i) EXPECT_EQ(table.of(keyOfSet(7, i)).paid_at, i);
  EXPECT_EQ(table.of(keyOfSet(8, 1)).paid_at, 0U) << "another set";
}

TEST(BucketTable, ANewcomerTakesTheSmallestDebtOver) {
  BucketTable table(4096);
  for (std::uint64_t i = 1; i <= 4; ++i) {
    table.of(keyOfSet(0, i)).paid_at = 100 * i;
    table.of(keyOfSet(0, i)).limited = static_cast<std::uint32_t>(i);
  }
  Bucket& newcomer = table.of(keyOfSet(0, 9));
  EXPECT_EQ(newcomer.paid_at, 100U);
  EXPECT_EQ(newcomer.limited, 1U);
  newcomer.paid_at = 500;
  for (std::uint64_t i = 2; i <= 4; ++i)
    EXPECT_EQ(table.of(keyOfSet(0, i)).paid_at, 100 * i) << "the others stay";
  EXPECT_EQ(table.of(keyOfSet(0, 1)).paid_at, 200U) << "who was pushed out gains nothing";
}

// Whoever is pushed out finds no smaller debt when it comes again, whatever the others did.
TEST(BucketTable, NoKeyEverOwesLessThanItBorrowed) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  BucketTable table(16);
  std::unordered_map<std::uint64_t, std::uint64_t> owed;  // as if nobody had been pushed out
  std::uint64_t now = 1;
  for (int i = 0; i < 200'000; ++i) {
    now += random() % 3;
    const std::uint64_t key = keyOfSet(random() % 4, 1 + random() % 12);
    const std::uint64_t cost = 1 + random() % 20;
    std::uint64_t& exact = owed[key];
    Bucket& bucket = table.of(key);
    ASSERT_GE(std::max(bucket.paid_at, now), std::max(exact, now)) << "at " << i;
    exact = std::max(exact, now) + cost;
    bucket.paid_at = std::max(bucket.paid_at, now) + cost;
  }
}

}  // namespace
}  // namespace meridian::dns
