#include "partition/change/machine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "partition/model.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using State = ChangeState;

bool isGlobal(const Change& change) {
  return change.items().front().kind == SubjectKind::kGlobalZone;
}

bool lastWave(const Change& change) {
  return change.wave + 1 == change.waves.size();
}

ChangeStep enter(State to, std::string note, TableWrite table = TableWrite::kNone) {
  return {.to = to, .note = std::move(note), .table = table};
}

// The end of a wave before its COMMIT.
ChangeStep giveUp(const Change& change, std::string why) {
  if (change.state == State::kScheduled || change.state == State::kPrecheck) {
    return enter(State::kAborted, std::move(why));
  }
  const bool touched = change.state != State::kPrecommit || change.mode != ChangeMode::kEmergency;
  return enter(State::kAborting, std::move(why),
               touched ? TableWrite::kRelease : TableWrite::kNone);
}

// A gradual change that has moved something waits for a person rather than ending by itself.
ChangeStep stopWave(const Change& change, std::string why) {
  if (change.mode != ChangeMode::kGradual || change.state != State::kPrecheck) {
    return giveUp(change, std::move(why));
  }
  ChangeStep step = enter(State::kPrecheck, std::move(why));
  step.pause = true;
  return step;
}

// A hook of on_error = park: a person decides. Only where nobody is kept from writing may it wait.
ChangeStep park(const Change& change, std::string why) {
  if (change.block_sent || change.mode == ChangeMode::kEmergency) {
    return giveUp(change, std::move(why));
  }
  const bool touched = change.state != State::kPrecheck;
  ChangeStep step = enter(State::kPrecheck, "waits for an operator: " + why,
                          touched ? TableWrite::kRelease : TableWrite::kNone);
  step.pause = true;
  return step;
}

std::string hookText(const HookOutcome& hook) {
  return hook.hook.empty() ? hook.reason : fmt::format("hook {}: {}", hook.hook, hook.reason);
}

// A gate before COMMIT: its outcome lets the change go on (nullopt), or ends the wave.
std::optional<ChangeStep> gate(const Change& change, const ChangeFacts& facts,
                               milliseconds budget) {
  if (!facts.hook || facts.hook->kind == HookOutcome::Kind::kAllowed) return std::nullopt;
  const std::string why = hookText(*facts.hook);
  switch (facts.hook->kind) {
    case HookOutcome::Kind::kVetoed:
      return giveUp(change, "vetoed by " + why);
    case HookOutcome::Kind::kDeferred:
      return stopWave(change, "deferred by " + why);
    case HookOutcome::Kind::kFailed:
      return facts.hook->park ? park(change, why) : giveUp(change, why);
    case HookOutcome::Kind::kAllowed:
      break;
  }
  return giveUp(change, fmt::format("no answer within {} ms", budget.count()));
}

bool answered(const ChangeFacts& facts) {
  return facts.hook.has_value();
}

std::optional<ChangeStep> late(const Change& change, const ChangeFacts& facts, milliseconds budget,
                               std::string_view what) {
  if (facts.in_state < budget) return std::nullopt;
  return giveUp(change, fmt::format("{} took longer than {} ms", what, budget.count()));
}

// The names alone: what was found changes with every look.
std::string waitingFor(const std::vector<std::string>& broken) {
  std::string names;
  for (const std::string& each : broken) {
    const std::string name = each.substr(0, each.find(':'));
    if (names.find(name) == std::string::npos) names += (names.empty() ? "" : ", ") + name;
  }
  return "waits for " + names;
}

std::optional<ChangeStep> fromPrecheck(const Change& change, const ChangeFacts& facts,
                                       const ChangePolicy& policy) {
  if (change.paused) return std::nullopt;
  // Nobody is there to ask again when an expired change may go back: it waits for its chance.
  if (!facts.broken.empty() && change.kind == ChangeKind::kRevert && !facts.hopeless) {
    std::string note = waitingFor(facts.broken);
    if (note == change.note) return std::nullopt;
    return enter(State::kPrecheck, std::move(note));
  }
  // A hold ends by itself. Waves that have begun wait for it; so does who said that it would.
  if (!facts.held.empty() && (change.wave > 0 || change.wait_for_holds)) {
    if (facts.held == change.note) return std::nullopt;
    return enter(State::kPrecheck, facts.held);
  }
  if (!facts.broken.empty()) {
    const std::string why = fmt::format("{}", fmt::join(facts.broken, "; "));
    return change.wave > 0 ? stopWave(change, why) : giveUp(change, why);
  }
  if (!answered(facts)) return late(change, facts, policy.precheck, "pre_check");
  if (auto stop = gate(change, facts, policy.precheck)) return stop;
  if (change.mode == ChangeMode::kEmergency) {
    return enter(State::kPrecommit, "emergency: nothing is prepared or blocked");
  }
  return enter(State::kPrepared, "rules and pre_check hooks agree", TableWrite::kPrepare);
}

