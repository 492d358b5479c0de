#include "partition/hooks/hook_policy.h"

#include <algorithm>
#include <utility>

namespace meridian::partition {

using std::chrono::milliseconds;

milliseconds hookRetryDelay(unsigned next, double spread) {
  constexpr double kFirst = 500;
  constexpr double kMost = 60'000;
  double delay = kFirst;
  for (unsigned i = 2; i < next && delay < kMost; ++i) delay *= 2;
  delay = std::min(delay, kMost) * (0.8 + 0.4 * spread);
  return milliseconds(static_cast<std::int64_t>(delay));
}

HookPolicy::HookPolicy(std::vector<HookConfig> hooks, const HookCall& call, MonotonicTime now,
                       std::uint64_t seed)
    : hooks_(std::move(hooks)),
      phase_(call.phase),
      emergency_(call.emergency),
      honour_veto_(call.honour_veto),
      deadline_(now + std::max(call.budget, milliseconds(0))),
      random_(seed) {}

HookPolicy::Step HookPolicy::begin(MonotonicTime now) {
  hook_ = 0;
  attempt_ = 0;
  return hooks_.empty() ? finish(allowed_) : ask(now);
}

std::optional<HookPolicy::Step> HookPolicy::reply(std::size_t hook, unsigned attempt,
                                                  const HookReply& reply, MonotonicTime now) {
  if (finished_ || hook != hook_ || attempt != attempt_) return std::nullopt;
  switch (reply.kind) {
    case HookReply::Kind::kAllow:
      if (!reply.reason.empty()) remark(reply.reason, reply.evidence);
      return next(now);
    case HookReply::Kind::kVeto:
      // Whoever is to act and says no has not done it.
      if (hookRole(phase_) == HookRole::kAction) return failed("refused: " + reply.reason, now);
      return object(HookOutcome::Kind::kVetoed, reply, now);
    case HookReply::Kind::kDefer:
      // Whoever is to act and says "wait" is asked again.
      if (hookRole(phase_) == HookRole::kAction) return retry("deferred: " + reply.reason, now);
      return object(HookOutcome::Kind::kDeferred, reply, now);
    case HookReply::Kind::kRetry:
      return retry(reply.reason, now);
    case HookReply::Kind::kPermanent:
      break;
  }
  return failed(reply.reason, now);
}

std::optional<HookPolicy::Step> HookPolicy::expire(MonotonicTime now) {
  if (finished_) return std::nullopt;
  return failed("no answer within the phase's budget", std::max(now, deadline_));
}

HookPolicy::Step HookPolicy::ask(MonotonicTime now) {
  if (now >= deadline_) return failed("no time left for it in the phase's budget", now);
  attempt_ = 1;
  const milliseconds left = deadline_ - now;
  return HookAttempt{hook_, attempt_, milliseconds(0),
                     std::min(left, hookLimits(hooks_[hook_], phase_).timeout)};
}

HookPolicy::Step HookPolicy::next(MonotonicTime now) {
  ++hook_;
  attempt_ = 0;
  return hook_ == hooks_.size() ? finish(allowed_) : ask(now);
}

HookPolicy::Step HookPolicy::retry(const std::string& why, MonotonicTime now) {
  const HookLimits limits = hookLimits(hooks_[hook_], phase_);
  if (attempt_ >= limits.max_attempts) return failed(why, now);
  const double spread = std::uniform_real_distribution<double>(0, 1)(random_);
  const milliseconds delay = hookRetryDelay(attempt_ + 1, spread);
  if (now + delay >= deadline_) return failed(why, now);
  ++attempt_;
  const milliseconds left = deadline_ - now - delay;
  return HookAttempt{hook_, attempt_, delay, std::min(left, limits.timeout)};
}

HookPolicy::Step HookPolicy::failed(const std::string& why, MonotonicTime now) {
  const HookConfig& hook = hooks_[hook_];
  // In an emergency availability comes first: who cannot be asked is no obstacle.
  const HookRole role = hookRole(phase_);
  const bool advisory =
      role == HookRole::kNotify || (role == HookRole::kVeto && (emergency_ || !hook.veto));
  if (advisory || hook.on_error == HookConfig::OnError::kContinue) {
    remark(why, {});
    return next(now);
  }
  HookOutcome outcome{HookOutcome::Kind::kFailed, hook.id, shownText(why), {}};
  outcome.park = hook.on_error == HookConfig::OnError::kPark;
  return finish(std::move(outcome));
}

HookPolicy::Step HookPolicy::object(HookOutcome::Kind kind, const HookReply& reply,
                                    MonotonicTime now) {
  const HookConfig& hook = hooks_[hook_];
  if (hookRole(phase_) == HookRole::kVeto && hook.veto && (!emergency_ || honour_veto_))
    return finish({kind, hook.id, reply.reason, reply.evidence});
  const std::string_view said =
      kind == HookOutcome::Kind::kVetoed ? "veto that does not count: " : "defer, not waited for: ";
  remark(std::string(said) + reply.reason, reply.evidence);
  return next(now);
}

HookPolicy::Step HookPolicy::finish(HookOutcome outcome) {
  finished_ = true;
  return outcome;
}

void HookPolicy::remark(const std::string& reason, const std::string& evidence) {
  if (!allowed_.hook.empty()) return;  // the first one is shown
  allowed_.hook = hooks_[hook_].id;
  allowed_.reason = shownText(reason);
  allowed_.evidence = evidence;
}

}  // namespace meridian::partition
