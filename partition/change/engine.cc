#include "partition/change/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using State = ChangeState;

// More transitions than a wave has states would be a loop.
constexpr int kMaxStepsAtOnce = 24;

// The worse of two outcomes of one phase.
HookOutcome worse(HookOutcome a, HookOutcome b) {
  const auto rank = [](const HookOutcome& outcome) {
    switch (outcome.kind) {
      case HookOutcome::Kind::kAllowed:
        return 0;
      case HookOutcome::Kind::kDeferred:
        return 1;
      case HookOutcome::Kind::kFailed:
        return outcome.park ? 2 : 3;
      case HookOutcome::Kind::kVetoed:
        return 4;
    }
    return 4;
  };
  return rank(a) >= rank(b) ? std::move(a) : std::move(b);
}

// Hooks are asked for each subject, and anew when a wave starts again: the keys of their answers
// must not be the same.
std::string hookCallId(const Change& change, const ChangeItem& item) {
  std::string id = changeId(change.number);
  if (change.round > 1) id += fmt::format(".{}", change.round);
  const bool alone = change.waves.size() == 1 && change.items().size() == 1;
  return alone ? id : id + "/" + item.subject;
}

std::uint8_t slotOfEZone(const Topology& topology, const std::string& ezone) {
  const auto found = topology.findEZone(ezone);
  return found ? topology.ezones[found->index()].slot : std::uint8_t{0};
}

}  // namespace

Result<std::unique_ptr<ChangeEngine>> ChangeEngine::open(std::shared_ptr<KvStore> store,
                                                         ChangePolicy policy, ChangeSeams seams) {
  if (const auto problems = policyProblems(policy); !problems.empty()) {
    return fail(ErrorKind::kInvalid, "change: " + problems.front());
  }
  // Not make_unique: the constructor is private.
  std::unique_ptr<ChangeEngine> engine(
      new ChangeEngine(std::move(store), std::move(policy), std::move(seams)));
  Result<std::vector<Change>> stored = engine->store_.load();
  if (!stored) return tl::unexpected(stored.error());
  for (Change& change : *stored) {
    engine->next_number_ = change.number + 1;
    for (const auto& wave : change.waves) {
      for (const ChangeItem& item : wave) {
        if (!item.moved) continue;
        LastMove& last = engine->last_moves_[item.subject];
        last = {change.entered, item.from, item.to};
      }
    }
    if (!isOver(change.state)) engine->open_.emplace(change.number, Open{});
    engine->changes_.emplace(change.number, std::move(change));
  }
  if (Status found = engine->openForwarders(); !found) return tl::unexpected(found.error());
  return engine;
}

Status ChangeEngine::openForwarders() {
  struct Commit {
    WallTime at{};
    const Change* change = nullptr;
    std::size_t wave = 0;
  };
  std::vector<Commit> commits;
  const WallTime now = seams_.clock.wallNow();
  for (const auto& [number, change] : changes_) {
    // Its commits were before it came to the state it is in.
    if (change.entered + Forwarders::kFor <= now) continue;
    const auto lines = store_.log(number);
    if (!lines) return tl::unexpected(lines.error());
    for (const auto& [wave, at] : commitsIn(*lines)) {
      if (wave < change.waves.size()) commits.push_back({at, &change, wave});
    }
  }
  std::stable_sort(commits.begin(), commits.end(),
                   [](const Commit& a, const Commit& b) { return a.at < b.at; });
  for (const Commit& each : commits) forwarders_.committed(*each.change, each.wave, each.at);
  forwarders_.expire(now);
  return {};
}

ChangeEngine::ChangeEngine(std::shared_ptr<KvStore> store, ChangePolicy policy, ChangeSeams seams)
    : store_(std::move(store)), policy_(std::move(policy)), seams_(std::move(seams)) {}

ChangeEngine::~ChangeEngine() = default;

void ChangeEngine::resume() {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, open] : open_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) {
    if (store_failed_) return;
    open_[number].entered = seams_.clock.monotonicNow();
    if (const auto step = recover(changes_.at(number))) {
      take(number, *step, "");
    } else {
      entered(number);
    }
    settle(number);
  }
}

void ChangeEngine::tick() {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, open] : open_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) settle(number);
}

