#include "partition/drc/link_view.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace meridian::partition {
namespace {

constexpr std::array<std::string_view, 7> kStates = {"RUNNING",  "CATCHING_UP", "STALLED", "PAUSED",
                                                     "REBASING", "BROKEN",      "UNKNOWN"};
// By LinkState, how bad it is.
constexpr std::array<int, 7> kSeverity = {0, 1, 4, 3, 2, 5, 6};

}  // namespace

std::string_view freshnessName(Freshness freshness) {
  constexpr std::array<std::string_view, 3> kNames = {"FRESH", "STALE", "UNKNOWN"};
  return kNames[static_cast<std::size_t>(freshness)];
}

std::string_view linkStateName(LinkState state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::optional<LinkState> linkStateOf(std::string_view name) {
  const auto* found = std::find(kStates.begin(), kStates.end(), name);
  if (found == kStates.end()) return std::nullopt;
  return static_cast<LinkState>(std::distance(kStates.begin(), found));
}

LinkState worseState(LinkState a, LinkState b) {
  return kSeverity[static_cast<std::size_t>(a)] < kSeverity[static_cast<std::size_t>(b)] ? b : a;
}

}  // namespace meridian::partition
