// What an update does to a zone (RFC 2136 §3.1 to §3.4, §3.6). Pure: a zone and an update → the
// difference, or why not.
#pragma once

#include <memory>

#include "base/clock.h"
#include "dns/update/update_message.h"
#include "dns/zone/difference.h"
#include "dns/zone/zone_edit.h"

namespace meridian::dns {

// nullptr: nothing changes, and the answer is NOERROR. All or nothing:
//   NOTAUTH   the update is for another zone or class
//   FORMERR   what the class, TTL, type and RDATA of a record may not say (§3.2, §3.4.1)
//   NOTZONE   a name outside the zone
//   NXDOMAIN, YXDOMAIN, NXRRSET, YXRRSET   a prerequisite that does not hold (§3.2)
//   REFUSED   RRSIG, NSEC, NSEC3 or NSEC3PARAM: the server's own
//
// Ignored, as §3.4.2 has it: a CNAME where other data stand and the other way round, a SOA that is
// not newer or not at the apex, deletion of the SOA or of all NS at the apex, and of what is not
// there. The server's own types stay when all of a name is deleted. A CNAME, DNAME or SOA takes the
// place of the one there; the TTL of a record that is added becomes its RRset's (RFC 2181 §5.2).
// The serial goes on by `policy` where the update did not set it. What then makes no zone, such as
// data below a DNAME, is found by apply() (dns/zone/difference.h).
tl::expected<std::shared_ptr<const ZoneDifference>, UpdateRefusal> planUpdate(const Zone& zone,
                                                                              const Update& update,
                                                                              SerialPolicy policy,
                                                                              WallTime now);

}  // namespace meridian::dns
