// Addresses of the names that an answer's records lead to, for the additional section: who asked
// would have to ask for them next. Never of services: what a resolver gets there it keeps for
// everybody (RFC 7871 §7.3.1), and theirs depend on who asks.
#pragma once

#include "dns/answer/signed_answer.h"
#include "dns/wire/response_writer.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

// Of a referral to the cut `node`, whose lower-cased name is `cut`. False: an address did not fit
// without which nobody gets on, as it lies at or below the cut (RFC 9471 §3.1); others may be
// missing.
bool addGlue(const Zone& zone, NodeIx node, NameView cut, ResponseWriter& out,
             SignedAnswer& signatures);

// Of this RRset in the answer section (Zone::additional()), as far as there is room.
void addAddresses(const Zone& zone, NodeIx node, RrType type, ResponseWriter& out,
                  SignedAnswer& signatures);

// Whether addAddresses() has something to do for this type (RFC 1035 §3.3, RFC 2782, RFC 9460
// §4.1).
constexpr bool leadsToAddresses(RrType type) {
  return type == RrType::kMx || type == RrType::kSrv || type == RrType::kNs ||
         type == RrType::kSvcb || type == RrType::kHttps;
}

}  // namespace meridian::dns
