#include "partition/hooks/hook_runner.h"

#include <algorithm>

#include "base/log.h"
#include "partition/hooks/hook_codec.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPruneEvery{3'600'000};
// No wait in the outbox is longer: the longest delay and its spread. Should the wall clock have
// been set back, a message is not held by it.
constexpr milliseconds kMaxDeliveryDelay{72'000};
// The store failed: try again, as a disk that was full may have room.
constexpr milliseconds kStoreRetry{5'000};

HookOutcome cannotStore(const Error& error) {
  return {HookOutcome::Kind::kFailed, "", shownText("outbox: " + error.message), {}};
}

}  // namespace

struct OutboundHooks::Phase {
  Phase(std::vector<HookConfig> hooks, HookCall asked, std::function<void(HookOutcome)> then,
        MonotonicTime now, std::uint64_t seed)
      : call(std::move(asked)), done(std::move(then)), policy(std::move(hooks), call, now, seed) {}

  HookCall call;
  std::function<void(HookOutcome)> done;
  HookPolicy policy;
  HookAttempt attempt;  // the open one
  std::unique_ptr<HookSender::Sending> sending;
  std::unique_ptr<EventLoop::Timer> timer;   // until the next attempt
  std::unique_ptr<EventLoop::Timer> expiry;  // of the budget
};

OutboundHooks::OutboundHooks(EventLoop& loop, const Clock& clock, std::vector<HookConfig> hooks,
                             std::unique_ptr<HookOutbox> outbox)
    : loop_(loop),
      clock_(clock),
      hooks_(std::move(hooks)),
      counters_(hooks_.size()),
      outbox_(std::move(outbox)),
      random_(std::random_device()()),
      sender_(loop, clock) {
  prune_timer_ = loop_.every(kPruneEvery, [this] { prune(); });
  deliverSoon();
}

OutboundHooks::~OutboundHooks() = default;

void OutboundHooks::run(const HookCall& call, std::function<void(HookOutcome)> done) {
  const PhaseKey key(call.change_id, call.phase);
  std::vector<HookConfig> asked;
  std::vector<std::string> told;
  for (const HookConfig& hook : hooks_) {
    if (!hook.in(call.phase)) continue;
    if (hook.waitsIn(call.phase)) {
      asked.push_back(hook);
    } else {
      told.push_back(hook.id);
    }
  }
  const Status written = outbox_->tell(told, call, clock_.wallNow());
  if (written && !told.empty()) deliverSoon();
  const MonotonicTime now = clock_.monotonicNow();
  auto phase = std::make_unique<Phase>(std::move(asked), call, std::move(done), now, random_());
  phase->timer = loop_.after(milliseconds(0), [this, key, written] {
    if (!written) {
      carryOut(key, cannotStore(written.error()));
      return;
    }
    Phase& begun = *phases_.at(key);
    begun.expiry = loop_.after(std::max(begun.call.budget, milliseconds(0)), [this, key] {
      HookPolicy& policy = phases_.at(key)->policy;
      const auto step = policy.expire(std::max(clock_.monotonicNow(), policy.deadline()));
      if (step) carryOut(key, *step);
    });
    carryOut(key, begun.policy.begin(clock_.monotonicNow()));
  });
  phases_.insert_or_assign(key, std::move(phase));
}

void OutboundHooks::cancel(const std::string& change_id, HookPhase phase) {
  phases_.erase({change_id, phase});
}

void OutboundHooks::carryOut(const PhaseKey& key, HookPolicy::Step step) {
  const auto found = phases_.find(key);
  Phase& phase = *found->second;
  phase.sending.reset();
  phase.timer.reset();
  if (auto* outcome = std::get_if<HookOutcome>(&step)) {
    const std::unique_ptr<Phase> ended = std::move(found->second);
    phases_.erase(found);
    if (outcome->kind != HookOutcome::Kind::kAllowed) {
      logWarn("hook_phase_stopped", {{"change", key.first},
                                     {"phase", std::string(hookPhaseName(key.second))},
                                     {"hook", outcome->hook},
                                     {"why", outcome->reason}});
    }
    ended->done(std::move(*outcome));
    return;
  }
  phase.attempt = std::get<HookAttempt>(step);
  if (phase.attempt.delay.count() > 0) {
    phase.timer = loop_.after(phase.attempt.delay, [this, key] { ask(key); });
  } else {
    ask(key);
  }
}

void OutboundHooks::ask(const PhaseKey& key) {
  Phase& phase = *phases_.at(key);
  const HookConfig& hook = phase.policy.hooks()[phase.attempt.hook];
  const auto known = outbox_->begin(idempotencyKey(phase.call, hook.id), clock_.wallNow());
  if (!known || *known) {
    // Nothing is sent that was not written before; nobody is asked again who has answered.
    const HookReply reply =
        known ? **known : HookReply{HookReply::Kind::kRetry, shownText(known.error().message), {}};
    const auto step =
        phase.policy.reply(phase.attempt.hook, phase.attempt.attempt, reply, clock_.monotonicNow());
    if (step) carryOut(key, *step);
    return;
  }
  phase.sending = sender_.send(hook, phase.call, phase.attempt.attempt, phase.attempt.timeout,
                               [this, key](const HookReply& reply) { onReply(key, reply); });
}

void OutboundHooks::onReply(const PhaseKey& key, const HookReply& reply) {
  Phase& phase = *phases_.at(key);
  const std::string& hook = phase.policy.hooks()[phase.attempt.hook].id;
  count(hook, reply);
  // A "no" of one who is to act is not an answer that stays: it may be able to the next time.
  const bool stays =
      reply.kind == HookReply::Kind::kAllow ||
      (reply.kind == HookReply::Kind::kVeto && hookRole(phase.call.phase) == HookRole::kVeto);
  if (stays) {
    const std::string id = idempotencyKey(phase.call, hook);
    if (const Status kept = outbox_->answered(id, reply, clock_.wallNow()); !kept) {
      // The answer counts all the same; after a restart the hook would be asked again.
      logError("hook_answer_not_kept", {{"call", id}, {"why", kept.error().message}});
    }
  }
  const auto step =
      phase.policy.reply(phase.attempt.hook, phase.attempt.attempt, reply, clock_.monotonicNow());
  if (step) carryOut(key, *step);
}

void OutboundHooks::deliverSoon() {
  delivery_timer_ = loop_.after(milliseconds(0), [this] { deliverDue(); });
}

void OutboundHooks::deliverDue() {
  const WallTime now = clock_.wallNow();
  milliseconds next = kMaxDeliveryDelay;
  // Copies: a delivery that cannot even start changes the list.
  std::vector<HookMessage> due;
  for (const auto& [id, message] : outbox_->waiting()) {
    if (delivering_.contains(id)) continue;
    const milliseconds wait = message.next_at - now;
    if (wait.count() > 0 && wait <= kMaxDeliveryDelay) {
      next = std::min(next, wait);
    } else if (delivering_.size() + due.size() < kMaxDelivering) {
      due.push_back(message);
    }
  }
  for (const HookMessage& message : due) deliver(message);
  // Whoever ends a delivery looks again; this is for those whose time comes.
  delivery_timer_ = loop_.after(std::max(next, milliseconds(1)), [this] { deliverDue(); });
}

void OutboundHooks::deliver(const HookMessage& message) {
  const HookConfig* hook = configOf(message.hook);
  if (hook == nullptr) {
    if (const Status buried =
            outbox_->bury(message.id, "no hook with this id is configured", clock_.wallNow());
        !buried)
      logError("hook_outbox_failed", {{"why", buried.error().message}});
    return;
  }
  const HookLimits limits = hookLimits(*hook, message.call.phase);
  delivering_[message.id] =
      sender_.send(*hook, message.call, message.attempts + 1, limits.timeout,
                   [this, id = message.id](const HookReply& reply) { onDelivered(id, reply); });
}

void OutboundHooks::onDelivered(std::uint64_t id, const HookReply& reply) {
  delivering_.erase(id);
  const HookMessage& message = outbox_->waiting().at(id);
  const std::string name = message.hook;
  const HookConfig& hook = *configOf(name);
  count(name, reply);
  const WallTime now = clock_.wallNow();
  const unsigned made = message.attempts + 1;
  const bool again = reply.kind == HookReply::Kind::kRetry || reply.kind == HookReply::Kind::kDefer;
  Status kept;
  if (reply.kind == HookReply::Kind::kAllow || reply.kind == HookReply::Kind::kVeto) {
    kept = outbox_->delivered(id);  // who is only told has no say
  } else if (again && made < hookLimits(hook, message.call.phase).max_attempts) {
    const double spread = std::uniform_real_distribution<double>(0, 1)(random_);
    kept = outbox_->failed(id, now + hookRetryDelay(made + 1, spread), reply.reason);
  } else {
    logWarn("hook_dead_letter",
            {{"hook", name}, {"id", std::to_string(id)}, {"why", reply.reason}});
    kept = outbox_->bury(id, reply.reason, now);
    if (kept) ++counters_[static_cast<std::size_t>(&hook - hooks_.data())].dead_letters;
  }
  if (!kept) {
    // It stays due; the receiver knows it by its id when it comes again.
    logError("hook_outbox_failed", {{"id", std::to_string(id)}, {"why", kept.error().message}});
    delivery_timer_ = loop_.after(kStoreRetry, [this] { deliverDue(); });
    return;
  }
  deliverSoon();
}

const HookConfig* OutboundHooks::configOf(const std::string& hook) const {
  const auto found = std::find_if(hooks_.begin(), hooks_.end(),
                                  [&](const HookConfig& known) { return known.id == hook; });
  return found == hooks_.end() ? nullptr : &*found;
}

void OutboundHooks::count(const std::string& hook, const HookReply& reply) {
  const HookConfig* config = configOf(hook);
  if (config == nullptr) return;
  HookCounters& counters = counters_[static_cast<std::size_t>(config - hooks_.data())];
  ++counters.attempts;
  switch (reply.kind) {
    case HookReply::Kind::kAllow:
      ++counters.allowed;
      break;
    case HookReply::Kind::kVeto:
      ++counters.vetoed;
      break;
    case HookReply::Kind::kDefer:
      ++counters.deferred;
      break;
    case HookReply::Kind::kRetry:
    case HookReply::Kind::kPermanent:
      ++counters.errors;
      break;
  }
}

Status OutboundHooks::requeue(std::uint64_t id) {
  Status queued = outbox_->requeue(id, clock_.wallNow());
  if (queued) deliverSoon();
  return queued;
}

Status OutboundHooks::drop(std::uint64_t id) {
  return outbox_->drop(id);
}

void OutboundHooks::prune() {
  if (const Status pruned = outbox_->prune(clock_.wallNow()); !pruned)
    logError("hook_outbox_failed", {{"why", pruned.error().message}});
}

}  // namespace meridian::partition
