#include "partition/traffic/arrivals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace meridian::partition {
namespace {

using std::chrono::seconds;

class ArrivalBookTest : public testing::Test {
 protected:
  ArrivalBookTest() {
    auto topology = std::make_shared<Topology>();
    topology->ezones = {{"a", DcIx(0), 0}, {"b", DcIx(0), 1}, {"c", DcIx(0), 2}};
    auto table = std::make_shared<AssignmentTable>();
    table->assignments.resize(2);
    table->assignments[0].subject = "p";
    table->assignments[1].subject = "q";
    map_ = {topology, table};
    ids_.emplace(map_);
  }
  ArrivalOutcome say(const std::string& ezone, std::int64_t arrivals,
                     const std::string& router = "", std::int64_t interval_ms = 1'000,
                     const std::string& subject = "p") {
    return book_.report({subject, ezone, router, arrivals, interval_ms, unixMillis(now_.wall)},
                        *ids_, now_);
  }
  void pass(seconds time) {
    now_.mono += time;
    now_.wall += time;
  }
  std::optional<double> share() const { return book_.share("p", "a", now_.mono); }

  MapSnapshot map_;
  std::optional<ArrivalIds> ids_;
  ArrivalBook book_;
  ArrivalTime now_{MonotonicTime{seconds(1'000)}, WallTime{seconds(1'730'000'000)}};
};

TEST_F(ArrivalBookTest, TheShareIsThatOfRatesNotOfCounts) {
  EXPECT_FALSE(share());
  EXPECT_EQ(say("b", 30), ArrivalOutcome::kAccepted);
  EXPECT_FALSE(share()) << "the old eZone has said nothing";
  say("a", 100, "", 10'000);
  EXPECT_DOUBLE_EQ(share().value(), 0.25);
  say("c", 10, "r1");
  say("c", 10, "r2");
  EXPECT_DOUBLE_EQ(share().value(), 10.0 / 60);
  EXPECT_FALSE(book_.share("q", "a", now_.mono));
}

TEST_F(ArrivalBookTest, SilenceMakesItUnknown) {
  say("a", 10);
  say("b", 10);
  pass(seconds(60));
  EXPECT_DOUBLE_EQ(share().value(), 0.5);
  pass(seconds(1));
  EXPECT_FALSE(share());
  say("a", 0);
  EXPECT_FALSE(share()) << "nothing came anywhere";
  say("b", 5);
  EXPECT_DOUBLE_EQ(share().value(), 0);
  book_.forget(now_.mono);
  EXPECT_EQ(book_.size(), 2U);
  pass(seconds(61));
  book_.forget(now_.mono);
  EXPECT_EQ(book_.size(), 0U);
}

TEST_F(ArrivalBookTest, WhatIsRefusedIsCountedAndChangesNothing) {
  EXPECT_EQ(say("a", 1, "", 1'000, "nobody"), ArrivalOutcome::kUnknownSubject);
  EXPECT_EQ(say("nowhere", 1), ArrivalOutcome::kUnknownEZone);
  ArrivalReport report{"p", "a", "", 1, 1'000, unixMillis(now_.wall) - 300'001};
  EXPECT_EQ(book_.report(report, *ids_, now_), ArrivalOutcome::kBadTime);
  EXPECT_EQ(say("a", 7), ArrivalOutcome::kAccepted);
  EXPECT_EQ(say("a", 9), ArrivalOutcome::kOutdated) << "told again";
  EXPECT_EQ(book_.count(ArrivalOutcome::kOutdated), 1U);
  EXPECT_EQ(book_.count(ArrivalOutcome::kUnknownEZone), 1U);
  for (std::size_t i = 1; i < ArrivalBook::kMaxRouters; ++i) say("a", 0, "r" + std::to_string(i));
  EXPECT_EQ(say("a", 1, "one-more"), ArrivalOutcome::kTooMany);
  EXPECT_EQ(book_.size(), ArrivalBook::kMaxRouters);
}

TEST_F(ArrivalBookTest, WhateverIsToldTheSharesAreSharesAndSumToOne) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const char* rooms[] = {"a", "b", "c"};
  for (int i = 0; i < 3'000; ++i) {
    pass(seconds(random() % 20));
    say(rooms[random() % 3], static_cast<std::int64_t>(random()),
        "r" + std::to_string(random() % 3), 1 + static_cast<std::int64_t>(random() % 60'000));
    double sum = 0;
    for (const char* room : rooms) {
      const auto part = book_.share("p", room, now_.mono);
      if (!part) continue;
      ASSERT_GE(*part, 0);
      ASSERT_LE(*part, 1);
      sum += *part;
    }
    ASSERT_TRUE(sum == 0 || std::fabs(sum - 1) < 1e-9) << sum;
  }
}

TEST(ArrivalReportTest, EveryErrorIsTold) {
  const auto good = decodeArrivalReport(
      R"({"subject":"p","ezone":"a","router":"r1","arrivals":3,"interval_ms":1000,"ts":5})", "t");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->router, "r1");
  EXPECT_EQ(good->arrivals, 3);
  const auto bad = decodeArrivalReport(
      R"({"subject":"P!","arrivals":-1,"interval_ms":60001,"ts":1.5,"more":1})", "t");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().entries().size(), 6U) << bad.error().text();
  EXPECT_FALSE(decodeArrivalReport(std::string(kMaxArrivalLine + 1, ' '), "t"));
}

}  // namespace
}  // namespace meridian::partition