MapResult<ChangePlan> ChangeEngine::judge(const ChangeRequest& request,
                                          const MapSnapshot& map) const {
  MapResult<Change> change = planChange(request, map, policy_, seams_.clock.wallNow());
  if (!change) return tl::unexpected(change.error());
  ChangePlan plan;
  plan.verdicts = checkRules(*change, safetyView(*change, map));
  plan.accepted = std::none_of(plan.verdicts.begin(), plan.verdicts.end(), stops);
  plan.change = std::move(*change);
  return plan;
}

MapResult<ChangePlan> ChangeEngine::start(const ChangeRequest& request) {
  MapResult<Change> change =
      planChange(request, seams_.map.current(), policy_, seams_.clock.wallNow());
  if (!change) return tl::unexpected(change.error());
  return takeUp(std::move(*change), request.dry_run);
}

MapResult<ChangePlan> ChangeEngine::rollback(std::uint64_t number, ChangeMode mode,
                                             const std::string& reason, const std::string& actor,
                                             bool dry_run) {
  const Change* change = find(number);
  if (change == nullptr) {
    return refuse(ErrorKind::kNotFound, "unknown-change",
                  fmt::format("there is no change {}", changeId(number)));
  }
  MapResult<Change> undo = planUndo(*change, ChangeKind::kRollback, mode, reason, actor,
                                    seams_.map.current(), policy_, seams_.clock.wallNow());
  if (!undo) return tl::unexpected(undo.error());
  if (!isOver(change->state) && !dry_run) {
    if (auto stopped = order(number, ChangeOrder::kAbort, actor); !stopped) {
      return tl::unexpected(stopped.error());
    }
  }
  return takeUp(std::move(*undo), dry_run);
}

MapResult<ChangePlan> ChangeEngine::takeUp(Change change, bool dry_run) {
  ChangePlan plan;
  const SafetyView view = safetyView(change);
  plan.verdicts = checkRules(change, view);
  const bool held = change.wait_for_holds && !holdsOn(change, view).empty();
  const bool later = held || (change.not_before && *change.not_before > seams_.clock.wallNow());
  // A later start is judged at its time.
  const bool stopped = std::any_of(plan.verdicts.begin(), plan.verdicts.end(), stops);
  if (dry_run || (stopped && !later)) {
    plan.change = std::move(change);
    plan.accepted = dry_run && !stopped;
    return plan;
  }
  if (store_failed_) {
    return refuse(ErrorKind::kUnavailable, "store",
                  "the store failed; changes go on after a restart");
  }
  if (open_.size() >= kMaxOpen) {
    return refuse(ErrorKind::kTooLarge, "too-many-changes",
                  fmt::format("{} changes are open already", kMaxOpen));
  }
  forgetOldest();
  change.number = next_number_;
  change.state = later ? State::kScheduled : State::kPrecheck;
  change.steps = 1;
  const Status written = store_.write(ChangeStore::transition(change, change.actor));
  if (!written) {
    storeBroke(written.error());
    return tl::unexpected(MapError{written.error()});
  }
  for (const RuleOverride& each : change.overrides) {
    logWarn("rule_overridden", {{"change", changeId(change.number)},
                                {"rule", each.rule},
                                {"actor", change.actor},
                                {"reason", each.reason}});
  }
  const std::uint64_t number = next_number_++;
  plan.change = change;
  plan.accepted = true;
  changes_.emplace(number, std::move(change));
  open_.emplace(number, Open{});
  entered(number);
  return plan;
}

MapResult<Change> ChangeEngine::order(std::uint64_t number, ChangeOrder order,
                                      const std::string& actor) {
  const Change* change = find(number);
  if (change == nullptr) {
    return refuse(ErrorKind::kNotFound, "unknown-change",
                  fmt::format("there is no change {}", changeId(number)));
  }
  const Result<ChangeStep> step = obey(*change, order);
  if (!step) {
    return refuse(step.error().kind, "state", step.error().message);
  }
  if (!take(number, *step, actor)) {
    return refuse(ErrorKind::kUnavailable, "store",
                  "the store failed; changes go on after a restart");
  }
  settle(number);
  return changes_.at(number);
}

const Change* ChangeEngine::find(std::uint64_t number) const {
  const auto found = changes_.find(number);
  return found == changes_.end() ? nullptr : &found->second;
}

std::vector<const Change*> ChangeEngine::list(bool open_only) const {
  std::vector<const Change*> changes;
  for (auto at = changes_.rbegin(); at != changes_.rend(); ++at) {
    if (!open_only || !isOver(at->second.state)) changes.push_back(&at->second);
  }
  return changes;
}

