#include "partition/drc/read_watch.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace meridian::partition {
namespace {

// The least stale copy stays the one it was until another is so much better: half, and a second.
bool clearlyWorse(std::int64_t lag, std::int64_t best) {
  return lag > best + best / 2 + 1'000;
}

struct StaleCopy {
  EZoneIx ezone;
  std::int64_t lag_ms = 0;
};

}  // namespace

ReadBounds readBoundsOf(const Zone& zone) {
  const std::chrono::milliseconds most(zone.read_max_lag_ms.value_or(0));
  return {most, most * 3 / 5};
}

ReadCopies ReadWatch::lookAt(const Topology& topology, const Zone& zone, EZoneIx primary,
                             const SiteHealth& health, const LinkSource& links) {
  const Datacenter& from = topology.dcOf(primary);
  const auto idOf = [&](EZoneIx ezone) -> const std::string& {
    return topology.ezones[ezone.index()].id;
  };
  ReadCopies out;
  std::vector<StaleCopy> stale;
  for (const EZoneIx ezone : zone.ezones) {
    const Datacenter& to = topology.dcOf(ezone);
    // The primary needs no word; that it was one is none for the time after a switch.
    bool fresh = ezone != primary;
    if (fresh && to.id != from.id) {
      const LinkView link = links.link(from.id, to.id);
      fresh = freshness_.update(zone.id, idOf(ezone), link, readBoundsOf(zone));
      const bool counts = obstacleOf(topology, health, ezone) == RejectedFor::kChosen;
      if (!fresh && counts && link.effective_lag_ms) {
        stale.push_back({ezone, *link.effective_lag_ms});
      }
    }
    out.fresh.push_back(fresh ? 1 : 0);
  }
  const auto best =
      std::min_element(stale.begin(), stale.end(),
                       [](const StaleCopy& a, const StaleCopy& b) { return a.lag_ms < b.lag_ms; });
  if (best == stale.end()) {
    least_stale_.erase(zone.id);
    return out;
  }
  std::string& said = least_stale_[zone.id];
  const auto before = std::find_if(stale.begin(), stale.end(),
                                   [&](const StaleCopy& each) { return idOf(each.ezone) == said; });
  const bool stays = before != stale.end() && !clearlyWorse(before->lag_ms, best->lag_ms);
  out.least_stale = stays ? before->ezone : best->ezone;
  said = idOf(*out.least_stale);
  return out;
}

std::vector<ReadCopies> ReadWatch::look(const Topology& topology, const AssignmentTable& table,
                                        const SiteHealth& health, const LinkSource& links) {
  const auto bounded = [&](std::string_view id) -> const Zone* {
    const auto zone = topology.findZone(id);
    if (!zone) return nullptr;
    const Zone& found = topology.zones[zone->index()];
    return found.read_max_lag_ms ? &found : nullptr;
  };
  freshness_.retain([&](std::string_view zone, std::string_view copy) {
    const Zone* const found = bounded(zone);
    const auto ezone = topology.findEZone(copy);
    return found != nullptr && ezone &&
           std::find(found->ezones.begin(), found->ezones.end(), *ezone) != found->ezones.end();
  });
  std::erase_if(least_stale_, [&](const auto& each) { return bounded(each.first) == nullptr; });
  std::vector<ReadCopies> out;
  for (const Zone& zone : topology.zones) {
    const auto subject = zone.read_max_lag_ms ? table.find(zone.id) : std::nullopt;
    if (subject) {
      const EZoneIx primary = table.assignments[subject->index()].ezone;
      out.push_back(lookAt(topology, zone, primary, health, links));
    } else {
      out.emplace_back();
    }
  }
  return out;
}

}  // namespace meridian::partition
