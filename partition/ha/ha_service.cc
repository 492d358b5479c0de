#include "partition/ha/ha_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace meridian::partition {
namespace {

using ReplyKind = HaReply::Kind;

constexpr std::string_view kTryAgain = "nothing was kept of it; tell it again";

}  // namespace

HaService::HaService(HaConfig config, HaSeams seams, std::unique_ptr<HaInbox> inbox)
    : config_(std::move(config)),
      seams_(seams),
      inbox_(std::move(inbox)),
      signals_(seams.clock),
      limit_(config_.limits, seams.clock.monotonicNow()) {}

std::string_view HaService::rejectedName(Rejected reason) {
  constexpr std::array<std::string_view, kRejections> kNames = {
      "forbidden", "unauthorized", "malformed", "other_body", "store", "limited"};
  return kNames[static_cast<std::size_t>(reason)];
}

Status HaService::admit(const std::string& sender, bool is_agent, const SignedHeaders& headers,
                        std::string_view body) {
  const auto& senders = config_.senders;
  if (is_agent && std::find(senders.begin(), senders.end(), sender) == senders.end()) {
    reject(Rejected::kForbidden);
    return fail(ErrorKind::kForbidden,
                "this token may not tell HA events: its name is not in ha.senders");
  }
  if (config_.secret_files.empty()) return {};
  const auto secrets = readSecrets(config_.secret_files);
  if (!secrets) {
    logError("ha_secret_unreadable", {{"why", secrets.error().message}});
    return fail(ErrorKind::kIo, "a secret of ha.secret_files cannot be read; see the log");
  }
  Status good = verifySignature(*secrets, headers, body, seams_.clock.wallNow());
  if (!good) reject(Rejected::kUnauthorized);
  return good;
}

std::vector<HaReply> HaService::take(const std::vector<std::string_view>& events,
                                     const std::string& sender) {
  std::vector<HaReply> replies;
  std::size_t durable = 0;  // so many are on the disk
  const auto look = [&](std::size_t until) {
    const Flushed how = std::exchange(flushed_, Flushed::kNot);
    if (how == Flushed::kNot) return;
    for (std::size_t i = durable; how == Flushed::kBadly && i < until; ++i) {
      HaReply& reply = replies[i];
      if (reply.kind != ReplyKind::kFirst && reply.kind != ReplyKind::kAgain) continue;
      reply = notStored(reply.event_id, {ErrorKind::kIo, std::string(kTryAgain)});
    }
    durable = until;
  };
  for (const std::string_view text : events) {
    HaReply reply = one(text, sender);
    look(replies.size());
    replies.push_back(std::move(reply));
  }
  if (const Status written = flush(); !written) {
    logError("ha_events_not_stored", {{"why", written.error().message}});
  }
  look(replies.size());
  return replies;
}

Status HaService::flush() {
  Status written = inbox_->flush();
  flushed_ = written ? Flushed::kWell : Flushed::kBadly;
  return written;
}

HaReply HaService::one(std::string_view text, const std::string& sender) {
  auto event = decodeHaEvent(text);
  if (!event) {
    reject(Rejected::kMalformed);
    return {.kind = ReplyKind::kMalformed, .problems = std::move(event.error())};
  }
  if (const HaRecord* record = inbox_->find(event->event_id)) return known(*record, *event);
  // Who repeats what was answered costs nothing; everything else is bounded.
  if (const auto wait = limit_.take(event->cluster, seams_.clock.monotonicNow())) {
    reject(Rejected::kLimited);
    return {.kind = ReplyKind::kLimited, .event_id = event->event_id, .retry_after = *wait};
  }
  return first(*event, sender);
}

HaVerdict HaService::judged(const HaEvent& event) const {
  const WallTime now = seams_.clock.wallNow();
  return judge(event, haFactsOf(event, seams_.map.current(), now, frozenWhy(now)));
}

HaReply HaService::first(const HaEvent& event, const std::string& sender) {
  HaVerdict verdict = judged(event);
  const bool starts = verdict.start.has_value();
  const bool kept = event.type != HaEventType::kHeartbeat;
  HaRecord record{event, sender, seams_.clock.wallNow(), false, {}};
  if (starts) {
    inbox_->add(record);
    if (const Status written = flush(); !written) return notStored(event.event_id, written.error());
  }
  Result<HaAnswer> answer = act(event, std::move(verdict));
  if (!answer) return notStored(event.event_id, answer.error());
  if (starts) {
    inbox_->answer(event.event_id, *answer);
  } else if (kept) {
    record.answered = true;
    record.answer = *answer;
    inbox_->add(std::move(record));
  }
  return answered(event, std::move(*answer));
}

