// QueryLog: lines of some queries, in a file for each day (UTC): FOLDER/queries-YYYY-MM-DD.jsonl.
//
// The salt of its hashes is random, new each day and with each start, and never leaves this object.
// Files of days that are more than keep_days gone are deleted; nothing else in the folder is
// touched. What cannot be written is lost, counted, and said once until it can be again. Threads:
// one; counters may be read by any.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/counter.h"
#include "base/result.h"
#include "base/sip_hash.h"
#include "dns/tap/tap_record.h"
#include "dns/tap/tap_settings.h"

namespace meridian::dns {

struct QueryLogCounters {
  Counter lines;     // written
  Counter lost;      // not written
  Counter failures;  // times that the file could not be opened or written
};

class QueryLog {
 public:
  // Lines that wait to be written together; no longer than kFlushEvery.
  static constexpr std::size_t kMaxBuffered = std::size_t{64} << 10;
  static constexpr std::chrono::milliseconds kFlushEvery{200};
  static constexpr std::chrono::milliseconds kRetry{1'000};  // after a failure

  // `clock` must outlive the log.
  QueryLog(QueryLogSettings settings, const Clock& clock);
  ~QueryLog();
  QueryLog(const QueryLog&) = delete;
  QueryLog& operator=(const QueryLog&) = delete;

  void add(const TapRecord& record);
  // Writes what has waited for long enough, and begins the day's file when there is a new day.
  void turn();
  // Writes all that waits.
  void flush();

  const QueryLogCounters& counters() const { return counters_; }

 private:
  using Day = std::chrono::sys_days;

  void beginDay(Day day);
  Status open();
  Status write();
  void forgetOld() const;
  void fail(const Error& error);

  QueryLogSettings settings_;
  const Clock& clock_;
  std::optional<Day> day_;
  std::optional<SipKey> salt_;  // nullopt: the system gave none
  int file_ = -1;
  std::string buffer_;
  std::size_t buffered_lines_ = 0;
  MonotonicTime flush_at_{};
  MonotonicTime retry_at_{};
  bool failure_said_ = false;
  QueryLogCounters counters_;
};

}  // namespace meridian::dns
