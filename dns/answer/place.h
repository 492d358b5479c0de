// Q4: which evidence of a query says where the client is, and what scope the answer then has.
#pragma once

#include <cstdint>

#include "dns/answer/answerer.h"
#include "dns/answer/serving_state.h"
#include "dns/wire/query.h"
#include "partition/placement.h"

namespace meridian::dns {

enum class PlaceSource : std::uint8_t { kLocationOption, kClientSubnet, kResolver };

struct ClientPlace {
  partition::Locus locus;
  std::uint8_t scope = 0;  // for the ECS option of the answer
  PlaceSource source = PlaceSource::kResolver;
};

// EDNS location option (listed networks only) > client subnet > resolver address (design.md §2). A
// client subnet that is private says nothing about a place: the resolver's address decides, and the
// scope stays that of the private network, so that no answer for it is reused outside (RFC 7871
// §11.1 and domain.md §4a).
ClientPlace placeOf(const Query& query, const Client& client, const ServingState& state,
                    const partition::Placement& placement) noexcept;

}  // namespace meridian::dns