std::uint32_t longestTtl(const Change& change) {
  std::uint32_t ttl = 0;
  for (const ChangeItem& item : change.items()) ttl = std::max(ttl, item.old_ttl);
  return ttl;
}

milliseconds preparedFor(const Change& change, const ChangePolicy& policy) {
  return std::chrono::seconds(longestTtl(change)) + policy.prepared_margin;
}

// Three TTLs of the answers that are out: short ones, unless nothing was prepared.
milliseconds drainsFor(const Change& change, const ChangePolicy& policy) {
  const std::uint32_t ttl = change.mode == ChangeMode::kEmergency
                                ? std::max(kPreparedTtl, longestTtl(change))
                                : kPreparedTtl;
  return std::min<milliseconds>(3 * std::chrono::seconds(ttl), policy.drain_max);
}

std::optional<ChangeStep> fromPrepared(const Change& change, const ChangeFacts& facts,
                                       const ChangePolicy& policy) {
  if (change.paused || facts.in_state < preparedFor(change, policy)) return std::nullopt;
  if (!facts.broken.empty()) {
    std::string why = fmt::format("{}", fmt::join(facts.broken, "; "));
    if (change.mode != ChangeMode::kGradual) return giveUp(change, std::move(why));
    ChangeStep step = enter(State::kPrepared, std::move(why));
    step.pause = true;
    return step;
  }
  const bool blocks = change.mode != ChangeMode::kGradual;
  return enter(blocks ? State::kPreblock : State::kPrecommit, "the old TTL has run out");
}

// Nothing may keep writers out for longer than this, whatever state the block is in.
std::optional<ChangeStep> blockEnds(const Change& change, const ChangeFacts& facts,
                                    const ChangePolicy& policy) {
  if (!change.block_sent || facts.blocked < policy.block_budget) return std::nullopt;
  return giveUp(change, fmt::format("writes were blocked for {} ms: the budget is {}",
                                    facts.blocked.count(), policy.block_budget.count()));
}

std::optional<ChangeStep> fromBlocking(const Change& change, const ChangeFacts& facts,
                                       const ChangePolicy& policy) {
  if (!answered(facts)) return late(change, facts, policy.block_ack, "block");
  if (auto stop = gate(change, facts, policy.block_ack)) return stop;
  // Who judges writes and has not seen the block may still let one in.
  if (!facts.behind.empty()) {
    return late(change, facts, policy.block_ack, "block (" + facts.behind + ")");
  }
  return enter(State::kCatchingUp, "writers are blocked");
}

std::optional<ChangeStep> fromCatchingUp(const Change& change, const ChangeFacts& facts,
                                         const ChangePolicy& policy) {
  if (change.items().front().barrier.empty()) {
    // A position from before the block proves nothing about what was written in between.
    if (!facts.position_known) return late(change, facts, policy.catch_up, "the source's position");
    return enter(State::kCatchingUp, "the position that the target must reach is known");
  }
  if (!facts.caught_up) return late(change, facts, policy.catch_up, "catching up");
  return enter(isGlobal(change) ? State::kVerifying : State::kPrecommit,
               "the target has applied everything");
}

std::optional<ChangeStep> fromVerifying(const Change& change, const ChangeFacts& facts,
                                        const ChangePolicy& policy) {
  if (!answered(facts)) return late(change, facts, policy.verify, "verify");
  if (auto stop = gate(change, facts, policy.verify)) return stop;
  return enter(State::kPrecommit, "verified");
}

std::optional<ChangeStep> fromPrecommit(const Change& change, const ChangeFacts& facts,
                                        const ChangePolicy& policy) {
  if (!answered(facts)) return late(change, facts, policy.veto, "pre_commit");
  if (auto stop = gate(change, facts, policy.veto)) return stop;
  if (change.block_sent) {
    // Those who are blocked count the lease by their own clocks.
    const milliseconds left = policy.block_lease - facts.blocked;
    if (left <= 2 * policy.max_clock_skew) return giveUp(change, "the lease of the block ends");
    if (!facts.clock_steady) return giveUp(change, "the clock jumped while writes were blocked");
  }
  return enter(State::kShifting, "committed", TableWrite::kMove);
}