std::string ChangeEngine::activeChange(std::string_view subject) const {
  for (const auto& [number, open] : open_) {
    const Change& change = changes_.at(number);
    if (change.state == State::kScheduled) continue;
    for (const auto& wave : change.waves) {
      for (const ChangeItem& item : wave) {
        if (item.subject == subject) return changeId(number);
      }
    }
  }
  return {};
}

std::chrono::milliseconds ChangeEngine::inState(std::uint64_t number) const {
  const auto found = open_.find(number);
  if (found == open_.end()) return {};
  return seams_.clock.monotonicNow() - found->second.entered;
}

void ChangeEngine::settle(std::uint64_t number) {
  for (int i = 0; i < kMaxStepsAtOnce && !store_failed_; ++i) {
    const auto open = open_.find(number);
    if (open == open_.end()) return;
    const Change& change = changes_.at(number);
    const ChangeFacts facts = factsOf(change, open->second);
    const auto step = advance(change, facts, policy_);
    if (!step) return;
    if (facts.stale_measured.value_or(0) >= kDrainedShare) {
      logWarn("drain_incomplete", {{"change", changeId(number)}, {"why", step->note}});
    }
    if (!take(number, *step, "")) return;
  }
}

bool ChangeEngine::take(std::uint64_t number, const ChangeStep& step, const std::string& actor) {
  const Change change = changes_.at(number);
  Change next = applied(change, step, seams_.clock.wallNow());
  const bool takes_position = step.to == State::kCatchingUp && change.state == State::kCatchingUp;
  if (takes_position || step.table == TableWrite::kMove) {
    next = withPositions(std::move(next));
  }
  const ChangeCommit commit = commitOf(change, next, step, actor);
  if (commit.steps.empty()) {
    const Status written = store_.write(transitionOf(next, actor));
    if (!written) {
      storeBroke(written.error());
      return false;
    }
  } else if (const auto committed = seams_.map.commitChange(commit); !committed) {
    const Error& error = committed.error().error;
    // Nobody else may touch what an open change holds (activeChange), so that a refusal to give it
    // back would mean that map and changes do not fit together.
    const bool gives_back = step.table == TableWrite::kOpen || step.table == TableWrite::kRelease;
    if (gives_back || error.kind == ErrorKind::kIo || error.kind == ErrorKind::kCorrupt) {
      storeBroke(error);
      return false;
    }
    // The map knows better than the plan: that ends the wave.
    ChangeStep instead{.to = State::kAborting, .note = error.message};
    if (change.state != State::kPrecheck) instead.table = TableWrite::kRelease;
    return take(number, instead, actor);
  }
  dropOpenHooks(change);
  changes_.at(number) = std::move(next);
  entered(number);
  return true;
}

// What the state that is left still waited for.
void ChangeEngine::dropOpenHooks(const Change& change) {
  const auto phase = gatingPhase(change.state);
  if (!phase || open_.at(change.number).unheard.empty()) return;
  for (const ChangeItem& item : change.items()) {
    seams_.hooks.cancel(hookCallId(change, item), *phase);
  }
}

Change ChangeEngine::withPositions(Change change) const {
  const Topology& topology = *seams_.map.current().topology;
  for (ChangeItem& item : change.items()) {
    const LinkView link = seams_.links.link(topology.dcIdOf(item.from), topology.dcIdOf(item.to));
    if (change.state == State::kCatchingUp) {
      // Two rooms of one site share their data: there is nothing to wait for.
      item.barrier = link.src_pos.empty() ? "none" : link.src_pos;
    }
    if (change.mode == ChangeMode::kEmergency) item.lost_ms = link.effective_lag_ms;
  }
  return change;
}

