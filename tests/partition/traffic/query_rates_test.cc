#include "partition/traffic/query_rates.h"

#include <gtest/gtest.h>

#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;

class QueryRatesTest : public testing::Test {
 protected:
  QueryRatesTest() { EXPECT_TRUE(world_.open()); }
  // A second later: so many more questions to p0.
  void second(std::uint64_t more) {
    now_ += 1s;
    totals_[0] += more;
    rates_.sample(totals_, world_.map->current(), now_);
  }

  test::ChangeWorld world_;
  QueryRates rates_;
  std::vector<std::uint64_t> totals_ = std::vector<std::uint64_t>(13);
  MonotonicTime now_{};
};

TEST_F(QueryRatesTest, NothingIsKnownBeforeTheSecondLook) {
  second(1'000'000);
  EXPECT_EQ(rates_.of("p0"), std::nullopt);
  second(50);
  EXPECT_DOUBLE_EQ(rates_.of("p0").value(), 50);
  EXPECT_DOUBLE_EQ(rates_.of("p1").value(), 0);
  EXPECT_DOUBLE_EQ(rates_.of("g").value(), 0);
  EXPECT_EQ(rates_.of("nobody"), std::nullopt);
  EXPECT_DOUBLE_EQ(rates_.sum(), 50);
}

TEST_F(QueryRatesTest, ABurstIsSmoothedAndANewLevelIsReached) {
  second(0);
  second(100);
  second(7'000);
  EXPECT_LT(rates_.of("p0").value(), 250);
  EXPECT_GT(rates_.of("p0").value(), 100);
  for (int i = 0; i < 600; ++i) second(400);
  EXPECT_NEAR(rates_.of("p0").value(), 400, 1);
}

TEST_F(QueryRatesTest, ANewTopologyStartsANewCountAndKeepsWhatIsKnown) {
  second(0);
  second(100);
  MapSnapshot next = world_.map->current();
  next.topology = std::make_shared<const Topology>(*next.topology);
  auto table = *next.table;
  std::swap(table.assignments[0], table.assignments[1]);  // index 0 is p1 now
  table.assignments.pop_back();                           // g is gone
  next.table = std::make_shared<const AssignmentTable>(std::move(table));
  totals_.pop_back();
  rates_.sample(totals_, next, now_ + 1s);
  EXPECT_DOUBLE_EQ(rates_.of("p0").value(), 100);
  EXPECT_EQ(rates_.of("g"), std::nullopt);
  totals_[0] += 60;
  rates_.sample(totals_, next, now_ + 2s);
  EXPECT_GT(rates_.of("p1").value(), 0);
  EXPECT_LT(rates_.of("p0").value(), 100);
}

}  // namespace
}  // namespace meridian::partition
