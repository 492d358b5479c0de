#include "partition/load/balance_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"

namespace meridian::partition {
namespace {

constexpr std::array<std::string_view, 3> kModeNames = {"off", "advise", "auto"};

bool isRound(const Change& change) {
  return change.actor == BalanceService::kActor && change.kind == ChangeKind::kShift;
}

std::string reasonOf(const BalanceRound& round) {
  return "balance: " + round.text;
}

}  // namespace

std::string_view balanceModeName(BalanceMode mode) {
  return kModeNames[static_cast<std::size_t>(mode)];
}

std::optional<BalanceMode> balanceModeOf(std::string_view name) {
  const auto* found = std::find(kModeNames.begin(), kModeNames.end(), name);
  if (found == kModeNames.end()) return std::nullopt;
  return static_cast<BalanceMode>(found - kModeNames.begin());
}

void BalanceService::tick() {
  book_.forget(seams_.clock.monotonicNow());
  if (mode_ == BalanceMode::kOff) return;
  // Held here: a round that begins may publish the next map.
  const MapSnapshot map = seams_.map.current();
  const auto health = seams_.health();
  const LoadPicture picture = seams_.load.picture(*map.topology, *map.table);
  const std::size_t rounds = roundsLastHour();
  bool began = roundOpen();
  std::map<std::string, ZoneBalance> next;
  for (std::size_t i = 0; i < map.topology->zones.size(); ++i) {
    const Zone& zone = map.topology->zones[i];
    if (zone.kind != ZoneKind::kSharding) continue;
    const ZoneIx index(static_cast<std::uint16_t>(i));
    const BalanceHistory history = historyOf(zone, rounds);
    const BalanceView view{
        *map.topology, *map.table, picture, seams_.links, *health, history, seams_.clock.wallNow()};
    const MonotonicTime now = seams_.clock.monotonicNow();
    const auto known = zones_.find(zone.id);
    ZoneBalance balance = known == zones_.end() ? ZoneBalance{} : known->second;
    balance.state = observed(balance.state, spreadOf(view, index), now, policy_);
    balance.round = proposeRound(view, index, balance.state, now, policy_);
    balance.at = view.now;
    if (mode_ == BalanceMode::kAuto && !began && !balance.round.moves.empty()) {
      begin(zone.id, balance);
      began = balance.refused.empty();
    } else {
      balance.refused.clear();
    }
    next.emplace(zone.id, std::move(balance));
  }
  zones_ = std::move(next);
}

std::vector<const Change*> BalanceService::rounds() const {
  std::vector<const Change*> out;
  for (const Change* change : seams_.changes.list(false)) {
    if (isRound(*change) && out.size() < kShownRounds) out.push_back(change);
  }
  return out;
}

std::size_t BalanceService::roundsLastHour() const {
  const WallTime now = seams_.clock.wallNow();
  const auto changes = seams_.changes.list(false);
  return static_cast<std::size_t>(
      std::count_if(changes.begin(), changes.end(), [&](const Change* change) {
        return isRound(*change) && now - change->created < std::chrono::hours(1);
      }));
}

bool BalanceService::roundOpen() const {
  const auto open = seams_.changes.list(true);
  return std::any_of(open.begin(), open.end(), [](const Change* each) { return isRound(*each); });
}

BalanceHistory BalanceService::historyOf(const Zone& zone, std::size_t rounds) const {
  BalanceHistory history;
  history.rounds_last_hour = rounds;
  for (const Change* change : seams_.changes.list(true)) {
    for (const auto& wave : change->waves) {
      for (const ChangeItem& item : wave) {
        if (item.zone != zone.id) continue;
        history.held.insert(item.subject);
        // What is scheduled holds its own partitions, and lets the zone be.
        if (change->state != ChangeState::kScheduled) history.zone_changing = true;
      }
    }
  }
  return history;
}

void BalanceService::begin(const std::string& zone, ZoneBalance& balance) {
  const std::string before = std::exchange(balance.refused, std::string());
  ChangeRequest request;
  request.mode = ChangeMode::kGradual;
  request.actor = std::string(kActor);
  request.reason = reasonOf(balance.round);
  for (const BalanceMove& move : balance.round.moves) {
    request.targets.push_back({move.partition, move.to, {}});
  }
  const auto plan = seams_.changes.start(request);
  if (!plan) {
    balance.refused = plan.error().error.message;
  } else if (!plan->accepted) {
    const auto verdict = std::find_if(plan->verdicts.begin(), plan->verdicts.end(), stops);
    balance.refused = fmt::format("{}: {}", verdict->rule, verdict->text);
  }
  if (balance.refused.empty()) {
    logInfo("balance_round", {{"zone", zone},
                              {"change", changeId(plan->change.number)},
                              {"moves", std::to_string(balance.round.moves.size())},
                              {"why", balance.round.text}});
  } else if (before.empty()) {
    // Once: it is asked again every few seconds, and the text may have numbers in it.
    logWarn("balance_round_refused", {{"zone", zone}, {"why", balance.refused}});
  }
}

}  // namespace meridian::partition
