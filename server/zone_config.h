// What is allowed and wanted of DNS zones: the [[dns.zones]] tables of the configuration
// (docs/transfers.md).
#pragma once

#include <vector>

#include "base/config_reader.h"
#include "dns/zone/zone_policy.h"
#include "server/tsig_config.h"

namespace meridian::server {

inline constexpr std::size_t kMaxZonePolicies = 10'000;

// Reads the array "zones" of `dns`; every error goes to the reader's diagnostics. A name stands
// once; a key must be one of `keys`. An absent array is none.
std::vector<dns::ZonePolicy> decodeZonePolicies(ObjectReader& dns,
                                                const std::vector<TsigKeyConfig>& keys);

}  // namespace meridian::server
