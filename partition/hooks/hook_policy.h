// What is asked next in one phase of one change, and what the phase comes to: no I/O, no clock.
//
// Hooks are asked one after the other in the order of the configuration. Each step is the answer to
// an event; the caller carries it out and comes back with the next event. Whatever comes, doubled,
// late or not at all, the phase ends with exactly one outcome, at the latest when expire() is told
// at deadline().
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "partition/hooks/hook.h"
#include "partition/hooks/hook_config.h"
#include "partition/hooks/hook_reply.h"

namespace meridian::partition {

// The wait before attempt `next` (2, 3, …): 0.5 s, doubled each time up to 60 s, ± 20 %. `spread`
// in [0, 1) picks from that.
std::chrono::milliseconds hookRetryDelay(unsigned next, double spread);

// Ask hook number `hook` for the `attempt`-th time (from 1), after `delay`, and wait no longer than
// `timeout` for it.
struct HookAttempt {
  std::size_t hook = 0;
  unsigned attempt = 0;
  std::chrono::milliseconds delay{};
  std::chrono::milliseconds timeout{};
};

class HookPolicy {
 public:
  using Step = std::variant<HookAttempt, HookOutcome>;

  // `hooks`: those that the phase waits for. `seed` spreads the retries.
  HookPolicy(std::vector<HookConfig> hooks, const HookCall& call, MonotonicTime now,
             std::uint64_t seed);

  const std::vector<HookConfig>& hooks() const { return hooks_; }
  MonotonicTime deadline() const { return deadline_; }
  bool finished() const { return finished_; }

  // Once, first.
  Step begin(MonotonicTime now);
  // nullopt: not the reply of the open attempt, and nothing changes.
  std::optional<Step> reply(std::size_t hook, unsigned attempt, const HookReply& reply,
                            MonotonicTime now);
  // At or after deadline(). nullopt: finished before.
  std::optional<Step> expire(MonotonicTime now);

 private:
  Step ask(MonotonicTime now);
  Step next(MonotonicTime now);
  Step retry(const std::string& why, MonotonicTime now);
  Step failed(const std::string& why, MonotonicTime now);
  // A "no" or "wait": an end where it counts, a remark where it does not.
  Step object(HookOutcome::Kind kind, const HookReply& reply, MonotonicTime now);
  Step finish(HookOutcome outcome);
  void remark(const std::string& reason, const std::string& evidence);

  std::vector<HookConfig> hooks_;
  HookPhase phase_;
  bool emergency_;
  bool honour_veto_;
  MonotonicTime deadline_;
  std::minstd_rand random_;
  std::size_t hook_ = 0;
  unsigned attempt_ = 0;
  HookOutcome allowed_;  // with the first remark
  bool finished_ = false;
};

}  // namespace meridian::partition