// After COMMIT a hook's failure is remembered, never obeyed.
ChangeStep forward(const Change& change, const ChangeFacts& facts, State to, HookPhase phase,
                   TableWrite table) {
  ChangeStep step = enter(to, std::string(hookPhaseName(phase)) + " is done", table);
  const bool done = answered(facts) && facts.hook->kind == HookOutcome::Kind::kAllowed;
  if (done) return step;
  step.note = fmt::format("{} was not done: {}", hookPhaseName(phase),
                          answered(facts) ? hookText(*facts.hook) : "no answer in time");
  step.remaining = {std::string(hookPhaseName(phase))};
  if (to != State::kUnblocking) step.to = State::kNeedsOperator;
  if (change.state == State::kAborting) step.to = State::kNeedsOperator;
  return step;
}

std::optional<ChangeStep> fromShifting(const Change& change, const ChangeFacts& facts,
                                       const ChangePolicy& policy) {
  const bool waits = !answered(facts) || !facts.behind.empty();
  if (waits && facts.in_state < policy.reroute) return std::nullopt;
  // The new owner is opened even when a router was not told: epochs keep the old one from writing,
  // and a block without an end would be worse.
  ChangeStep step =
      forward(change, facts, State::kUnblocking, HookPhase::kReroute, TableWrite::kOpen);
  if (!facts.behind.empty()) step.note += "; " + facts.behind;
  return step;
}

std::optional<ChangeStep> fromUnblocking(const Change& change, const ChangeFacts& facts,
                                         const ChangePolicy& policy) {
  if (!answered(facts) && facts.in_state < policy.unblock) return std::nullopt;
  ChangeStep step =
      forward(change, facts, State::kDraining, HookPhase::kUnblock, TableWrite::kNone);
  if (!change.remaining.empty()) {
    step.to = State::kNeedsOperator;
    if (step.remaining.empty()) step.note = change.note;
  }
  return step;
}

std::optional<ChangeStep> fromDraining(const Change& change, const ChangeFacts& facts,
                                       const ChangePolicy& policy) {
  if (facts.in_state < drainsFor(change, policy)) return std::nullopt;
  const double stale = facts.stale_measured.value_or(0);
  if (stale < kDrainedShare) return enter(State::kSoaking, "three TTLs have passed");
  if (facts.in_state < policy.drain_max) return std::nullopt;
  return enter(State::kSoaking,
               fmt::format("the budget is over; {:.1f} % of arrivals come to the old eZone still",
                           100 * stale));
}

std::optional<ChangeStep> fromSoaking(const Change& change, const ChangeFacts& facts,
                                      const ChangePolicy& policy) {
  if (change.paused) return std::nullopt;
  const bool gradual = change.mode == ChangeMode::kGradual && !lastWave(change);
  if (std::min(facts.well, facts.in_state) >= policy.soak) {
    if (lastWave(change)) return enter(State::kDone, "soaked");
    ChangeStep step = enter(State::kPrecheck, "the wave before it is soaked");
    step.next_wave = true;
    return step;
  }
  if (gradual && !facts.watch.empty()) {
    ChangeStep step = enter(State::kSoaking, facts.watch);
    step.pause = true;
    return step;
  }
  if (facts.in_state < policy.soak_max) return std::nullopt;
  return enter(State::kDone, "was not well for long enough while it was watched: " + facts.watch);
}

std::optional<ChangeStep> fromAborting(const Change& change, const ChangeFacts& facts,
                                       const ChangePolicy& policy) {
  if (!change.block_sent) return enter(State::kAborted, change.abort_reason);
  if (!answered(facts) && facts.in_state < policy.unblock) return std::nullopt;
  ChangeStep step = forward(change, facts, State::kAborted, HookPhase::kUnblock, TableWrite::kNone);
  if (step.to == State::kAborted) step.note = change.abort_reason;
  return step;
}

constexpr std::array kOrders = {std::pair{ChangeOrder::kPause, std::string_view("pause")},
                                std::pair{ChangeOrder::kResume, std::string_view("resume")},
                                std::pair{ChangeOrder::kAbort, std::string_view("abort")},
                                std::pair{ChangeOrder::kResolve, std::string_view("resolve")}};

