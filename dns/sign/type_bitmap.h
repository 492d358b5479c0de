// Type bit maps of NSEC and NSEC3 (RFC 4034 §4.1.2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dns/wire/types.h"

namespace meridian::dns {

// Appends the map. `types` is ascending, without doubles; none: nothing is appended.
void appendTypeBitmap(std::span<const RrType> types, std::vector<std::uint8_t>& out);

}  // namespace meridian::dns
