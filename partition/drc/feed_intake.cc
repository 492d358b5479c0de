#include "partition/drc/feed_intake.h"

#include <utility>
#include <variant>

#include "base/log.h"

namespace meridian::partition {

void FeedIntake::log(std::string_view agent, std::string_view reason, const std::string& text,
                     MonotonicTime now) {
  if (now - log_second_ >= std::chrono::seconds(1)) {
    log_second_ = now;
    logged_ = 0;
  }
  if (logged_ >= kLogsASecond) {
    ++unlogged_;
    return;
  }
  ++logged_;
  logWarn("drc_line_refused", {{"agent", std::string(agent)},
                               {"reason", std::string(reason)},
                               {"why", text},
                               {"not_logged_before", std::to_string(unlogged_)}});
  unlogged_ = 0;
}

FeedLineResult FeedIntake::refuse(FeedOutcome outcome, std::string why, const FeedTime& now) {
  FeedLineResult out{.reason = feedOutcomeName(book_.refuse(outcome)), .text = std::move(why)};
  log("-", out.reason, out.text, now.mono);
  return out;
}

void FeedIntake::tick(const FeedTime& now) {
  unsigned changes = 0;
  book_.tick(now, [&](const LinkRow& link, const LinkSample& sample) {
    if (!sample.changed || ++changes > kChangesATick) return;
    logInfo("drc_link", {{"source", std::string(link.source)},
                         {"target", std::string(link.target)},
                         {"channel", std::string(link.channel)},
                         {"state", std::string(linkStateName(sample.state))},
                         {"freshness", std::string(freshnessName(sample.freshness))}});
  });
  if (changes > kChangesATick) {
    logInfo("drc_links_changed", {{"more", std::to_string(changes - kChangesATick)}});
  }
}

FeedLineResult FeedStream::refused(const FeedError& error, const FeedTime& now) {
  ++intake_.rejected_[static_cast<std::size_t>(error.reason)];
  FeedLineResult out{.reason = feedRejectName(error.reason), .text = error.text};
  intake_.log(session_ ? session_->agent : "-", out.reason, out.text, now.mono);
  return out;
}

FeedLineResult FeedStream::judged(FeedOutcome outcome, std::uint64_t seq, const FeedTime& now) {
  if (outcome == FeedOutcome::kAccepted) return {.accepted = true};
  FeedLineResult out{.reason = feedOutcomeName(outcome),
                     .text = std::string(feedOutcomeText(outcome))};
  if (seq != 0) out.text = "seq " + std::to_string(seq) + ": " + out.text;
  intake_.log(session_ ? session_->agent : "-", out.reason, out.text, now.mono);
  return out;
}

FeedLineResult FeedStream::hello(const HelloLine& line, const FeedTime& now) {
  const bool foreign = (!only_agent_.empty() && line.agent != only_agent_) ||
                       (!only_dc_.empty() && line.dc != only_dc_);
  const FeedOutcome outcome =
      foreign ? intake_.book_.refuse(FeedOutcome::kForeign) : intake_.book_.hello(line, now);
  // After a refused hello nobody speaks: what follows must not count as the agent before it.
  session_.reset();
  if (outcome == FeedOutcome::kAccepted) session_ = FeedSession{line.agent, line.boot};
  return judged(outcome, 0, now);
}

FeedLineResult FeedStream::line(std::string_view text, const FeedTime& now) {
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  if (text.empty()) return {.accepted = true};
  auto decoded = decodeFeedLine(text);
  if (!decoded) return refused(decoded.error(), now);
  if (const auto* line = std::get_if<HelloLine>(&*decoded)) return hello(*line, now);
  if (std::holds_alternative<UnknownLine>(*decoded)) {
    ++intake_.unknown_types_;
    return {.accepted = true};
  }
  if (!session_) return judged(intake_.book_.refuse(FeedOutcome::kNoHello), 0, now);
  if (auto* line = std::get_if<LinkLine>(&*decoded)) {
    const std::uint64_t seq = line->seq;
    return judged(intake_.book_.link(*session_, std::move(*line), now), seq, now);
  }
  if (const auto* line = std::get_if<HeartbeatLine>(&*decoded)) {
    return judged(intake_.book_.heartbeat(*session_, *line, now), line->seq, now);
  }
  return {.accepted = true, .bye = std::holds_alternative<ByeLine>(*decoded)};
}

FeedLineResult FeedStream::tooLong(const FeedTime& now) {
  return refused(
      {FeedReject::kTooLong, "the line has more than " + std::to_string(kMaxFeedLine) + " bytes"},
      now);
}

std::uint64_t FeedStream::ackSeq() const {
  if (!session_) return 0;
  const auto agent = intake_.book_.agent(session_->agent);
  return agent && agent->boot == session_->boot ? agent->seq : 0;
}

}  // namespace meridian::partition
