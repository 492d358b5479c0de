// The state machine of a change: what comes next, from how far it has come and what is known now.
//
// Pure: no clock, no store, no network; every input is a value. The engine asks advance() whenever
// something may have changed (a tick, a hook's outcome), journals the step it returns and only then
// acts on it.
//
//   SCHEDULED → PRECHECK ┬→ PREPARED → PREBLOCK → BLOCKING → CATCHING_UP → [VERIFYING] → PRECOMMIT
//   ┐
//                        └→ (emergency) ──────────────────────────────────────→ PRECOMMIT ───────┤
//                 gradual: PREPARED ──────────────────────────────────────────→ PRECOMMIT ───────┤
//   ┌──────────────────────────────── COMMIT ────────────────────────────────────────────────────┘
//   SHIFTING → UNBLOCKING → DRAINING → SOAKING → DONE, or PRECHECK of the next wave
//   any state before COMMIT → ABORTING → ABORTED; SCHEDULED, PRECHECK → ABORTED
//   a hook with on_error = park fails before the block → PRECHECK, paused
//   a hook that must be done and was not → NEEDS_OPERATOR
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "partition/change/change.h"
#include "partition/hooks/hook.h"

namespace meridian::partition {

// What is true now, as far as anybody here knows.
struct ChangeFacts {
  WallTime wall{};
  std::chrono::milliseconds in_state{};  // monotonic; from zero again after a restart
  std::chrono::milliseconds blocked{};   // since BLOCKING was entered; 0 outside the block
  std::optional<HookOutcome> hook = {};  // of the state's gating phase, once it is there
  // Consumers that do not have the block (BLOCKING) or the commit (SHIFTING) yet; empty: enough
  // have.
  std::string behind = {};
  std::vector<std::string> broken = {};  // rules that forbid to go on now, each with its text
  bool hopeless = false;                 // one of them is hard: waiting does not help
  std::string held = {};                 // whose holds are all that is broken; empty: none
  bool position_known = false;           // the sources told their positions after the block
  bool caught_up = false;                // every item's target has applied the barrier
  std::string watch = {};                // what is wrong with the targets; empty: nothing
  std::chrono::milliseconds well{};      // for how long `watch` has been empty
  // The largest measured share of arrivals at an old eZone; nullopt: none is known.
  std::optional<double> stale_measured = {};
  bool clock_steady = true;  // the wall clock went on with the monotonic one, within the bound
};

// What the table says after a step (one commit, together with the step).
enum class TableWrite : std::uint8_t {
  kNone,
  kPrepare,  // short TTL
  kBlock,    // BLOCKED with a lease
  kMove,     // COMMIT: the new owner; SWITCHING for global zones
  kOpen,     // the owner may write
  kRelease   // OPEN at the old owner, steady TTL; a new epoch when it was blocked
};

struct ChangeStep {
  ChangeState to = ChangeState::kAborted;
  std::string note;
  TableWrite table = TableWrite::kNone;
  bool next_wave = false;
  bool pause = false;                       // enter it paused
  std::vector<std::string> remaining = {};  // phases added to Change::remaining
};

// The phase whose outcome the state waits for.
std::optional<HookPhase> gatingPhase(ChangeState state);
// How long all its hooks may take together.
std::chrono::milliseconds phaseBudget(HookPhase phase, const ChangePolicy& policy);
// The longest a change stays in this state by itself; nullopt: as long as it must. DRAINING: unless
// arrivals at the old eZone are measured; they keep it until ChangePolicy::drain_max.
std::optional<std::chrono::milliseconds> stateBudget(const Change& change,
                                                     const ChangePolicy& policy);
// Phases that are told when the state was entered.
std::vector<HookPhase> notices(ChangeState state);

// nullopt: it stays where it is.
std::optional<ChangeStep> advance(const Change& change, const ChangeFacts& facts,
                                  const ChangePolicy& policy);

// What a restart finds: before COMMIT the wave is given up (domain.md, "Crash recovery"), later
// states do their part again. nullopt: it stays, and its entry actions are repeated.
std::optional<ChangeStep> recover(const Change& change);

enum class ChangeOrder : std::uint8_t {
  kPause,
  kResume,  // also out of NEEDS_OPERATOR: asks the remaining hooks again
  kAbort,
  kResolve  // out of NEEDS_OPERATOR: what remained was done by hand
};
std::string_view changeOrderName(ChangeOrder order);
std::optional<ChangeOrder> changeOrderOf(std::string_view name);
// States that may wait as long as a person likes: nobody is blocked in them.
bool mayPause(ChangeState state);
// The step an order makes, in a state that allows it; kRefused says why not.
Result<ChangeStep> obey(const Change& change, ChangeOrder order);

// The change after a step, without what the commit itself found out (epochs).
Change applied(Change change, const ChangeStep& step, WallTime now);

// A drain whose measured share is below this is done, after three TTLs.
inline constexpr double kDrainedShare = 0.02;
// The share of clients, 0 to 1, that may still hold the old answer `since_commit` after it: caches
// that keep their TTL were filled evenly in the TTL before. Those that stretch TTLs are not in it.
double staleShare(std::chrono::milliseconds since_commit, std::uint32_t ttl);

}  // namespace meridian::partition
