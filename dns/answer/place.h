// Q4: which evidence of a query says where the client is, and what scope the answer then has.
#pragma once

#include <cstdint>

#include "dns/answer/answer_decision.h"
#include "dns/answer/answerer.h"
#include "dns/answer/serving_state.h"
#include "dns/wire/query.h"
#include "partition/placement.h"

namespace meridian::dns {

struct ClientPlace {
  partition::Locus locus;
  std::uint8_t scope = 0;  // for the ECS option of the answer
  PlaceSource source = PlaceSource::kResolver;
  // Whose share of a stateless zone is asked for: the client subnet unless it is private, else the
  // resolver. Points into the query or the client.
  const IpAddress* sharer = nullptr;
};

// The scope of an answer that depends on the sharer's network, not only on the locus. The answer is
// the same for all addresses of a network of stickyBits() within one locus, whose own prefix has
// `scope` bits: the longer of the two prefixes contains no address with another answer, and all
// answers from within one locus are this long, so that none overlaps another (I10). A shorter
// subnet counts as its first network, and the scope is longer than the source then, which has the
// resolver ask again with more bits (RFC 7871 §7.2.1).
std::uint8_t sharedScope(const ClientPlace& place, const Query& query) noexcept;

// EDNS location option (listed networks only) > client subnet > resolver address (design.md §2). A
// client subnet that is private says nothing about a place: the resolver's address decides, and the
// scope stays that of the private network, so that no answer for it is reused outside (RFC 7871
// §11.1 and domain.md §4a).
ClientPlace placeOf(const Query& query, const Client& client, const ServingState& state,
                    const partition::Placement& placement) noexcept;

}  // namespace meridian::dns
