// LinkRecord: one direction of one channel, as up to a few agents report it, and what follows.
//
// Who is believed (domain.md §3d). An agent at the target applies, so its lag and applied position
// count; an agent at the source knows the source's position; an agent elsewhere counts like one at
// the target. What several report is combined to the worst, in three rules:
//   - a link about which only its source speaks has no known lag;
//   - a source's agent that reports a lag can only make it worse;
//   - a reporter silent for longer than `stale` is set aside when the target or a third site still
//     speaks, so that an agent that was replaced does not hold its link for ever.
// Ages are monotonic, from when the measurement was made: a report whose own time is in our past
// was under way so long. One whose time is in our future, or a negative lag, proves that clocks
// differ. Pure: time comes in. Threads: one.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "partition/drc/feed_line.h"
#include "partition/drc/link_view.h"
#include "partition/drc/minute_max.h"

namespace meridian::partition {

struct LinkLimits {
  std::size_t max_agents = 1'000;
  std::size_t max_links = 20'000;
  std::size_t max_reporters = 4;           // of one link
  std::chrono::milliseconds fresh{3'000};  // three beats
  std::chrono::milliseconds stale{10'000};
  std::chrono::milliseconds on_time{2'000};    // LinkView::worst_lag_60s_ms
  std::chrono::milliseconds skew_bound{100};   // what synchronised clocks may differ by
  std::chrono::milliseconds max_skew{500};     // above it no lag counts as verified
  std::chrono::milliseconds keep{86'400'000};  // silent links and agents are forgotten
};

// Both clocks at one moment.
struct FeedTime {
  MonotonicTime mono;
  WallTime wall;
};

// One point of a link's past.
struct LinkSample {
  WallTime at{};
  LinkState state = LinkState::kUnknown;
  Freshness freshness = Freshness::kUnknown;
  std::optional<std::int64_t> effective_lag_ms;
  bool changed = true;  // state or freshness, against the sample before
};

// What a link was between two moments.
struct LinkSpan {
  std::uint32_t looks = 0;                 // how often it was looked at: once a second
  std::uint32_t unknown = 0;               // in so many of them the lag was not known
  std::optional<std::int64_t> max_lag_ms;  // effective, of the others
  LinkState worst = LinkState::kRunning;
};

class LinkRecord {
 public:
  static constexpr std::size_t kHistory = 16;  // samples kept in memory
  static constexpr std::chrono::milliseconds kSampleEvery{60'000};

  enum class Side : std::uint8_t { kTarget, kSource, kOther };
  struct Report {
    std::string agent;
    Side side = Side::kOther;
    LinkLine line;
    MonotonicTime measured_at{};  // by our clock
    MonotonicTime heard_at{};
    WallTime heard_wall{};
  };

  explicit LinkRecord(const LinkLimits& limits) : limits_(limits) {}  // must outlive the record

  // False: there are max_reporters others that still speak; nothing was changed.
  bool report(const std::string& agent, Side side, LinkLine line, const FeedTime& now);

  LinkView view(MonotonicTime now) const;
  // Whether all that count and report an applied position, at least one, are past `barrier`.
  bool contains(std::string_view barrier, MonotonicTime now) const;
  // Adds to the past what changed, or what a minute is due for; the new sample, if any.
  std::optional<LinkSample> sample(const FeedTime& now);
  // What sample() has seen since the last call.
  LinkSpan takeSpan() { return std::exchange(span_, {}); }

  const std::vector<Report>& reports() const { return reports_; }
  const std::deque<LinkSample>& history() const { return history_; }
  MonotonicTime lastHeard() const;

 private:
  bool spoken(const Report& report, MonotonicTime now) const;
  bool authorityLives(MonotonicTime now) const;
  // Of the reports that count, in which ages up to `slack` add nothing; nullopt: unknown.
  std::optional<std::int64_t> lag(MonotonicTime now, std::chrono::milliseconds slack) const;
  std::int64_t skew(MonotonicTime now) const { return skew_.max(now); }
  void positions(LinkView& out, MonotonicTime now) const;
  Freshness freshness(MonotonicTime now) const;
  LinkState state(MonotonicTime now) const;

  const LinkLimits& limits_;
  std::vector<Report> reports_;
  MinuteMax worst_;
  MinuteMax skew_;
  std::optional<MonotonicTime> known_since_;  // without a break
  std::optional<MonotonicTime> grew_at_;      // unresolved conflicts
  std::deque<LinkSample> history_;
  std::optional<MonotonicTime> sampled_at_;
  LinkSpan span_;
};

}  // namespace meridian::partition
