// The durable outbox: what must be told is written, synced, before it is sent; what a hook answered
// is kept, so that it is not asked again after a restart.
//
// Family "hooks" of its store:
//   "a" key   → the call was begun, or its answer; kept kKeptFor
//   "n" id    → a message that waits to be delivered (id: 8 bytes big-endian)
//   "d" id    → a dead letter: given up after its attempts, until somebody requeues or drops it
//   "i"       → the next id, in decimal
// Messages and dead letters are held in memory too; both lists are bounded. Every call that changes
// something has written it, synced, when it returns well; when it fails, nothing has changed.
// Threads: the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "partition/hooks/hook.h"
#include "partition/hooks/hook_reply.h"

namespace meridian::partition {

struct HookMessage {
  std::uint64_t id = 0;  // in the order of writing; never used for another
  std::string hook;
  HookCall call;
  unsigned attempts = 0;  // made so far
  WallTime written_at{};  // when it was first put in
  WallTime next_at{};     // not before; of a dead letter: when it was given up
  std::string last_error;
};

class HookOutbox {
 public:
  static constexpr std::size_t kMaxWaiting = 10'000;
  static constexpr std::size_t kMaxDead = 1'000;
  // Longer than any change runs.
  static constexpr std::chrono::hours kKeptFor{24 * 7};

  static std::vector<std::string> families() { return {"hooks"}; }
  // Reads what waits. kCorrupt, kIo.
  static Result<std::unique_ptr<HookOutbox>> open(std::shared_ptr<KvStore> store);

  // Notes that this call is about to be made, or returns what the hook answered before.
  Result<std::optional<HookReply>> begin(const std::string& key, WallTime now);
  // An answer that stays: kAllow or kVeto.
  Status answered(const std::string& key, const HookReply& reply, WallTime now);

  // One message for each of the hooks, all or none. A hook that was told this already is left out.
  // kTooLarge: too many wait.
  Status tell(const std::vector<std::string>& hooks, const HookCall& call, WallTime now);
  Status delivered(std::uint64_t id);
  Status failed(std::uint64_t id, WallTime next_at, const std::string& why);
  // Gives up: a dead letter. When there are too many, the oldest goes, counted.
  Status bury(std::uint64_t id, const std::string& why, WallTime now);

  // kNotFound. A requeued one starts over with its first attempt. kTooLarge: too many wait.
  Status requeue(std::uint64_t id, WallTime now);
  Status drop(std::uint64_t id);

  // Forgets answers that are older than kKeptFor.
  Status prune(WallTime now);

  const std::map<std::uint64_t, HookMessage>& waiting() const { return waiting_; }
  const std::map<std::uint64_t, HookMessage>& dead() const { return dead_; }
  std::uint64_t deadOverflow() const { return dead_overflow_; }

 private:
  explicit HookOutbox(std::shared_ptr<KvStore> store) : store_(std::move(store)) {}
  Status load(char prefix, std::map<std::uint64_t, HookMessage>& into);

  std::shared_ptr<KvStore> store_;
  std::map<std::uint64_t, HookMessage> waiting_;
  std::map<std::uint64_t, HookMessage> dead_;
  std::uint64_t next_id_ = 1;
  std::uint64_t dead_overflow_ = 0;
};

}  // namespace meridian::partition
