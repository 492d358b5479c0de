#include "partition/drc/position.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "partition/drc/feed_line.h"

namespace meridian::partition {
namespace {

const std::string kServerA = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const std::string kServerB = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

TEST(Position, GtidSetsAreReadAsMysqlWritesThem) {
  const auto set = GtidSet::parse("4E11FA47-71CA-11E1-9E33-C80AA9429562:7,\n " + kServerA +
                                  ":4-9:1-3:11, " + kServerA + ":12");
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->text(), kServerA + ":1-9:11-12," + kServerB + ":7");
  EXPECT_EQ(*GtidSet::parse(set->text()), *set);
}

TEST(Position, WhatIsNoGtidSetIsRefused) {
  for (const std::string& text :
       {std::string(), std::string(" "), kServerA, kServerA + ":", kServerA + ":0",
        kServerA + ":3-2", kServerA + ":1-", kServerA + ":-1", kServerA + ":1-2-3", kServerA + ":x",
        kServerA + ":1,,", "," + kServerA + ":1", kServerA.substr(1) + ":1", kServerA + "0:1",
        kServerA + ":9223372036854775807", kServerA + ":99999999999999999999", std::string("u:1"),
        kServerA + ":1@5", std::string(kMaxPosition + 1, 'a')}) {
    EXPECT_FALSE(GtidSet::parse(text)) << text.substr(0, 60);
  }
  EXPECT_TRUE(GtidSet::parse(kServerA + ":9223372036854775806"));
}

TEST(Position, ContainsNeedsProof) {
  EXPECT_TRUE(positionContains(kServerA + ":1-9", kServerA + ":1-9"));
  EXPECT_TRUE(positionContains(kServerA + ":1-9," + kServerB + ":1", kServerA + ":2-3"));
  EXPECT_FALSE(positionContains(kServerA + ":1-9", kServerA + ":9-10"));
  EXPECT_FALSE(positionContains(kServerA + ":1-3:5-9", kServerA + ":1-9"));
  EXPECT_FALSE(positionContains(kServerA + ":1-9", kServerA + ":1-9," + kServerB + ":1"));
  EXPECT_FALSE(positionContains("", kServerA + ":1"));
  EXPECT_FALSE(positionContains(kServerA + ":1", ""));
  EXPECT_FALSE(positionContains("", ""));
  EXPECT_TRUE(positionContains("binlog.7/10@124", "binlog.7/8@123"));
  EXPECT_FALSE(positionContains("binlog.7/8@122", "binlog.7/8@123"));
  EXPECT_TRUE(positionContains("x@123", "x@123"));
  EXPECT_FALSE(positionContains("x@123", "y@123")) << "one number, two places: one of them lies";
  EXPECT_TRUE(positionContains("opaque", "opaque"));
  EXPECT_FALSE(positionContains("opaque2", "opaque1"));
  EXPECT_FALSE(positionContains("x@-1", "x@0"));
  EXPECT_FALSE(positionContains("x@99", kServerA + ":1"));
}

TEST(Position, TheLaterOfTwoReports) {
  EXPECT_EQ(laterPosition("", "x@1"), "x@1");
  EXPECT_EQ(laterPosition("x@1", ""), "x@1");
  EXPECT_EQ(laterPosition("x@9", "x@10"), "x@10");
  EXPECT_EQ(laterPosition(kServerA + ":1-3", kServerA + ":2-5"), kServerA + ":1-5");
  EXPECT_EQ(laterPosition("what", kServerA + ":2-5"), "what");
}

using Brute = std::set<std::pair<int, int>>;

// A random set over few numbers, so that sets overlap often, with its text in random pieces.
std::pair<Brute, std::string> randomSet(std::mt19937& random) {
  Brute brute;
  std::string text;
  const int pieces = std::uniform_int_distribution<int>(1, 6)(random);
  for (int i = 0; i < pieces; ++i) {
    const int source = std::uniform_int_distribution<int>(0, 1)(random);
    const int first = std::uniform_int_distribution<int>(1, 12)(random);
    const int last = first + std::uniform_int_distribution<int>(0, 5)(random);
    for (int n = first; n <= last; ++n) brute.emplace(source, n);
    text += (i == 0 ? "" : ",") + (source == 0 ? kServerA : kServerB) + ":" + std::to_string(first);
    if (last != first) text += "-" + std::to_string(last);
  }
  return {brute, text};
}

TEST(PositionProperty, AgreesWithASetOfSingleTransactions) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int contained = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto [brute_a, text_a] = randomSet(random);
    const auto [brute_b, text_b] = randomSet(random);
    const bool expected =
        std::includes(brute_a.begin(), brute_a.end(), brute_b.begin(), brute_b.end());
    contained += expected ? 1 : 0;
    ASSERT_EQ(positionContains(text_a, text_b), expected) << text_a << " ⊇ " << text_b;
    const auto a = GtidSet::parse(text_a);
    const auto b = GtidSet::parse(text_b);
    ASSERT_TRUE(a && b);
    const GtidSet both = a->unionWith(*b);
    ASSERT_TRUE(both.contains(*a) && both.contains(*b)) << text_a << " ∪ " << text_b;
    ASSERT_EQ(both == *a, expected);
    ASSERT_TRUE(a->contains(a->onlySourcesOf(*b)));
    Brute known;
    for (const auto& each : brute_a) {
      if (brute_b.lower_bound({each.first, 0}) != brute_b.lower_bound({each.first + 1, 0})) {
        known.insert(each);
      }
    }
    ASSERT_EQ(a->onlySourcesOf(*b).empty(), known.empty());
  }
  EXPECT_GT(contained, 100) << "the sets must meet the interesting case";
}

}  // namespace
}  // namespace meridian::partition
