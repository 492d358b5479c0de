// One line of the query log: a JSON object, with its newline (docs/observation.md).
#pragma once

#include <string>

#include "base/sip_hash.h"
#include "dns/tap/tap_record.h"

namespace meridian::dns {

// No address, place or name stands in it but as dns/tap/private_text.h lets it.
std::string logLine(const TapRecord& record, const SipKey& salt);

}  // namespace meridian::dns
