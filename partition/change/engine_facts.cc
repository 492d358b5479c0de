// What the engine knows when it asks the machine for the next step.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "partition/change/engine.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;

// domain.md §3b, SHIFTING.
constexpr double kConsumersThere = 0.95;

std::string stringOf(const RuleVerdict& verdict) {
  return fmt::format("{}: {}", verdict.rule, verdict.text);
}

std::string waitingFor(const Hold& hold) {
  return "waits: " + describeHold(hold);
}

}  // namespace

SafetyView ChangeEngine::safetyView(const Change& change, const MapSnapshot& map) const {
  SafetyView view{*map.topology,
                  *map.table,
                  seams_.links,
                  seams_.health(),
                  policy_,
                  seams_.clock.wallNow(),
                  {},
                  {}};
  for (const auto& [number, open] : open_) {
    if (number != change.number) view.others.push_back(&changes_.at(number));
  }
  view.last_move = [this](std::string_view subject) { return lastMove(subject); };
  view.holds = seams_.holds;
  view.load = seams_.load;
  view.fenced = seams_.fenced;
  return view;
}

ChangeFacts ChangeEngine::factsOf(const Change& change, Open& open) {
  const MonotonicTime now = seams_.clock.monotonicNow();
  ChangeFacts facts;
  facts.wall = seams_.clock.wallNow();
  facts.in_state = now - open.entered;
  // What some of the hooks said decides nothing before the last has spoken, but for a veto.
  const bool vetoed = open.hook && open.hook->kind == HookOutcome::Kind::kVetoed;
  if (open.unheard.empty() || vetoed) facts.hook = open.hook;
  if (open.blocked_since) {
    facts.blocked = now - *open.blocked_since;
    const milliseconds jump = (facts.wall - open.wall_at_block) - facts.blocked;
    facts.clock_steady = std::chrono::abs(jump) <= policy_.max_clock_skew;
  }
  if (change.state == ChangeState::kScheduled && change.wait_for_holds) {
    const auto holds = holdsOn(change, safetyView(change));
    if (!holds.empty()) facts.held = waitingFor(*holds.front());
  } else if (change.state == ChangeState::kPrecheck || change.state == ChangeState::kPrepared) {
    addBrokenRules(change, facts);
  } else if (change.state == ChangeState::kCatchingUp) {
    facts.position_known = positionsSince(change, facts.in_state);
    facts.caught_up = caughtUp(change);
  } else if (change.state == ChangeState::kBlocking || change.state == ChangeState::kShifting) {
    facts.behind = consumersBehind(change);
  } else if (change.state == ChangeState::kDraining) {
    facts.stale_measured = measuredStale(change);
  } else if (change.state == ChangeState::kSoaking) {
    watch(change, open, now, facts);
  }
  return facts;
}

void ChangeEngine::addBrokenRules(const Change& change, ChangeFacts& facts) const {
  const SafetyView view = safetyView(change);
  const auto verdicts = change.state == ChangeState::kPrecheck ? checkRules(change, view)
                                                               : checkWatchedRules(change, view);
  if (change.state == ChangeState::kPrecheck && onlyHeld(verdicts)) {
    facts.held = waitingFor(*holdsOn(change, view).front());
  }
  for (const RuleVerdict& verdict : verdicts) {
    if (!stops(verdict)) continue;
    facts.broken.push_back(stringOf(verdict));
    facts.hopeless = facts.hopeless || verdict.hard;
  }
}

bool ChangeEngine::positionsSince(const Change& change, milliseconds in_state) const {
  const Topology& topology = *seams_.map.current().topology;
  return std::all_of(change.items().begin(), change.items().end(), [&](const ChangeItem& item) {
    const std::string from = topology.dcIdOf(item.from);
    const std::string to = topology.dcIdOf(item.to);
    if (from == to) return true;
    const LinkView link = seams_.links.link(from, to);
    return link.src_pos_age_ms && *link.src_pos_age_ms < in_state.count();
  });
}

bool ChangeEngine::caughtUp(const Change& change) const {
  const Topology& topology = *seams_.map.current().topology;
  return std::all_of(change.items().begin(), change.items().end(), [&](const ChangeItem& item) {
    const std::string from = topology.dcIdOf(item.from);
    const std::string to = topology.dcIdOf(item.to);
    return from == to || seams_.links.contains(from, to, item.barrier);
  });
}

// Of those who follow the table, most must have the commit. While nobody may write, those who judge
// writes count, and each of them: routers are not waited for then.
std::string ChangeEngine::consumersBehind(const Change& change) const {
  if (seams_.consumers == nullptr) return {};
  const AssignmentTable& table = *seams_.map.current().table;
  Rev committed = 0;
  for (const ChangeItem& item : change.items()) {
    const auto subject = table.find(item.subject);
    if (subject) committed = std::max(committed, table.assignments[subject->index()].rev);
  }
  const bool nobody_writes = change.state == ChangeState::kBlocking ||
                             change.items().front().kind == SubjectKind::kGlobalZone;
  const ConsumerStanding standing =
      seams_.consumers->standing(committed, nobody_writes, seams_.clock.monotonicNow());
  if (standing.hasShare(nobody_writes ? 1 : kConsumersThere)) return {};
  return fmt::format("{} of {} consumers have not taken up rev {}: {}{}",
                     standing.all - standing.there, standing.all, committed,
                     fmt::join(standing.behind, ", "),
                     standing.all - standing.there > standing.behind.size() ? ", …" : "");
}

std::optional<double> ChangeEngine::measuredStale(const Change& change) const {
  if (seams_.arrivals == nullptr) return std::nullopt;
  const MonotonicTime now = seams_.clock.monotonicNow();
  std::optional<double> worst;
  for (const ChangeItem& item : change.items()) {
    const auto share = seams_.arrivals->share(item.subject, item.from, now);
    if (share) worst = std::max(worst.value_or(0), *share);
  }
  return worst;
}

StaleClients ChangeEngine::staleClients(const Change& change) const {
  if (const auto measured = measuredStale(change)) return {*measured, true};
  return {staleShare(inState(change.number), kPreparedTtl), false};
}

void ChangeEngine::watch(const Change& change, Open& open, MonotonicTime now,
                         ChangeFacts& facts) const {
  for (const RuleVerdict& verdict : checkWatchedRules(change, safetyView(change))) {
    if (stops(verdict) && facts.watch.empty()) facts.watch = stringOf(verdict);
  }
  if (!facts.watch.empty()) {
    open.well_since.reset();
    return;
  }
  if (!open.well_since) open.well_since = now;
  facts.well = now - *open.well_since;
}

}  // namespace meridian::partition
