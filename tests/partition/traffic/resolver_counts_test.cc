#include "partition/traffic/resolver_counts.h"

#include <gtest/gtest.h>

#include "partition/traffic/resolver_period.h"
#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kPeriodSeconds = ResolverPeriod::kSeconds;
constexpr std::uint32_t kBegin = 800'000 * kPeriodSeconds;  // of a period

class ResolverCountsTest : public testing::Test {
 protected:
  ResolverCountsTest() { EXPECT_TRUE(world_.open()); }
  // Resolvers `first` and so many that follow ask for p0.
  void look(std::uint32_t unix_time, std::uint64_t first, std::uint64_t count) {
    std::vector<HyperLogLog> sketches(13);
    for (std::uint64_t i = first; i < first + count; ++i) {
      sketches[0].add(HyperLogLog::markOf(i * 0x9E3779B97F4A7C15ULL));
    }
    counts_.sample(sketches, world_.map->current(), unix_time);
  }
  double resolvers(std::string_view subject) const {
    const auto found = counts_.of({subject});
    return found ? found->resolvers : -1;
  }

  test::ChangeWorld world_;
  ResolverCounts counts_;
};

TEST_F(ResolverCountsTest, NothingIsKnownBeforeTheFirstLook) {
  EXPECT_FALSE(counts_.of({"p0"}));
  look(kBegin, 1, 10);
  EXPECT_NEAR(resolvers("p0"), 10, 1);
  EXPECT_EQ(resolvers("p1"), 0);
  EXPECT_FALSE(counts_.of({"nobody"}));
  EXPECT_FALSE(counts_.of({}));
  EXPECT_NEAR(counts_.of({"nobody", "p0"})->resolvers, 10, 1) << "as far as it is known";
}

TEST_F(ResolverCountsTest, APeriodAndTheOneBeforeCount) {
  look(kBegin, 1, 20);
  EXPECT_EQ(counts_.of({"p0"})->window, 0s);
  look(kBegin + kPeriodSeconds - 1, 11, 20);
  EXPECT_NEAR(resolvers("p0"), 30, 2);
  EXPECT_EQ(counts_.of({"p0"})->window, std::chrono::seconds(kPeriodSeconds - 1));
  look(kBegin + kPeriodSeconds + 10, 101, 5);
  EXPECT_NEAR(resolvers("p0"), 35, 3);
  EXPECT_EQ(counts_.of({"p0"})->window, std::chrono::seconds(kPeriodSeconds + 10));
  look(kBegin + 2 * kPeriodSeconds + 10, 201, 1);
  EXPECT_NEAR(resolvers("p0"), 6, 1) << "the first period is forgotten";
  EXPECT_EQ(counts_.of({"p0"})->window, std::chrono::seconds(kPeriodSeconds + 10));
}

TEST_F(ResolverCountsTest, APeriodThatNobodyLookedAtIsNone) {
  look(kBegin, 1, 20);
  look(kBegin + 2 * kPeriodSeconds, 101, 3);
  EXPECT_NEAR(resolvers("p0"), 3, 0.5);
}

TEST_F(ResolverCountsTest, ATopologyKeepsWhatIsKnownById) {
  look(kBegin, 1, 20);
  MapSnapshot next = world_.map->current();
  auto table = *next.table;
  std::swap(table.assignments[0], table.assignments[1]);  // index 0 is p1 now
  table.assignments.pop_back();                           // g is gone
  next.table = std::make_shared<const AssignmentTable>(std::move(table));
  std::vector<HyperLogLog> sketches(12);
  sketches[0].add(HyperLogLog::markOf(1));
  counts_.sample(sketches, next, kBegin + 10);
  EXPECT_NEAR(resolvers("p0"), 20, 1.5);
  EXPECT_NEAR(resolvers("p1"), 1, 0.1);
  EXPECT_FALSE(counts_.of({"g"}));
}

TEST_F(ResolverCountsTest, AClockThatGoesBackBeginsAnew) {
  look(kBegin + 100, 1, 20);
  look(kBegin, 101, 2);
  EXPECT_NEAR(resolvers("p0"), 2, 0.2);
  EXPECT_EQ(counts_.of({"p0"})->window, 0s);
}

}  // namespace
}  // namespace meridian::partition
