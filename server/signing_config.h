// How a zone is signed: the table [dns.zones.sign] of the configuration (docs/dnssec.md).
#pragma once

#include <optional>

#include "base/config_reader.h"
#include "dns/zone/signing_policy.h"

namespace meridian::server {

// Reads the table "sign" of one of "dns.zones"; every error goes to the reader's diagnostics.
// nullopt: there is none.
std::optional<dns::SigningPolicy> decodeSigning(ObjectReader& zone);

}  // namespace meridian::server
