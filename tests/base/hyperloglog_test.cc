#include "base/hyperloglog.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace meridian {
namespace {

HyperLogLog sketchOf(std::uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  HyperLogLog out;
  for (int i = 0; i < count; ++i) out.add(HyperLogLog::markOf(random()));
  return out;
}

TEST(HyperLogLogSketch, NothingSeenIsNothing) {
  EXPECT_EQ(HyperLogLog().estimate(), 0);
}

TEST(HyperLogLogSketch, AMarkIsARegisterAndTheFirstOneBehindIt) {
  EXPECT_EQ(HyperLogLog::markOf(7).index, 7U);
  EXPECT_EQ(HyperLogLog::markOf(7).rank, 57) << "no 1 at all in the 56 bits";
  EXPECT_EQ(HyperLogLog::markOf(std::uint64_t{1} << 63).rank, 1);
  EXPECT_EQ(HyperLogLog::markOf((std::uint64_t{1} << 62) + 255).rank, 2);
  EXPECT_EQ(HyperLogLog::markOf((std::uint64_t{1} << 62) + 255).index, 255U);
}

TEST(HyperLogLogSketch, FewAreNearlyExact) {
  for (const int count : {1, 2, 5, 20}) {
    EXPECT_NEAR(sketchOf(1, count).estimate(), count, 1.0) << count;
  }
}

// Four standard errors of 6.5 %: one in 16,000 seeds would miss, and these seeds are fixed.
TEST(HyperLogLogSketch, ManyAreEstimatedWithinTheErrorOfThePaper) {
  for (const int count : {300, 640, 1'000, 30'000, 1'000'000}) {
    double squares = 0;
    constexpr int kSeeds = 20;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const double off = sketchOf(seed, count).estimate() / count - 1;
      EXPECT_LT(std::abs(off), 0.26) << count << " seed " << seed;
      squares += off * off;
    }
    EXPECT_LT(squares / kSeeds, 0.1 * 0.1) << count;
  }
}

TEST(HyperLogLogSketch, SeenAgainCountsOnce) {
  HyperLogLog twice = sketchOf(3, 500);
  twice.merge(sketchOf(3, 500));
  EXPECT_EQ(twice.estimate(), sketchOf(3, 500).estimate());
}

TEST(HyperLogLogSketch, AMergeIsTheSketchOfBothSets) {
  std::mt19937_64 random(11);
  HyperLogLog left, right, both;
  for (int i = 0; i < 4'000; ++i) {
    const HyperLogLog::Mark mark = HyperLogLog::markOf(random());
    both.add(mark);
    if (i < 3'000) left.add(mark);
    if (i >= 1'000) right.add(mark);
  }
  left.merge(right);
  EXPECT_EQ(left.estimate(), both.estimate());
}

}  // namespace
}  // namespace meridian