tl::unexpected<Error> no(const Change& change, ChangeOrder order, std::string_view why) {
  return fail(ErrorKind::kRefused,
              fmt::format("{} is {}: cannot {} it: {}", changeId(change.number),
                          changeStateName(change.state), changeOrderName(order), why));
}

Result<ChangeStep> abortByOrder(const Change& change) {
  const bool between_waves = change.mode == ChangeMode::kGradual && change.state == State::kSoaking;
  if (between_waves) return enter(State::kAborted, "stopped by order; what has moved stays");
  if (isCommitted(change.state) || change.state == State::kNeedsOperator) {
    return no(change, ChangeOrder::kAbort, "it has moved already; roll it back");
  }
  if (change.state == State::kAborting) {
    return no(change, ChangeOrder::kAbort, "it is being aborted");
  }
  return giveUp(change, "aborted by order");
}

// Whether NEEDS_OPERATOR was reached on the way back or on the way forward.
bool wentForward(const Change& change) {
  return change.items().front().moved;
}

}  // namespace

std::optional<HookPhase> gatingPhase(ChangeState state) {
  constexpr std::array kGates = {std::pair{State::kPrecheck, HookPhase::kPreCheck},
                                 std::pair{State::kPreblock, HookPhase::kPreBlock},
                                 std::pair{State::kBlocking, HookPhase::kBlock},
                                 std::pair{State::kVerifying, HookPhase::kVerify},
                                 std::pair{State::kPrecommit, HookPhase::kPreCommit},
                                 std::pair{State::kShifting, HookPhase::kReroute},
                                 std::pair{State::kUnblocking, HookPhase::kUnblock},
                                 std::pair{State::kAborting, HookPhase::kUnblock}};
  for (const auto& [gated, phase] : kGates) {
    if (gated == state) return phase;
  }
  return std::nullopt;
}

std::chrono::milliseconds phaseBudget(HookPhase phase, const ChangePolicy& policy) {
  if (phase == HookPhase::kPreCheck) return policy.precheck;
  if (phase == HookPhase::kBlock) return policy.block_ack;
  if (phase == HookPhase::kVerify) return policy.verify;
  if (phase == HookPhase::kReroute) return policy.reroute;
  if (phase == HookPhase::kUnblock) return policy.unblock;
  return policy.veto;
}

std::optional<std::chrono::milliseconds> stateBudget(const Change& change,
                                                     const ChangePolicy& policy) {
  if (const auto phase = gatingPhase(change.state)) return phaseBudget(*phase, policy);
  if (change.state == State::kPrepared) return preparedFor(change, policy);
  if (change.state == State::kCatchingUp) return policy.catch_up;
  if (change.state == State::kDraining) return drainsFor(change, policy);
  if (change.state == State::kSoaking) return policy.soak_max;
  return std::nullopt;
}

std::vector<HookPhase> notices(ChangeState state) {
  constexpr std::array kNotices = {std::pair{State::kShifting, HookPhase::kCommitted},
                                   std::pair{State::kSoaking, HookPhase::kDrained},
                                   std::pair{State::kDone, HookPhase::kPostSuccess},
                                   std::pair{State::kAborted, HookPhase::kPostAbort},
                                   std::pair{State::kNeedsOperator, HookPhase::kPostFailure}};
  std::vector<HookPhase> phases;
  for (const auto& [told, phase] : kNotices) {
    if (told == state) phases.push_back(phase);
  }
  return phases;
}

