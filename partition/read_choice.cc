#include "partition/read_choice.h"

#include <algorithm>

namespace meridian::partition {

ReadChoice::ReadChoice(const Topology& topology, ZoneIx zone, const SiteHealth& health,
                       EZoneIx primary)
    : topology_(topology), zone_(topology.zones[zone.index()]), health_(health), primary_(primary) {
  const bool bounded =
      zone.index() < health.reads.size() && !health.reads[zone.index()].fresh.empty();
  if (!bounded) return;
  copies_ = &health.reads[zone.index()];
  if (copies_->least_stale && usable(*copies_->least_stale)) least_stale_ = copies_->least_stale;
  const bool any_fresh = std::any_of(zone_.ezones.begin(), zone_.ezones.end(), [&](EZoneIx ezone) {
    return ezone != primary_ && usable(ezone) && fresh(ezone);
  });
  spares_primary_ =
      zone_.read_fallback == ReadFallback::kLeastStale && !any_fresh && least_stale_.has_value();
}

bool ReadChoice::usable(EZoneIx ezone) const {
  return obstacleOf(topology_, health_, ezone) == RejectedFor::kChosen;
}

bool ReadChoice::fresh(EZoneIx ezone) const {
  if (copies_ == nullptr || ezone == primary_) return true;
  const auto at = std::find(zone_.ezones.begin(), zone_.ezones.end(), ezone);
  return at != zone_.ezones.end() &&
         copies_->fresh[static_cast<std::size_t>(at - zone_.ezones.begin())] != 0;
}

EZoneIx ReadChoice::choose(const std::vector<EZoneIx>& order) const {
  const auto near =
      std::find_if(order.begin(), order.end(), [&](EZoneIx ezone) { return usable(ezone); });
  if (near == order.end()) return primary_;
  if (spares_primary_) return *near == primary_ ? primary_ : *least_stale_;
  const auto readable =
      std::find_if(near, order.end(), [&](EZoneIx ezone) { return usable(ezone) && fresh(ezone); });
  if (readable != order.end()) return *readable;
  return least_stale_.value_or(*near);
}

std::vector<Verdict> ReadChoice::verdicts(const std::vector<EZoneIx>& order) const {
  const EZoneIx chosen = choose(order);
  std::vector<Verdict> out;
  for (const EZoneIx ezone : order) {
    RejectedFor why = obstacleOf(topology_, health_, ezone);
    if (ezone == chosen) {
      why = RejectedFor::kChosen;
    } else if (why == RejectedFor::kChosen) {
      why = !fresh(ezone)                          ? RejectedFor::kStale
            : spares_primary_ && ezone == primary_ ? RejectedFor::kSpared
                                                   : RejectedFor::kFarther;
    }
    out.push_back({ezone, why});
  }
  return out;
}

}  // namespace meridian::partition