ChangeCommit ChangeEngine::commitOf(const Change& change, Change& next, const ChangeStep& step,
                                    const std::string& actor) const {
  ChangeCommit commit;
  commit.change_id = changeId(change.number);
  commit.reason = change.reason;
  commit.actor = change.actor;
  if (step.table == TableWrite::kNone) return commit;
  for (const ChangeItem& item : change.items()) {
    SubjectStep to{.subject = item.subject, .expected_epoch = item.epoch};
    switch (step.table) {
      case TableWrite::kPrepare:
        to.prepared = true;
        break;
      case TableWrite::kBlock:
        to.prepared = true;
        to.write_state = WriteState::kBlocked;
        to.block_expires = seams_.clock.wallNow() + policy_.block_lease;
        break;
      case TableWrite::kMove:
        to.to = item.to;
        // An emergency takes over whatever the old owner is doing: epochs decide, not blocks.
        if (item.kind == SubjectKind::kGlobalZone) to.write_state = WriteState::kSwitching;
        break;
      case TableWrite::kRelease:
        to.raise_epoch = change.block_sent;
        break;
      case TableWrite::kOpen:
      case TableWrite::kNone:
        break;
    }
    commit.steps.push_back(std::move(to));
  }
  const bool moves = step.table == TableWrite::kMove;
  commit.companions = [&next, moves, actor](const ChangeCommitted& committed) {
    for (std::size_t i = 0; i < committed.epochs.size(); ++i) {
      ChangeItem& item = next.items()[i];
      if (moves) item.epoch_before = item.epoch;
      item.epoch = committed.epochs[i];
    }
    return ChangeStore::transition(next, actor);
  };
  return commit;
}

std::vector<StoreWrite> ChangeEngine::transitionOf(const Change& change, const std::string& actor) {
  std::vector<StoreWrite> writes = ChangeStore::transition(change, actor);
  if (change.state != State::kDone || !change.expires_at || change.undoes) return writes;
  // What goes back by itself is planned in the very batch that ends the change.
  std::optional<Change> revert = revertOf(change);
  if (!revert) return writes;
  for (StoreWrite& write : ChangeStore::transition(*revert, "")) {
    writes.push_back(std::move(write));
  }
  return writes;
}

std::optional<Change> ChangeEngine::revertOf(const Change& done) {
  MapResult<Change> revert =
      planUndo(done, ChangeKind::kRevert, ChangeMode::kPlanned,
               fmt::format("{} expired: {}", changeId(done.number), done.reason).substr(0, 512),
               done.actor, seams_.map.current(), policy_, seams_.clock.wallNow());
  if (!revert) {
    logWarn("change_will_not_revert",
            {{"change", changeId(done.number)}, {"why", revert.error().error.message}});
    return std::nullopt;
  }
  revert->number = next_number_;
  revert->not_before = done.expires_at;
  revert->state = State::kScheduled;
  revert->note = "waits until the change before it expires";
  revert->steps = 1;
  return std::move(*revert);
}

void ChangeEngine::entered(std::uint64_t number) {
  const Change& change = changes_.at(number);
  Open& open = open_.at(number);
  const MonotonicTime now = seams_.clock.monotonicNow();
  open.entered = now;
  open.hook.reset();
  open.unheard.clear();
  open.well_since.reset();
  if (change.state == State::kBlocking) {
    open.blocked_since = now;
    open.wall_at_block = seams_.clock.wallNow();
  } else if (!change.block_sent || isCommitted(change.state)) {
    open.blocked_since.reset();
  }
  if (change.state == State::kShifting) {
    for (const ChangeItem& item : change.items()) {
      last_moves_[item.subject] = {seams_.clock.wallNow(), item.from, item.to};
    }
    forwarders_.expire(seams_.clock.wallNow());
    forwarders_.committed(change, change.wave, change.entered);
    notePassedHolds(change);
  }
  callHooks(change, open);
  if (change.state == State::kDone && change.expires_at && !change.undoes) {
    // Its stored form went with the batch that ended this change (transitionOf).
    if (std::optional<Change> revert = revertOf(change)) {
      open_.emplace(next_number_, Open{.entered = now});
      changes_.emplace(next_number_++, std::move(*revert));
    }
  }
  logInfo("change", {{"id", changeId(number)},
                     {"state", std::string(changeStateName(change.state))},
                     {"note", change.note}});
  if (isOver(change.state)) open_.erase(number);
  if (told_) told_(change);
}

// Who held what has moved all the same reads it in the hold; the hooks were told too (HookCall).
void ChangeEngine::notePassedHolds(const Change& change) {
  if (seams_.holds == nullptr) return;
  std::vector<std::uint64_t> ids;
  for (const Hold* hold : holdsOn(change, safetyView(change))) ids.push_back(hold->id);
  if (Status noted = seams_.holds->passed(ids, changeId(change.number)); !noted) {
    storeBroke(noted.error());
  }
}

