// The HookRunner of the real world: configuration, policy, outbox and sender put together.
//
// Hooks that the phase waits for are asked by HookPolicy's steps; the others, and all of a notify
// phase, are told through the outbox, which delivers by itself, up to kMaxDelivering at once, also
// what a previous run left. Threads: the loop's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "partition/hooks/hook.h"
#include "partition/hooks/hook_config.h"
#include "partition/hooks/hook_policy.h"
#include "partition/hooks/hook_sender.h"
#include "partition/hooks/outbox.h"

namespace meridian::partition {

struct HookCounters {
  std::uint64_t attempts = 0;
  std::uint64_t allowed = 0;  // also: delivered
  std::uint64_t vetoed = 0;
  std::uint64_t deferred = 0;
  std::uint64_t errors = 0;  // attempts that failed
  std::uint64_t dead_letters = 0;
};

class OutboundHooks final : public HookRunner {
 public:
  static constexpr std::size_t kMaxDelivering = 16;

  // Delivers what waits as soon as the loop runs. `loop` and `clock` must outlive it.
  OutboundHooks(EventLoop& loop, const Clock& clock, std::vector<HookConfig> hooks,
                std::unique_ptr<HookOutbox> outbox);
  ~OutboundHooks() override;
  OutboundHooks(const OutboundHooks&) = delete;
  OutboundHooks& operator=(const OutboundHooks&) = delete;

  void run(const HookCall& call, std::function<void(HookOutcome)> done) override;
  void cancel(const std::string& change_id, HookPhase phase) override;

  const std::vector<HookConfig>& hooks() const { return hooks_; }
  // In the order of hooks().
  const std::vector<HookCounters>& counters() const { return counters_; }
  const HookOutbox& outbox() const { return *outbox_; }
  // As HookOutbox; a requeued one is sent soon.
  Status requeue(std::uint64_t id);
  Status drop(std::uint64_t id);

 private:
  struct Phase;
  using PhaseKey = std::pair<std::string, HookPhase>;

  // The phase may be gone when these return.
  void carryOut(const PhaseKey& key, HookPolicy::Step step);
  void ask(const PhaseKey& key);
  void onReply(const PhaseKey& key, const HookReply& reply);

  void deliverSoon();
  void deliverDue();
  void deliver(const HookMessage& message);
  void onDelivered(std::uint64_t id, const HookReply& reply);
  // Of a message whose hook is configured; else nullptr.
  const HookConfig* configOf(const std::string& hook) const;
  void count(const std::string& hook, const HookReply& reply);
  void prune();

  EventLoop& loop_;
  const Clock& clock_;
  const std::vector<HookConfig> hooks_;
  std::vector<HookCounters> counters_;
  std::unique_ptr<HookOutbox> outbox_;
  std::minstd_rand random_;
  HookSender sender_;
  std::map<PhaseKey, std::unique_ptr<Phase>> phases_;
  std::map<std::uint64_t, std::unique_ptr<HookSender::Sending>> delivering_;
  std::unique_ptr<EventLoop::Timer> delivery_timer_;
  std::unique_ptr<EventLoop::Timer> prune_timer_;
};

}  // namespace meridian::partition
