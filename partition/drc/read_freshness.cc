#include "partition/drc/read_freshness.h"

namespace meridian::partition {

bool ReadFreshness::update(std::string_view zone, std::string_view copy, const LinkView& link,
                           const ReadBounds& bounds) {
  bool& usable = usable_[{std::string(zone), std::string(copy)}];
  if (link.state == LinkState::kRebasing) return usable;
  const auto bound = usable ? bounds.enter_stale : bounds.leave_stale;
  usable = link.effective_lag_ms && *link.effective_lag_ms <= bound.count();
  return usable;
}

bool ReadFreshness::usable(std::string_view zone, std::string_view copy) const {
  const auto found = usable_.find({std::string(zone), std::string(copy)});
  return found != usable_.end() && found->second;
}

}  // namespace meridian::partition