std::optional<ChangeStep> advance(const Change& change, const ChangeFacts& facts,
                                  const ChangePolicy& policy) {
  switch (change.state) {
    case State::kScheduled:
      if (change.paused || (change.not_before && facts.wall < *change.not_before)) {
        return std::nullopt;
      }
      if (change.wait_for_holds && !facts.held.empty()) {
        if (facts.held == change.note) return std::nullopt;
        return enter(State::kScheduled, facts.held);
      }
      return enter(State::kPrecheck, "its time has come");
    case State::kPrecheck:
      return fromPrecheck(change, facts, policy);
    case State::kPrepared:
      return fromPrepared(change, facts, policy);
    case State::kPreblock:
      if (!answered(facts)) return late(change, facts, policy.veto, "pre_block");
      if (auto stop = gate(change, facts, policy.veto)) return stop;
      return enter(State::kBlocking, "pre_block hooks agree", TableWrite::kBlock);
    case State::kShifting:
      return fromShifting(change, facts, policy);
    case State::kUnblocking:
      return fromUnblocking(change, facts, policy);
    case State::kDraining:
      return fromDraining(change, facts, policy);
    case State::kSoaking:
      return fromSoaking(change, facts, policy);
    case State::kAborting:
      return fromAborting(change, facts, policy);
    case State::kBlocking:
    case State::kCatchingUp:
    case State::kVerifying:
    case State::kPrecommit:
      if (auto ends = blockEnds(change, facts, policy)) return ends;
      if (change.state == State::kBlocking) return fromBlocking(change, facts, policy);
      if (change.state == State::kCatchingUp) return fromCatchingUp(change, facts, policy);
      if (change.state == State::kVerifying) return fromVerifying(change, facts, policy);
      return fromPrecommit(change, facts, policy);
    case State::kDone:
    case State::kAborted:
    case State::kNeedsOperator:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<ChangeStep> recover(const Change& change) {
  // SCHEDULED and PRECHECK have left nothing in the table: they just look again.
  const bool touched = change.state != State::kScheduled && change.state != State::kPrecheck;
  const bool ends = isCommitted(change.state) || isOver(change.state) ||
                    change.state == State::kAborting || change.state == State::kNeedsOperator;
  if (!touched || ends) return std::nullopt;
  constexpr std::string_view kWhy = "the server was restarted before COMMIT";
  if (change.mode != ChangeMode::kGradual) return giveUp(change, std::string(kWhy));
  // Nobody is blocked: the wave starts again when a person says so.
  ChangeStep step = enter(State::kPrecheck, std::string(kWhy), TableWrite::kRelease);
  step.pause = true;
  return step;
}

std::string_view changeOrderName(ChangeOrder order) {
  for (const auto& [known, name] : kOrders) {
    if (known == order) return name;
  }
  return "unknown";
}

std::optional<ChangeOrder> changeOrderOf(std::string_view name) {
  for (const auto& [order, known] : kOrders) {
    if (known == name) return order;
  }
  return std::nullopt;
}

bool mayPause(ChangeState state) {
  return state == State::kScheduled || state == State::kPrecheck || state == State::kPrepared ||
         state == State::kSoaking;
}

Result<ChangeStep> obey(const Change& change, ChangeOrder order) {
  if (isOver(change.state)) return no(change, order, "it is over");
  const bool parked = change.state == State::kNeedsOperator;
  switch (order) {
    case ChangeOrder::kPause: {
      if (!mayPause(change.state)) return no(change, order, "others wait for it");
      if (change.paused) return no(change, order, "it is paused");
      ChangeStep step = enter(change.state, "paused by order");
      step.pause = true;
      return step;
    }
    case ChangeOrder::kResume:
      if (parked) {
        return enter(wentForward(change) ? State::kShifting : State::kAborting,
                     "what remained is tried again");
      }
      if (!change.paused) return no(change, order, "it is not paused");
      return enter(change.state, "resumed by order");
    case ChangeOrder::kAbort:
      return abortByOrder(change);
    case ChangeOrder::kResolve:
      if (!parked) return no(change, order, "nothing remains to be done by hand");
      return enter(wentForward(change) ? State::kDraining : State::kAborted,
                   "what remained was done by hand");
  }
  return no(change, order, "there is no such order");
}

Change applied(Change change, const ChangeStep& step, WallTime now) {
  change.paused = step.pause;
  if (step.next_wave) {
    ++change.wave;
    change.block_sent = false;
  }
  const bool again = change.state != State::kScheduled && !step.next_wave && !step.pause;
  if (step.to == State::kPrecheck && again) ++change.round;
  if (step.to == State::kBlocking) change.block_sent = true;
  if (step.to == State::kAborting && change.state != State::kNeedsOperator) {
    change.abort_reason = step.note;
  }
  // Trying again starts with what remained; resolving ends it.
  if (change.state == State::kNeedsOperator) change.remaining.clear();
  for (const std::string& phase : step.remaining) change.remaining.push_back(phase);
  if (step.table == TableWrite::kMove) {
    for (ChangeItem& item : change.items()) item.moved = true;
  }
  change.state = step.to;
  change.note = step.note;
  change.entered = now;
  ++change.steps;
  return change;
}

double staleShare(std::chrono::milliseconds since_commit, std::uint32_t ttl) {
  const auto whole = std::chrono::milliseconds(std::chrono::seconds(ttl));
  if (since_commit >= whole) return 0;
  if (since_commit.count() <= 0) return 1;
  return 1 - static_cast<double>(since_commit.count()) / static_cast<double>(whole.count());
}

}  // namespace meridian::partition
