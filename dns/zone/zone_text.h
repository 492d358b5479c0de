// A zone as a zone file (RFC 1035 §5): what loading it makes the same zone of.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "dns/zone/record_list.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

// One record, "owner TTL IN TYPE RDATA", without a newline. kCorrupt: RDATA that its type cannot
// have.
Result<std::string> recordText(const RecordView& record);
// The SOA first, then name by name in the zone's own order, all names absolute. kTooLarge: more
// than `max_bytes`.
Result<std::string> zoneText(const Zone& zone, std::size_t max_bytes);

}  // namespace meridian::dns