HaReply HaService::known(const HaRecord& record, const HaEvent& event) {
  if (record.event.digest != event.digest) {
    reject(Rejected::kOtherBody);
    return {.kind = ReplyKind::kOtherBody, .event_id = event.event_id};
  }
  if (record.answered) {
    ++repeated_;
    return {.kind = ReplyKind::kAgain, .event_id = event.event_id, .answer = record.answer};
  }
  // Written down before it was acted on, and then the server or its store stopped.
  HaAnswer answer{HaDecision::kAccepted, HaRefusal::kNone, "planned", "a change was started",
                  changeOf(event)};
  if (answer.change_id.empty()) {
    Result<HaAnswer> now = act(event, judged(event));
    if (!now) return notStored(event.event_id, now.error());
    answer = std::move(*now);
  }
  inbox_->answer(event.event_id, answer);
  return answered(event, std::move(answer));
}

HaReply HaService::answered(const HaEvent& event, HaAnswer answer) {
  ++counts_[static_cast<std::size_t>(event.type)][static_cast<std::size_t>(answer.decision)];
  if (event.type != HaEventType::kHeartbeat) {
    logInfo("ha_event", {{"id", event.event_id},
                         {"type", std::string(haEventTypeName(event.type))},
                         {"cluster", event.cluster},
                         {"from", event.from.dc},
                         {"decision", std::string(haDecisionName(answer.decision))},
                         {"rule", answer.rule},
                         {"change", answer.change_id}});
  }
  return {.kind = ReplyKind::kFirst, .event_id = event.event_id, .answer = std::move(answer)};
}

HaReply HaService::notStored(const std::string& event_id, const Error& error) {
  reject(Rejected::kStore);
  HaReply out{.kind = ReplyKind::kStore, .event_id = event_id};
  out.answer.text = error.message;
  return out;
}

Result<HaAnswer> HaService::act(const HaEvent& event, HaVerdict verdict) {
  if (verdict.rebases) rebase(event.from.dc);
  if (verdict.signal) {
    switch (signals_.record(event)) {
      case SignalBoard::Taken::kNew:
        break;
      case SignalBoard::Taken::kOutdated:
        verdict.answer.rule = "outdated";
        verdict.answer.text = "something newer is known of this";
        break;
      case SignalBoard::Taken::kTooMany:
        verdict.answer.decision = HaDecision::kDenied;
        verdict.answer.rule = "too-many-signals";
        verdict.answer.text = fmt::format("{} signals are in force", SignalBoard::kMaxSignals);
        break;
    }
  }
  if (!verdict.start) return std::move(verdict.answer);
  return start(*verdict.start, std::move(verdict.answer));
}

Result<HaAnswer> HaService::start(const ChangeRequest& request, HaAnswer answer) {
  const auto plan = seams_.changes.start(request);
  if (!plan) {
    const MapError& error = plan.error();
    const ErrorKind kind = error.error.kind;
    if (kind == ErrorKind::kIo || kind == ErrorKind::kUnavailable || kind == ErrorKind::kCorrupt) {
      return tl::unexpected(error.error);
    }
    answer.decision = HaDecision::kDenied;
    answer.rule = error.rule;
    answer.text = error.error.message;
    return answer;
  }
  if (plan->accepted) {
    answer.change_id = changeId(plan->change.number);
    return answer;
  }
  answer.decision = HaDecision::kDenied;
  const auto stopped = std::find_if(plan->verdicts.begin(), plan->verdicts.end(), stops);
  if (stopped != plan->verdicts.end()) {
    answer.rule = stopped->rule;
    answer.text = stopped->text;
  }
  return answer;
}

void HaService::rebase(const std::string& dc) {
  const MonotonicTime now = seams_.clock.monotonicNow();
  const MonotonicTime until = now + kRebasingGrace;
  for (const Datacenter& other : seams_.map.current().topology->datacenters) {
    if (other.id == dc) continue;
    // The new master is a new source for the others, and a new target for what they send.
    if (!seams_.drc.markRebasing(dc, other.id, until, now) ||
        !seams_.drc.markRebasing(other.id, dc, until, now)) {
      logWarn("ha_too_many_rebasing_links", {{"dc", dc}, {"other", other.id}});
    }
  }
}

std::string HaService::changeOf(const HaEvent& event) const {
  const std::string reason = haChangeReason(event);
  const std::string actor = haActor(event);
  for (const Change* change : seams_.changes.list(false)) {
    if (change->actor == actor && change->reason == reason && !change->undoes) {
      return changeId(change->number);
    }
  }
  return {};
}

std::string HaService::frozenWhy(WallTime now) const {
  if (config_.frozen) return "ha.frozen is set: nothing moves because of an event";
  for (const std::string& text : seams_.changes.policy().freeze_windows) {
    const auto window = DayWindow::parse(text);
    if (window && window->contains(now)) return "inside the freeze window " + text;
  }
  return {};
}

}  // namespace meridian::partition
