#include "partition/drc/link_view.h"

namespace meridian::partition {

std::string_view freshnessName(Freshness freshness) {
  switch (freshness) {
    case Freshness::kFresh:
      return "FRESH";
    case Freshness::kStale:
      return "STALE";
    case Freshness::kUnknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

std::string_view linkStateName(LinkState state) {
  switch (state) {
    case LinkState::kRunning:
      return "RUNNING";
    case LinkState::kCatchingUp:
      return "CATCHING_UP";
    case LinkState::kStalled:
      return "STALLED";
    case LinkState::kPaused:
      return "PAUSED";
    case LinkState::kRebasing:
      return "REBASING";
    case LinkState::kBroken:
      return "BROKEN";
    case LinkState::kUnknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

}  // namespace meridian::partition
