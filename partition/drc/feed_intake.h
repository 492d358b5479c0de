// FeedIntake: lines of the DRC feed from any way in (REST, TCP, pull) → the book, counted and,
// within a bound, logged.
//
// A FeedStream is one body or one connection: its first line is a hello, which says who speaks.
// Threads: one, that of the book.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "partition/drc/link_book.h"

namespace meridian::partition {

// What became of one line.
struct FeedLineResult {
  bool accepted = false;         // or skipped: a blank line, a type nobody knows, an ack, a bye
  bool bye = false;              // the agent says that nothing more comes
  std::string_view reason = {};  // of a refusal: feedRejectName() or feedOutcomeName(); else empty
  std::string text = {};         // of a refusal, for people
};

class FeedIntake {
 public:
  // Rejected lines that get a log line of their own, each second; more are only counted.
  static constexpr unsigned kLogsASecond = 5;

  static constexpr unsigned kChangesATick = 20;

  explicit FeedIntake(LinkBook& book) : book_(book) {}  // must outlive the intake

  const LinkBook& book() const { return book_; }
  std::uint64_t rejected(FeedReject reason) const {
    return rejected_[static_cast<std::size_t>(reason)];
  }
  std::uint64_t unknownTypes() const { return unknown_types_; }

  // LinkBook::tick(), and a log line for each link whose state or freshness changed, within
  // kChangesATick.
  void tick(const FeedTime& now);
  void takeSpans(MonotonicTime now, const LinkBook::SpanSink& sink) { book_.takeSpans(now, sink); }
  bool markRebasing(std::string_view source, std::string_view target, MonotonicTime until,
                    MonotonicTime now) {
    return book_.markRebasing(source, target, until, now);
  }

  // Counts and logs what its caller decided.
  FeedLineResult refuse(FeedOutcome outcome, std::string why, const FeedTime& now);

 private:
  friend class FeedStream;
  void log(std::string_view agent, std::string_view reason, const std::string& text,
           MonotonicTime now);

  LinkBook& book_;
  std::array<std::uint64_t, kFeedRejects> rejected_{};
  std::uint64_t unknown_types_ = 0;
  MonotonicTime log_second_{};
  unsigned logged_ = 0;
  std::uint64_t unlogged_ = 0;
};

class FeedStream {
 public:
  // `only_agent`, `only_dc`: who alone may speak here, and from where; empty: any.
  explicit FeedStream(FeedIntake& intake, std::string only_agent = {}, std::string only_dc = {})
      : intake_(intake), only_agent_(std::move(only_agent)), only_dc_(std::move(only_dc)) {}

  // `text` without its newline. A hello's token is not looked at here.
  FeedLineResult line(std::string_view text, const FeedTime& now);
  // As line(), for one that was longer than kMaxFeedLine and is not at hand.
  FeedLineResult tooLong(const FeedTime& now);
  // The last seq of the speaking agent that was accepted, from whatever stream; 0 before a hello.
  std::uint64_t ackSeq() const;
  const std::optional<FeedSession>& session() const { return session_; }

 private:
  FeedLineResult refused(const FeedError& error, const FeedTime& now);
  FeedLineResult judged(FeedOutcome outcome, std::uint64_t seq, const FeedTime& now);
  FeedLineResult hello(const HelloLine& line, const FeedTime& now);

  FeedIntake& intake_;
  std::string only_agent_;
  std::string only_dc_;
  std::optional<FeedSession> session_;
};

}  // namespace meridian::partition
