// Which copies of global zones are read: a part of GET /v1/links, and metrics.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "partition/drc/read_watch.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;

// Calls `visit(zone, primary, copies)` for each zone with a bound of lag.
template <class Visit>
void eachBounded(const ServingView& view, const Visit& visit) {
  const partition::Topology& topology = *view.map.topology;
  for (std::size_t i = 0; i < view.health->reads.size(); ++i) {
    const partition::ReadCopies& copies = view.health->reads[i];
    const partition::Zone& zone = topology.zones[i];
    const auto subject = view.map.table->find(zone.id);
    if (copies.fresh.empty() || !subject) continue;
    visit(zone, view.map.table->assignments[subject->index()].ezone, copies);
  }
}

}  // namespace

Json readsJson(const ServingView& view) {
  Json out = Json::array();
  const auto idOf = [&](partition::EZoneIx ezone) -> const std::string& {
    return view.map.topology->ezones[ezone.index()].id;
  };
  eachBounded(view, [&](const partition::Zone& zone, partition::EZoneIx primary,
                        const partition::ReadCopies& copies) {
    Json rows = Json::array();
    for (std::size_t at = 0; at < copies.fresh.size(); ++at) {
      if (zone.ezones[at] == primary) continue;
      rows.push_back({{"ezone", idOf(zone.ezones[at])}, {"fresh", copies.fresh[at] != 0}});
    }
    const partition::ReadBounds bounds = partition::readBoundsOf(zone);
    out.push_back(
        {{"zone", zone.id},
         {"primary", idOf(primary)},
         {"stale_above_ms", bounds.enter_stale.count()},
         {"fresh_again_ms", bounds.leave_stale.count()},
         {"fallback", readFallbackName(zone.read_fallback)},
         {"copies", std::move(rows)},
         {"least_stale", copies.least_stale ? Json(idOf(*copies.least_stale)) : Json(nullptr)}});
  });
  return out;
}

Metric readMetric(const ServingView& view) {
  Metric out{.name = "meridian_read_copies",
             .help = "Copies of global zones with a bound of lag, by whether they may be read",
             .type = Metric::Type::kGauge,
             .samples = {}};
  eachBounded(view, [&](const partition::Zone& zone, partition::EZoneIx primary,
                        const partition::ReadCopies& copies) {
    std::size_t fresh = 0;
    std::size_t stale = 0;
    for (std::size_t at = 0; at < copies.fresh.size(); ++at) {
      if (zone.ezones[at] == primary) continue;
      ++(copies.fresh[at] != 0 ? fresh : stale);
    }
    out.samples.push_back({{{"zone", zone.id}, {"is", "fresh"}}, static_cast<double>(fresh)});
    out.samples.push_back({{{"zone", zone.id}, {"is", "stale"}}, static_cast<double>(stale)});
  });
  return out;
}

}  // namespace meridian::admin
