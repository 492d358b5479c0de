// LinkHistory: what links were, one row an interval and link, kept in the store over restarts.
//
// Family "drc_history" (docs/journal-format.md). Rows stand by hour, then by link: an hour is one
// range of keys, and goes as one. Bounds: the newest keep + 1 hours that have rows, in each hour
// 3600 s / every intervals, in each interval max_links rows (the first in order of source, target,
// channel; what is left out is counted), each at most kMaxRowBytes: by default 25 · 60 · 1000 · 200
// bytes = 300 MB with the longest names, some 70 MB with short ones, before RocksDB's compression.
// Hours are counted, not dated, so that a clock that jumps cannot throw the past away.
//
// History is for people: an interval that cannot be written is lost, and counted; a row that
// cannot be read is skipped, and counted. Writing is one batch an interval, synced: about a
// millisecond for each hundred links, on the control thread. Threads: the control thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "partition/drc/feed_intake.h"

namespace meridian::partition {

struct HistoryPolicy {
  std::chrono::seconds every{60};  // 10 s to an hour
  std::size_t keep_hours = 24;
  std::size_t max_links = 1'000;  // 0: nothing is written
};

struct HistoryRow {
  WallTime at{};  // the interval's begin: a whole multiple of HistoryPolicy::every
  LinkState state = LinkState::kUnknown;  // at its end
  LinkState worst_state = LinkState::kUnknown;
  Freshness freshness = Freshness::kUnknown;
  std::optional<std::int64_t> last_lag_ms, max_lag_ms;  // effective; at most 2^32−2
  std::uint16_t unknown_s = 0;                          // seconds in which the lag was not known
  std::uint32_t unresolved = 0, conflicts = 0;          // conflicts; at most 2^32−1

  friend bool operator==(const HistoryRow&, const HistoryRow&) = default;
};

struct LinkId {
  std::string_view source, target, channel;
};

class LinkHistory {
 public:
  static constexpr std::size_t kMaxRowBytes = 200;

  static std::vector<std::string> families();
  // kIo, kCorrupt: the store's own; no row's content is an error. Drops hours beyond the policy's.
  static Result<LinkHistory> open(std::shared_ptr<KvStore> store, const HistoryPolicy& policy);

  // To be called each second, after FeedIntake::tick().
  void tick(FeedIntake& intake, const FeedTime& now);

  struct Page {
    std::vector<HistoryRow> rows;  // oldest first
    bool more = false;             // there are others behind the last
  };
  // Rows of one link from `since` on, at most `limit`. kIo, kCorrupt.
  Result<Page> read(const LinkId& link, WallTime since, std::size_t limit);

  const HistoryPolicy& policy() const { return policy_; }
  std::size_t hours() const { return hours_.size(); }  // that have rows
  std::uint64_t rowsWritten() const { return written_; }
  std::uint64_t rowsLost() const { return lost_; }          // the store failed
  std::uint64_t linksLeftOut() const { return left_out_; }  // above max_links, each interval
  std::uint64_t rowsUnreadable() const { return unreadable_; }

 private:
  LinkHistory(std::shared_ptr<KvStore> store, const HistoryPolicy& policy)
      : store_(std::move(store)), policy_(policy) {}
  Status findHours();
  // Forgets the oldest hours, and says so to the batch.
  void trim(std::vector<StoreWrite>& batch);
  void write(FeedIntake& intake, MonotonicTime now);
  Status readHour(std::uint32_t hour, const LinkId& link, WallTime since, std::size_t limit,
                  Page& page);

  std::shared_ptr<KvStore> store_;
  HistoryPolicy policy_;
  std::vector<std::uint32_t> hours_;      // since 1970, ascending
  std::optional<std::int64_t> interval_;  // the open one's number since 1970
  bool failing_ = false;                  // the last write; logged when it changes
  std::uint64_t written_ = 0, lost_ = 0, left_out_ = 0, unreadable_ = 0;
};

// For tests and documentation: one row's key and value.
std::string historyKey(const LinkId& link, WallTime at);
std::string historyValue(const HistoryRow& row);
// The row without `at`; nullopt: nobody wrote it so.
std::optional<HistoryRow> readHistoryValue(std::string_view value);

}  // namespace meridian::partition
