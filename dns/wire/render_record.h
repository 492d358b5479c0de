// Records as RrsetView has them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dns/wire/rrset_view.h"

namespace meridian::dns {

// Appends one record. REQUIRES: rdata.size() <= 65535.
void renderRecord(RrType type, std::uint32_t ttl, std::span<const std::uint8_t> rdata,
                  std::vector<std::uint8_t>& out);

// Of whole rendered records.
void setRenderedTtls(std::span<std::uint8_t> rendered, std::uint32_t ttl);

}  // namespace meridian::dns
