// The NSEC that denies one name, or a type at it (RFC 9824): it leads to the name right behind.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dns/wire/name.h"
#include "dns/wire/rrset_view.h"

namespace meridian::dns {

// Shows that `name` has these types and no others; RRSIG and NSEC go without saying. Of a name that
// does not exist: NXNAME alone. The RRset is written to `rendered`, which it points into. REQUIRES:
// both names are lower-cased, `name` is within `apex`; `types` ascends; `rendered` is empty.
RrsetView compactDenial(NameView name, NameView apex, std::span<const RrType> types,
                        std::uint32_t ttl, std::vector<std::uint8_t>& rendered);

}  // namespace meridian::dns
