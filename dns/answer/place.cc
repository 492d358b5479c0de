#include "dns/answer/place.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/byte_reader.h"

namespace meridian::dns {

std::uint8_t sharedScope(const ClientPlace& place, const Query& query) noexcept {
  if (place.sharer != &query.edns.subnet.address) return place.scope;
  return std::max(place.scope, partition::stickyBits(place.sharer->family()));
}

ClientPlace placeOf(const Query& query, const Client& client, const ServingState& state,
                    const partition::Placement& placement) noexcept {
  ClientPlace place;
  const ClientSubnet& subnet = query.edns.subnet;
  std::optional<partition::Placement::AddressMatch> match;
  if (subnet.has_address) {
    match = placement.ofAddress(subnet.address);
    place.scope = match->scope;
    if (!match->locus_known) match.reset();
  }
  place.sharer = match ? &subnet.address : &client.address;
  if (!query.edns.location_option.empty() &&
      state.settings->location_option_from.contains(client.address)) {
    if (const auto locus = placement.ofGeohash(asText(query.edns.location_option))) {
      place.locus = *locus;
      place.source = PlaceSource::kLocationOption;
      return place;
    }
  }
  if (match) {
    place.locus = match->locus;
    place.source = PlaceSource::kClientSubnet;
  } else {
    place.locus = placement.ofAddress(client.address).locus;
  }
  return place;
}

}  // namespace meridian::dns
