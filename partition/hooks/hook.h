// Hooks: what the engine of changes asks others for, and what they say (domain.md §3c, outbound).
//
// The engine speaks in phases and outcomes; who is called, how often, signed with what and in which
// order is the runner's matter (partition/hooks/hook_runner.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "partition/ids.h"

namespace meridian::partition {

enum class HookPhase : std::uint8_t {
  kOnDetect,
  kPreCheck,
  kPreBlock,
  kBlock,
  kVerify,
  kPreCommit,
  kCommitted,
  kReroute,
  kUnblock,
  kDrained,
  kPostSuccess,
  kPostAbort,
  kPostFailure
};
inline constexpr std::size_t kHookPhases = 13;
std::string_view hookPhaseName(HookPhase phase);  // "on_detect", …
std::optional<HookPhase> hookPhaseOf(std::string_view name);

// What a phase's hooks may do. No hook after COMMIT can stop anything.
enum class HookRole : std::uint8_t {
  kVeto,    // pre_check, pre_block, pre_commit: may say no
  kAction,  // block, verify, reroute, unblock: must be done before the change goes on
  kNotify   // the others: told, not asked
};
HookRole hookRole(HookPhase phase);

// One phase of one change, as its hooks are told. Ids, not indices: a payload outlives a topology.
struct HookCall {
  std::string change_id;  // with the round and the subject where there are several (docs/hooks.md)
  HookPhase phase = HookPhase::kPreCheck;
  std::string subject, kind, mode;  // partition or global zone id; "shift"…; "planned"…
  std::string from, to;             // eZone ids
  std::string from_dc, to_dc;       // their datacenters, where known
  Epoch epoch_old = 0, epoch_new = 0;
  Rev rev = 0;
  std::string barrier;                 // source position; empty: none taken
  std::optional<std::int64_t> lag_ms;  // effective; nullopt: unknown
  std::chrono::milliseconds budget{};  // all attempts of all hooks of this phase together
  WallTime deadline{};                 // the same, for the receiver
  bool emergency = false;              // a veto's time-out is then no obstacle, and …
  bool honour_veto = false;            // … its "no" is one only with this
  bool dry_run = false;
  // Who asked that the subject stay where it is, each with until when and why (partition/hold).
  std::vector<std::string> holds = {};
};

struct HookOutcome {
  enum class Kind : std::uint8_t {
    kAllowed,   // nobody objects: all said yes, or may not say no, or none is configured
    kVetoed,    // a hook with the right to said no
    kDeferred,  // a hook asks to wait
    kFailed     // a hook could not be asked or could not do it, and its on_error is abort or park
  };
  Kind kind = Kind::kAllowed;
  std::string hook = {};  // the one that decided, or of kAllowed the first with a remark; or empty
  std::string reason = {};    // its words, or what went wrong; printable UTF-8, ≤ 512 bytes
  std::string evidence = {};  // compact JSON object of the hook, or empty; ≤ 4 KiB
  bool park = false;          // kFailed: on_error is park, an operator is to decide
};

// The engine's seam to the world. Threads: the control thread.
class HookRunner {
 public:
  virtual ~HookRunner() = default;
  // Starts a phase. Idempotent by (change_id, phase): started again, as after a restart, hooks that
  // have answered are not asked again, and one that is asked again sees the same idempotency key.
  // `done` is called once, never from inside run(); for notify phases as soon as the call is in the
  // durable outbox.
  virtual void run(const HookCall& call, std::function<void(HookOutcome)> done) = 0;
  // Gives up what is open of this phase; its `done` is not called any more.
  virtual void cancel(const std::string& change_id, HookPhase phase) = 0;
};

}  // namespace meridian::partition
