// Collector: fetches the DRC feed of agents that do not push (domain.md §3d).
//
// Each agent is asked GET <url>/v1/links?since=SEQ, SEQ being the last line of it that was
// accepted; the body is lines of the feed, a hello first, and goes the way of those that are
// pushed. One poll of an agent at a time. A poll that fails, by whatever, is tried again after
// pullDelay(); nothing is concluded from it: links whose agent is not heard become unknown by
// themselves. Redirects are failures: they would carry the token elsewhere. A body is taken in
// slices of kLinesATurn lines, each a turn of the loop, so that nobody waits for a long one; the
// next poll of its agent comes after the last. Bounds: kMaxBody of a body, what FeedIntake bounds
// of its lines. Threads: the loop's; nothing here waits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/http_client.h"
#include "partition/drc/feed_intake.h"
#include "partition/drc/pull_config.h"

namespace meridian::partition {

enum class PullState : std::uint8_t { kWaiting, kUp, kDown };
std::string_view pullStateName(PullState state);  // "waiting" (for the first answer), "up", "down"

// How an agent's polls go.
struct PullStatus {
  PullState state = PullState::kWaiting;
  WallTime since{};            // of the state
  std::uint64_t polls = 0;     // that brought a body of the agent
  std::uint64_t failures = 0;  // all of them
  unsigned failures_in_a_row = 0;
  std::string why;  // the last failure, also when it is over; empty: none was
  std::optional<WallTime> answered_at = {};  // the last poll that did not fail
};

// From the end of a poll that took `took` to the next one. `failures`: in a row. After one that
// went well the rest of the interval; after failures the interval doubled for each, up to
// kLongestPullDelay, ± 20 %; `spread` in [0, 1) picks from that.
inline constexpr std::chrono::milliseconds kLongestPullDelay{30'000};
std::chrono::milliseconds pullDelay(std::chrono::milliseconds interval,
                                    std::chrono::milliseconds took, unsigned failures,
                                    double spread);

class Collector {
 public:
  static constexpr std::size_t kMaxBody = std::size_t{4} << 20;
  static constexpr std::size_t kLinesATurn = 256;  // about 1 ms

  // The loop, the clock and the intake must outlive this. The first polls are spread over one
  // interval.
  Collector(EventLoop& loop, const Clock& clock, FeedIntake& intake,
            std::vector<PullConfig> configs);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  std::size_t size() const { return sources_.size(); }
  const PullConfig& config(std::size_t source) const { return sources_[source].config; }
  const PullStatus& status(std::size_t source) const { return sources_[source].status; }

 private:
  // A body that is being taken.
  struct Taking {
    std::string body;
    FeedStream stream;
    std::size_t at = 0;  // the next line's first byte
  };
  struct Source {
    PullConfig config;
    PullStatus status;
    MonotonicTime begun{};
    std::unique_ptr<EventLoop::Timer> timer = nullptr;
    std::unique_ptr<HttpClient::Exchange> exchange = nullptr;
    std::unique_ptr<Taking> taking = nullptr;
  };
  void poll(std::size_t source);
  void wait(Source& source, std::size_t number, std::chrono::milliseconds delay);
  void answered(std::size_t source, const Result<HttpAnswer>& answer);
  // Takes the next slice of the source's body; after the last the poll has ended.
  void takeSlice(std::size_t source);
  void ended(std::size_t source, const std::optional<std::string>& problem);

  EventLoop& loop_;
  const Clock& clock_;
  FeedIntake& intake_;
  std::minstd_rand random_;  // for the jitter only
  std::vector<Source> sources_;
  HttpClient http_;  // after the sources: their exchanges go with it
};

}  // namespace meridian::partition
