#include "partition/moved_places.h"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace meridian::partition {
namespace {

constexpr std::uint64_t kIpv4Addresses = std::uint64_t{1} << 32;

// No overflow: counts are at most 2^48.
bool isAbove(unsigned max_percent, const MovedPlaces& places) {
  return places.moved * 100 > places.of * max_percent;
}

std::optional<MovedPlaces> mostMoved(unsigned max_percent, const ZoneMovement& movement) {
  const PlacementDiff& diff = movement.diff;
  const std::array kinds = {
      MovedPlaces{movement.zone, "pois", diff.pois, diff.pois_compared},
      MovedPlaces{movement.zone, "cities", diff.cities, diff.cities_compared},
      MovedPlaces{movement.zone, "ipv4_addresses", diff.ipv4_addresses, kIpv4Addresses},
      MovedPlaces{movement.zone, "ipv6_48s", diff.ipv6_48s, diff.ipv6_48s_placed},
  };
  std::optional<MovedPlaces> most;
  for (const MovedPlaces& each : kinds) {
    if (!isAbove(max_percent, each)) continue;
    if (!most || each.percent() > most->percent()) most = each;
  }
  return most;
}

}  // namespace

std::string MovedPlaces::text() const {
  if (kind == "all") return fmt::format("zone {}: it goes away, with all of its places", zone);
  return fmt::format("zone {}: {} of {} {} ({:.2f} %)", zone, moved, of, kind, percent());
}

std::vector<MovedPlaces> movedAbove(unsigned max_percent, const Topology& before,
                                    const Topology& after,
                                    const std::vector<ZoneMovement>& movements) {
  std::vector<MovedPlaces> out;
  for (const ZoneMovement& movement : movements) {
    if (auto most = mostMoved(max_percent, movement)) out.push_back(std::move(*most));
  }
  for (const Zone& zone : before.zones) {
    MovedPlaces all{zone.id, "all", 1, 1};
    if (!after.findZone(zone.id) && isAbove(max_percent, all)) out.push_back(std::move(all));
  }
  return out;
}

}  // namespace meridian::partition
