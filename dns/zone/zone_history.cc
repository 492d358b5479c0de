#include "dns/zone/zone_history.h"

#include <algorithm>
#include <utility>

namespace meridian::dns {

ZoneHistory::ZoneHistory(std::vector<Step> steps, std::size_t max_bytes)
    : steps_(std::move(steps)) {
  std::size_t bytes = 0;
  std::size_t kept = 0;
  for (; kept < std::min(steps_.size(), kMaxSteps); ++kept) {
    const Step& step = steps_[steps_.size() - 1 - kept];
    bytes += step->bytes();
    const bool leads_on = kept == 0 || step->to() == steps_[steps_.size() - kept]->from();
    if (bytes > max_bytes || !leads_on) break;
  }
  steps_.erase(steps_.begin(), steps_.end() - static_cast<std::ptrdiff_t>(kept));
}

ZoneHistory ZoneHistory::with(Step step, std::size_t max_bytes) const {
  std::vector<Step> steps = steps_;
  steps.push_back(std::move(step));
  return {std::move(steps), max_bytes};
}

std::optional<std::span<const ZoneHistory::Step>> ZoneHistory::since(std::uint32_t serial) const {
  // The last one: a serial that came round again counts from its latest time.
  const auto found = std::find_if(steps_.rbegin(), steps_.rend(),
                                  [&](const Step& step) { return step->from() == serial; });
  if (found == steps_.rend()) return std::nullopt;
  return std::span(steps_).last(static_cast<std::size_t>(found - steps_.rbegin()) + 1);
}

}  // namespace meridian::dns
