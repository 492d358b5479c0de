// A change: a journalled plan to move subjects to other eZones, and how far it has come.
//
// Plain values by ids, since a change outlives topologies. What comes next is decided by
// partition/change/machine.h; who does it is partition/change/engine.h. The source of states, modes
// and budgets is domain.md §3b.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "partition/ids.h"
#include "partition/table.h"

namespace meridian::partition {

enum class ChangeKind : std::uint8_t {
  kShift,      // partitions of a sharding zone
  kSwitch,     // the primary of a global zone
  kRollback,   // subjects of an earlier change, back to where it took them from
  kRevert,     // the same, by itself, when a change expires
  kDrain,      // partitions away from a datacenter that is taken out
  kReturn,     // partitions home to one that is back
  kEvacuation  // partitions away from one that is lost
};
enum class ChangeMode : std::uint8_t {
  kPlanned,    // writes are blocked until the target has everything: nothing is lost
  kGradual,    // waves of whole partitions, each watched before the next
  kEmergency,  // no preparation, no block; what may be lost is recorded
  kDrill       // planned, and must say when it goes back
};
// What may be lost. A planned change is lossless; an emergency is not.
enum class DataPolicy : std::uint8_t { kLossless, kBounded, kForce };

enum class ChangeState : std::uint8_t {
  kScheduled,   // waits for its time
  kPrecheck,    // rules, and the pre_check hooks
  kPrepared,    // answers carry the short TTL; waits until the old one has run out
  kPreblock,    // the pre_block hooks
  kBlocking,    // the table says BLOCKED; the block hooks must agree
  kCatchingUp,  // until the target has applied the source's position at the block
  kVerifying,   // global zones: the verify hooks compare the data
  kPrecommit,   // the pre_commit hooks: the last that may say no
  kShifting,    // COMMIT is done: the table names the new owner; the reroute hooks
  kUnblocking,  // the new owner may write; the unblock hooks
  kDraining,    // until hardly anyone can still have the old answer
  kSoaking,     // watched
  kAborting,    // before COMMIT: back to OPEN at the old owner; the unblock hooks
  kDone,
  kAborted,
  kNeedsOperator  // parked: a hook that must be done was not
};

std::string_view changeKindName(ChangeKind kind);     // "shift", …
std::string_view changeModeName(ChangeMode mode);     // "planned", …
std::string_view dataPolicyName(DataPolicy policy);   // "lossless", …
std::string_view changeStateName(ChangeState state);  // "PRECHECK", …
std::optional<ChangeKind> changeKindOf(std::string_view name);
std::optional<ChangeMode> changeModeOf(std::string_view name);
std::optional<DataPolicy> dataPolicyOf(std::string_view name);
std::optional<ChangeState> changeStateOf(std::string_view name);

// DONE and ABORTED: nothing follows, and the subjects are free.
bool isOver(ChangeState state);
// The current wave's COMMIT is durable: only forward from here.
bool isCommitted(ChangeState state);

// One subject's way.
struct ChangeItem {
  SubjectKind kind = SubjectKind::kPartition;
  std::string subject, zone, from, to;  // from, to: eZone ids
  Epoch epoch = 0;                      // the subject's newest epoch as far as this change knows
  Epoch epoch_before = 0;               // the one it moved from; 0: has not moved
  std::uint32_t old_ttl = 0;            // s: the longest TTL of its services before it was prepared
  std::string barrier = {};             // the source's position when writes were blocked
  std::optional<std::int64_t> lost_ms =
      {};  // emergency: effective lag when it moved; nullopt: unknown
  bool moved = false;
};

// A rule that shall not count, by the operator's word.
struct RuleOverride {
  std::string rule;  // "S3"
  std::string reason;
};

struct Change {
  std::uint64_t number = 0;
  ChangeKind kind = ChangeKind::kShift;
  ChangeMode mode = ChangeMode::kPlanned;
  DataPolicy data_policy = DataPolicy::kLossless;
  std::string actor, reason;
  std::vector<RuleOverride> overrides = {};
  std::vector<std::vector<ChangeItem>> waves;  // never empty; subjects are all different
  WallTime created{};
  std::optional<WallTime> not_before = {};
  std::optional<WallTime> expires_at = {};   // then it goes back by itself
  bool wait_for_holds = false;               // starts when nobody holds its subjects any more
  std::optional<std::uint64_t> undoes = {};  // rollback, revert: the change

  // How far it has come
  ChangeState state = ChangeState::kScheduled;
  std::size_t wave = 0;
  std::uint64_t round = 1;   // hooks are asked anew in each: PRECHECK was entered so often
  WallTime entered{};        // the state, for people; budgets run on the monotonic clock
  std::string note;          // why it is in this state
  bool paused = false;       // of a state that may wait (machine.h, mayPause)
  bool block_sent = false;   // the current wave's block hooks may have been asked
  std::string abort_reason;  // why the current wave went to ABORTING
  // Hook phases that were not done, in the order to do them by hand (NEEDS_OPERATOR).
  std::vector<std::string> remaining = {};
  std::uint64_t steps = 0;  // transitions so far; the newest record of the change's log

  const std::vector<ChangeItem>& items() const { return waves[wave]; }
  std::vector<ChangeItem>& items() { return waves[wave]; }
};

std::string changeId(std::uint64_t number);  // "c-17"
// nullopt: no id of a change.
std::optional<std::uint64_t> changeNumberOf(std::string_view id);

// Budgets and bounds of changes (configuration, [change]); defaults are domain.md's.
struct ChangePolicy {
  std::chrono::milliseconds precheck{10'000};
  std::chrono::milliseconds prepared_margin{5'000};  // after the old TTL
  std::chrono::milliseconds block_ack{10'000};
  std::chrono::milliseconds catch_up{10'000};
  std::chrono::milliseconds verify{10'000};
  std::chrono::milliseconds veto{4'000};           // pre_block, pre_commit
  std::chrono::milliseconds block_budget{30'000};  // BLOCKING to COMMIT
  std::chrono::milliseconds block_lease{60'000};   // hard cap, told to those who are blocked
  std::chrono::milliseconds max_clock_skew{500};
  std::chrono::milliseconds reroute{15'000};
  std::chrono::milliseconds unblock{15'000};
  std::chrono::milliseconds drain_max{600'000};
  std::chrono::milliseconds soak{60'000};       // healthy for so long
  std::chrono::milliseconds soak_max{300'000};  // in at most
  std::int64_t max_lag_ms = 1'000;
  double max_utilisation = 0.80;
  double max_utilisation_emergency = 0.95;
  double max_moving_share = 0.10;  // of a zone's weight, in a wave and in all changes together
  std::size_t max_wave_partitions = 3;
  std::chrono::milliseconds cooldown{1'800'000};  // between two changes of a subject
  std::chrono::milliseconds toggle_wait{5'000};   // before a move back to where it came from
  std::vector<std::string> freeze_windows = {};   // DayWindow, safety.h
};
// What makes a policy impossible, e.g. a block budget that its parts exceed; empty: nothing.
std::vector<std::string> policyProblems(const ChangePolicy& policy);

}  // namespace meridian::partition