void ChangeEngine::callHooks(const Change& change, Open& open) {
  for (const HookPhase phase : notices(change.state)) {
    for (const ChangeItem& item : change.items()) {
      seams_.hooks.run(hookCall(change, item, phase), [](const HookOutcome&) {});
    }
  }
  const auto phase = gatingPhase(change.state);
  // A paused one asks when it goes on.
  if (!phase || change.paused) return;
  if (change.state == State::kAborting && !change.block_sent) return;
  for (std::size_t i = 0; i < change.items().size(); ++i) open.unheard.insert(i);
  for (std::size_t i = 0; i < change.items().size(); ++i) {
    seams_.hooks.run(hookCall(change, change.items()[i], *phase),
                     [anchor = std::weak_ptr<ChangeEngine*>(anchor_), number = change.number,
                      step = change.steps, i](HookOutcome outcome) {
                       if (const auto alive = anchor.lock()) {
                         (*alive)->heard(number, step, i, std::move(outcome));
                       }
                     });
  }
}

HookCall ChangeEngine::hookCall(const Change& change, const ChangeItem& item,
                                HookPhase phase) const {
  const MapSnapshot& map = seams_.map.current();
  HookCall call;
  call.change_id = hookCallId(change, item);
  call.phase = phase;
  call.subject = item.subject;
  call.kind = changeKindName(change.kind);
  call.mode = changeModeName(change.mode);
  call.from = item.from;
  call.to = item.to;
  call.from_dc = map.topology->dcIdOf(item.from);
  call.to_dc = map.topology->dcIdOf(item.to);
  call.epoch_old = item.moved ? item.epoch_before : item.epoch;
  call.epoch_new =
      item.moved ? item.epoch : nextEpoch(item.epoch, slotOfEZone(*map.topology, item.to));
  call.rev = map.table->rev;
  call.barrier = item.barrier;
  call.lag_ms = seams_.links.link(map.topology->dcIdOf(item.from), map.topology->dcIdOf(item.to))
                    .effective_lag_ms;
  call.budget = phaseBudget(phase, policy_);
  call.deadline = seams_.clock.wallNow() + call.budget;
  call.emergency = change.mode == ChangeMode::kEmergency;
  if (seams_.holds != nullptr) {
    const HeldMove move{item.subject, item.zone, call.from_dc, call.to_dc};
    for (const Hold* hold : seams_.holds->on(move, seams_.clock.wallNow())) {
      call.holds.push_back(describeHold(*hold));
    }
  }
  return call;
}

void ChangeEngine::heard(std::uint64_t number, std::uint64_t step, std::size_t item,
                         HookOutcome outcome) {
  const auto open = open_.find(number);
  // An answer to a state that has passed says nothing any more, nor does one that came before.
  if (open == open_.end() || changes_.at(number).steps != step ||
      open->second.unheard.erase(item) == 0) {
    return;
  }
  Open& waiting = open->second;
  // A veto ends the wait at once; all others wait for the last.
  HookOutcome so_far =
      waiting.hook ? worse(std::move(*waiting.hook), std::move(outcome)) : std::move(outcome);
  const bool decided = waiting.unheard.empty() || so_far.kind == HookOutcome::Kind::kVetoed;
  waiting.hook = std::move(so_far);
  if (decided) {
    settle(number);
  }
}

void ChangeEngine::storeBroke(const Error& error) {
  store_failed_ = true;
  logError("changes_stopped", {{"why", error.message},
                               {"next", "restart the server: what the store has is what goes on"}});
}

void ChangeEngine::forgetOldest() {
  if (changes_.size() < ChangeStore::kKept) return;
  const auto oldest = std::find_if(changes_.begin(), changes_.end(),
                                   [](const auto& each) { return isOver(each.second.state); });
  if (oldest == changes_.end()) return;
  const auto writes = store_.removal(oldest->first);
  const Status removed = writes ? store_.write(*writes) : tl::unexpected(writes.error());
  if (!removed) {
    storeBroke(removed.error());
    return;
  }
  forwarders_.forget(oldest->first);
  changes_.erase(oldest);
}

std::optional<LastMove> ChangeEngine::lastMove(std::string_view subject) const {
  const auto found = last_moves_.find(subject);
  if (found == last_moves_.end()) return std::nullopt;
  return found->second;
}

}  // namespace meridian::partition
