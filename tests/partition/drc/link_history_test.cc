#include "partition/drc/link_history.h"

#include <gtest/gtest.h>

#include <set>

#include "base/kv_store.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"

namespace meridian::partition {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Agents report links bj→sh by channel, and an hour may pass in no time.
class LinkHistoryTest : public testing::Test {
 protected:
  void open(const HistoryPolicy& policy = {}) {
    auto opened = LinkHistory::open(store(), policy);
    ASSERT_TRUE(opened) << opened.error().message;
    history_.emplace(std::move(*opened));
    history_->tick(intake_, now());
  }
  std::shared_ptr<KvStore> store() {
    return std::make_shared<test::MemoryStore>(disk_, LinkHistory::families());
  }
  void report(std::int64_t lag, const std::string& channel = "order") {
    FeedStream stream(intake_);
    const std::string time = std::to_string(unixMillis(wall_));
    ASSERT_TRUE(
        stream.line(R"({"type":"hello","v":1,"agent":"a","dc":"sh","boot":"b"})", now()).accepted);
    const auto told =
        stream.line(R"({"type":"link","seq":)" + std::to_string(++seq_) +
                        R"(,"source":"bj","target":"sh","state":"RUNNING","channel":")" + channel +
                        R"(","lag_ms":)" + std::to_string(lag) + R"(,"ts":)" + time +
                        R"(,"conflicts":{"total":9,"unresolved":2}})",
                    now());
    ASSERT_TRUE(told.accepted) << told.text;
  }
  FeedTime now() const { return {mono_, wall_}; }
  void pass(milliseconds step) {
    mono_ += step;
    wall_ += step;
    intake_.tick(now());
    history_->tick(intake_, now());
  }
  std::vector<HistoryRow> rows(WallTime since = WallTime{}, std::size_t limit = 10'000,
                               const std::string& channel = "order") {
    auto page = history_->read({"bj", "sh", channel}, since, limit);
    EXPECT_TRUE(page) << page.error().message;
    return page ? page->rows : std::vector<HistoryRow>{};
  }
  auto& stored() { return disk_->families.at("drc_history"); }

  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
  LinkBook book_;
  FeedIntake intake_{book_};
  std::optional<LinkHistory> history_;
  MonotonicTime mono_{seconds(1'000)};
  WallTime wall_{seconds(1'777'636'800)};  // a whole hour
  std::uint64_t seq_ = 0;
};

TEST_F(LinkHistoryTest, ARowSaysWhatAMinuteWas) {
  open();
  for (int i = 0; i < 60; ++i) {
    report(i == 20 ? 900 : 100);
    pass(seconds(1));
  }
  ASSERT_EQ(rows().size(), 1U);
  HistoryRow expected;
  expected.at = wall_ - seconds(60);
  expected.state = expected.worst_state = LinkState::kRunning;
  expected.freshness = Freshness::kFresh;
  expected.last_lag_ms = 100 + 1'000 + 100;  // age and the bound of the clocks
  expected.max_lag_ms = 900 + 1'000 + 100;
  expected.unresolved = 2;
  expected.conflicts = 9;
  EXPECT_EQ(rows()[0], expected);
  for (int i = 0; i < 60; ++i) pass(seconds(1));
  ASSERT_EQ(rows().size(), 2U);
  EXPECT_EQ(rows()[1].worst_state, LinkState::kUnknown);
  EXPECT_EQ(rows()[1].last_lag_ms, std::nullopt);
  EXPECT_EQ(rows()[1].unknown_s, 51);
  EXPECT_EQ(disk_->writes, 2U) << "one batch a minute";
}

TEST_F(LinkHistoryTest, ItIsThereAfterARestartAndReadInPages) {
  open();
  for (int minute = 0; minute < 150; ++minute) {
    report(minute);
    pass(seconds(60));
  }
  const std::vector<HistoryRow> before = rows();
  EXPECT_EQ(before.size(), 150U);
  open();
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(history_->hours(), 3U);
  std::vector<HistoryRow> paged;
  for (WallTime since{};;) {
    const auto page = history_->read({"bj", "sh", "order"}, since, 7).value();
    paged.insert(paged.end(), page.rows.begin(), page.rows.end());
    if (!page.more) break;
    since = page.rows.back().at + milliseconds(1);
  }
  EXPECT_EQ(paged, before);
  EXPECT_TRUE(rows({}, 10, "orde").empty()) << "another channel, whose name begins this one";
}

TEST_F(LinkHistoryTest, HoursAndLinksAreBounded) {
  open({seconds(600), 3, 2});
  for (int step = 0; step < 6 * 20; ++step) {
    for (const char* channel : {"c", "b", "a"}) report(1, channel);
    pass(seconds(600));
  }
  EXPECT_EQ(history_->hours(), 4U);
  EXPECT_LE(stored().size(), 4U * 6U * 2U);
  EXPECT_EQ(rows({}, 99, "c").size(), 0U) << "the third by name";
  EXPECT_EQ(rows({}, 99, "a").size(), stored().size() / 2);
  EXPECT_EQ(history_->linksLeftOut(), 120U);
  open({seconds(600), 1, 2});
  EXPECT_EQ(history_->hours(), 2U) << "a tighter bound counts at once";
  EXPECT_EQ(rows({}, 99, "a").size(), stored().size() / 2);
  for (const auto& [key, value] : stored()) {
    EXPECT_LE(key.size() + value.size(), LinkHistory::kMaxRowBytes);
  }
}

TEST_F(LinkHistoryTest, AClockThatJumpsThrowsNothingAway) {
  open({seconds(60), 24, 10});
  for (int minute = 0; minute < 90; ++minute) {
    report(1);
    pass(seconds(60));
  }
  wall_ += hours(24 * 365);
  report(1);
  pass(seconds(60));
  wall_ -= hours(24 * 400);
  report(1);
  pass(seconds(60));
  wall_ += hours(24 * 35);
  EXPECT_GE(rows(wall_ - hours(2)).size(), 89U);
}

TEST_F(LinkHistoryTest, WhatNobodyWroteSoIsSkippedAndCounted) {
  open();
  for (int minute = 0; minute < 3; ++minute) {
    report(1);
    pass(seconds(60));
  }
  ASSERT_EQ(stored().size(), 3U);
  std::set<std::string> keys;
  for (const auto& [key, value] : stored()) keys.insert(key);
  stored()[*keys.begin()].pop_back();              // torn
  stored()[*std::next(keys.begin())][1] = '\x09';  // no state
  const std::string middle = *keys.rbegin();
  stored()[middle.substr(0, middle.size() - 1)] = stored()[middle];
  stored()["x"] = "foreign";
  stored()["\xff\xff\xff\xff"] = "foreign";
  open();
  EXPECT_EQ(history_->hours(), 1U);
  EXPECT_EQ(rows().size(), 1U);
  EXPECT_EQ(history_->rowsUnreadable(), 5U);
}

TEST_F(LinkHistoryTest, AMinuteThatCannotBeWrittenIsLostAndCounted) {
  open();
  disk_->fail_at = 0;
  for (int minute = 0; minute < 3; ++minute) {
    report(1);
    pass(seconds(60));
  }
  EXPECT_EQ(history_->rowsLost(), 1U);
  EXPECT_EQ(history_->rowsWritten(), 2U);
  EXPECT_EQ(rows().size(), 2U);
}

TEST_F(LinkHistoryTest, ZeroLinksWriteNothing) {
  open({seconds(60), 24, 0});
  report(1);
  pass(seconds(60));
  pass(seconds(60));
  EXPECT_EQ(disk_->writes, 0U);
}

TEST_F(LinkHistoryTest, ValuesAreReadAsWritten) {
  HistoryRow row;
  row.state = LinkState::kBroken;
  row.worst_state = LinkState::kUnknown;
  row.freshness = Freshness::kStale;
  row.last_lag_ms = 7;
  row.max_lag_ms = 4'294'967'294;
  row.unknown_s = 65'535;
  row.unresolved = 3;
  row.conflicts = 4'294'967'295;
  const std::string value = historyValue(row);
  EXPECT_EQ(readHistoryValue(value), row);
  for (std::size_t size = 0; size < value.size(); ++size) {
    EXPECT_EQ(readHistoryValue(value.substr(0, size)), std::nullopt);
  }
  EXPECT_EQ(readHistoryValue(value + "x"), std::nullopt);
}

TEST_F(LinkHistoryTest, TheRealStoreKeepsAndForgetsTheSame) {
  const test::TempDir folder;
  const auto reopen = [&] {
    history_.reset();  // one process at a time has it
    auto opened = openRocksStore(folder.path(), LinkHistory::families());
    ASSERT_TRUE(opened) << opened.error().message;
    auto history = LinkHistory::open(std::move(*opened), {seconds(600), 2, 10});
    ASSERT_TRUE(history) << history.error().message;
    history_.emplace(std::move(*history));
    history_->tick(intake_, now());
  };
  reopen();
  for (int step = 0; step < 6 * 5; ++step) {
    report(step);
    pass(seconds(600));
  }
  const std::vector<HistoryRow> before = rows();
  EXPECT_EQ(before.size(), 18U);
  EXPECT_EQ(before.front().at, wall_ - hours(3));
  reopen();
  EXPECT_EQ(rows(), before);
}

}  // namespace
}  // namespace meridian::partition
