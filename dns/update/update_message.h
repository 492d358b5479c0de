// Update: a dynamic update (RFC 2136 §2) out of its message, each record checked by itself. What
// the records mean together, and to a zone, is for dns/update/update_plan.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "dns/wire/name.h"
#include "dns/wire/types.h"
#include "dns/zone/record_reader.h"

namespace meridian::dns {

// A record of the prerequisite or the update section. Its class says what is meant: the zone's, ANY
// or NONE (§2.4, §2.5).
using UpdateRecord = MessageRecord;

struct Update {
  Name zone;  // lower-cased
  std::uint16_t rr_class = 0;
  std::vector<UpdateRecord> prerequisites;
  std::vector<UpdateRecord> updates;
};

struct UpdateRefusal {
  Rcode rcode = Rcode::kFormErr;
  std::string reason;  // for the log; names the record
};

// `message` may be any bytes; the additional section (OPT, TSIG, glue: §2.6) is walked over and
// left. FORMERR: not an UPDATE request, not one zone of type SOA, a name or RDATA that cannot be
// read (dns/zone/record_reader.h), bytes behind the end.
tl::expected<Update, UpdateRefusal> parseUpdate(std::span<const std::uint8_t> message);

}  // namespace meridian::dns
