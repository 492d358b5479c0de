#include "partition/ha/ha_signals.h"

#include <algorithm>

namespace meridian::partition {
namespace {

bool isOfSite(HaEventType type) {
  return type != HaEventType::kWriteBlocked && type != HaEventType::kWriteUnblocked &&
         type != HaEventType::kHeartbeat;
}

// Whether `next` says the same as `last`: a site that is first cut off and then called failed has
// been away since the first word.
bool goesOn(HaEventType last, HaEventType next) {
  if (!isOfSite(next)) return last == next;
  return (last == HaEventType::kDcRecovered) == (next == HaEventType::kDcRecovered);
}

}  // namespace

SignalBoard::Key SignalBoard::keyOf(const HaEvent& event) {
  switch (event.type) {
    case HaEventType::kDcIsolated:
    case HaEventType::kDcRecovered:
      return {event.from.dc, Topic::kSite, {}};
    case HaEventType::kWriteBlocked:
    case HaEventType::kWriteUnblocked:
      return {event.from.dc, Topic::kWrites, event.cluster};
    case HaEventType::kHeartbeat:
      return {event.from.dc, Topic::kAlive, event.cluster};
    case HaEventType::kFailureDetected:
    case HaEventType::kSwitchRequest:
    case HaEventType::kSwitchStarted:
    case HaEventType::kSwitchCompleted:
    case HaEventType::kSwitchFailed:
      break;
  }
  // The failure of a whole site is undone by its recovery, whoever says so; that of a cluster is
  // its own.
  if (event.scope == HaScope::kDc) return {event.from.dc, Topic::kSite, {}};
  return {event.from.dc, Topic::kFailure, event.cluster};
}

SignalBoard::Taken SignalBoard::record(const HaEvent& event) {
  const MonotonicTime now = clock_.monotonicNow();
  std::erase_if(signals_, [&](const auto& each) { return each.second.ends <= now; });
  Key key = keyOf(event);
  const auto found = signals_.find(key);
  if (found == signals_.end() && signals_.size() >= kMaxSignals) return Taken::kTooMany;
  HaSignal signal{event.type,        event.scope,       event.from.dc,
                  event.cluster,     event.event_id,    event.subjects,
                  event.occurred_at, event.occurred_at, {}};
  if (found != signals_.end()) {
    if (event.occurred_at < found->second.occurred_at) return Taken::kOutdated;
    if (goesOn(found->second.type, event.type)) signal.since = found->second.since;
  }
  signal.ends = now + std::min<std::chrono::milliseconds>(event.expires_at - clock_.wallNow(),
                                                          kMaxSignalLife);
  signals_.insert_or_assign(std::move(key), std::move(signal));
  return Taken::kNew;
}

std::optional<HaSignal> SignalBoard::failed(std::string_view dc) const {
  const auto found = signals_.find(Key{std::string(dc), Topic::kSite, {}});
  if (found == signals_.end() || found->second.ends <= clock_.monotonicNow()) return std::nullopt;
  if (found->second.type == HaEventType::kDcRecovered) return std::nullopt;
  return found->second;
}

std::optional<HaSignal> SignalBoard::fenced(std::string_view dc, std::string_view subject) const {
  const MonotonicTime now = clock_.monotonicNow();
  for (const auto& [key, signal] : signals_) {
    if (signal.type != HaEventType::kWriteBlocked || signal.dc != dc || signal.ends <= now)
      continue;
    const bool named =
        std::find(signal.subjects.begin(), signal.subjects.end(), subject) != signal.subjects.end();
    if (named || signal.scope == HaScope::kDc) return signal;
  }
  return std::nullopt;
}

std::vector<HaSignal> SignalBoard::all() const {
  std::vector<HaSignal> out;
  const MonotonicTime now = clock_.monotonicNow();
  for (const auto& [key, signal] : signals_) {
    if (signal.ends > now) out.push_back(signal);
  }
  return out;
}

}  // namespace meridian::partition
