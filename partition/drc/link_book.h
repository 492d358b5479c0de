// LinkBook: all links and the agents that report them (domain.md §3d), from decoded lines.
//
// Each line is accepted whole or refused whole, and counted by outcome. Bounds: LinkLimits.
// Pure: time comes in with each call and must not go back. Threads: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "partition/drc/feed_line.h"
#include "partition/drc/link_record.h"
#include "partition/drc/link_view.h"

namespace meridian::partition {

// Label values of meridian_drc_lines_total; stable.
enum class FeedOutcome : std::uint8_t {
  kAccepted,
  kOldSeq,        // not above the last of this boot: late, or sent twice
  kOldBoot,       // of a run of the agent that a newer one has replaced
  kNoHello,       // the agent is not known (any more)
  kForeign,       // who may speak here is another agent, or stands elsewhere
  kUnauthorized,  // no token that may feed
  kMoved,         // one boot of one agent cannot be at two sites
  kTooManyAgents,
  kTooManyLinks,
  kTooManyReporters,
  kTlsFailed,     // of a connection, before its first line: see admin/drc_stream.h
  kTlsUntrusted,  // without a certificate that must be shown
  kTlsTimeout
};
inline constexpr std::size_t kFeedOutcomes = 13;
std::string_view feedOutcomeName(FeedOutcome outcome);  // "accepted", "old_seq", …
std::string_view feedOutcomeText(FeedOutcome outcome);  // for people

// Who speaks, by its hello.
struct FeedSession {
  std::string agent, boot;
};

struct AgentStatus {
  std::string agent, dc, boot;
  std::uint64_t seq = 0;  // the last that was accepted
  MonotonicTime heard_at{};
  WallTime heard_wall{};
};

struct LinkFilter {
  std::string source, target, channel;  // empty: any
};

struct LinkRow {
  std::string_view source, target, channel;
  const LinkRecord& record;
  const LinkView& view;
};

class LinkBook {
 public:
  explicit LinkBook(const LinkLimits& limits = {}) : limits_(limits) {}
  ~LinkBook() = default;
  LinkBook(const LinkBook&) = delete;  // records point to limits_
  LinkBook& operator=(const LinkBook&) = delete;

  // A boot that is not the agent's current one makes it start anew at any seq, unless it is one of
  // its last few: then it is a late line of the past.
  FeedOutcome hello(const HelloLine& line, const FeedTime& now);
  FeedOutcome link(const FeedSession& from, LinkLine line, const FeedTime& now);
  // Counts what was decided before the book was asked; returns it.
  FeedOutcome refuse(FeedOutcome outcome) { return counted(outcome); }
  FeedOutcome heartbeat(const FeedSession& from, const HeartbeatLine& line, const FeedTime& now);

  // Until then the direction shows REBASING unless it is BROKEN, also when nobody reports: its
  // lag bound is suspended for reads, planned moves wait (domain.md §3c). False: too many marks.
  bool markRebasing(std::string_view source, std::string_view target, MonotonicTime until,
                    MonotonicTime now);

  // The worst over the channels (link_view.h).
  LinkView view(std::string_view source, std::string_view target, MonotonicTime now) const;
  // Of several channels each must have applied the part of the barrier that comes from its own
  // sources, and all of the barrier must be somebody's: positions must be GTID sets then.
  bool contains(std::string_view source, std::string_view target, std::string_view barrier,
                MonotonicTime now) const;

  // In order of source, target, channel; until the visitor returns false.
  void visit(const LinkFilter& filter, MonotonicTime now,
             const std::function<bool(const LinkRow&)>& visitor) const;
  std::optional<AgentStatus> agent(std::string_view name) const;
  std::vector<AgentStatus> agents() const;
  std::size_t linkCount() const { return links_; }
  std::uint64_t count(FeedOutcome outcome) const {
    return counts_[static_cast<std::size_t>(outcome)];
  }

  // To be called each second: adds samples to the links' past, tells each new one, and forgets what
  // has been silent for LinkLimits::keep.
  using SampleSink = std::function<void(const LinkRow&, const LinkSample&)>;
  void tick(const FeedTime& now, const SampleSink& sink);
  // Each link, in the order of visit(), with what it was since the last call.
  using SpanSink = std::function<void(const LinkRow&, const LinkSpan&)>;
  void takeSpans(MonotonicTime now, const SpanSink& sink);

 private:
  static constexpr std::size_t kOldBoots = 4;
  struct Agent {
    AgentStatus status;
    std::vector<std::string> old_boots;  // newest last
  };
  using Direction = std::pair<std::string, std::string>;
  using Channels = std::map<std::string, LinkRecord, std::less<>>;

  FeedOutcome counted(FeedOutcome outcome);
  // Checks boot and seq; changes nothing.
  FeedOutcome admit(const FeedSession& from, std::uint64_t seq, Agent*& agent);
  static void heard(Agent& agent, std::uint64_t seq, const FeedTime& now);
  LinkRecord* recordOf(const LinkLine& line);
  const Channels* channelsOf(std::string_view source, std::string_view target) const;
  void applyRebasing(const Direction& direction, MonotonicTime now, LinkView& view) const;

  LinkLimits limits_;
  std::unordered_map<std::string, Agent> agents_;
  std::map<Direction, Channels> directions_;  // no empty ones
  std::map<Direction, MonotonicTime> rebasing_;
  std::size_t links_ = 0;
  std::array<std::uint64_t, kFeedOutcomes> counts_{};
};

// The book at the clock's now.
class ClockedLinks final : public LinkSource {
 public:
  // Both must outlive this.
  ClockedLinks(const LinkBook& book, const Clock& clock) : book_(book), clock_(clock) {}
  LinkView link(std::string_view source_dc, std::string_view target_dc) const override {
    return book_.view(source_dc, target_dc, clock_.monotonicNow());
  }
  bool contains(std::string_view source_dc, std::string_view target_dc,
                std::string_view barrier) const override {
    return book_.contains(source_dc, target_dc, barrier, clock_.monotonicNow());
  }

 private:
  const LinkBook& book_;
  const Clock& clock_;
};

}  // namespace meridian::partition
