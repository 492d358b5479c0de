// A zone without what signing makes.
#pragma once

#include <memory>

#include "dns/zone/zone.h"

namespace meridian::dns {

// Whether the signer makes that type at that node: RRSIG, NSEC, NSEC3, NSEC3PARAM; at the apex
// DNSKEY, CDS and CDNSKEY (RFC 7344).
bool isMadeBySigner(const Zone& zone, NodeIx node, RrType type);

// The zone without these; itself where it has none of them.
std::shared_ptr<const Zone> unsignedPart(const std::shared_ptr<const Zone>& zone);

}  // namespace meridian::dns
