// The signer of zones: what a zone's operator says, and keys → the zone as it is served, with
// DNSKEY, CDS, CDNSKEY (RFC 7344), RRSIG (RFC 4034 §3, RFC 4035 §2), and NSEC or NSEC3 (RFC 5155,
// RFC 9276 §3.1). Pure but for the signatures, which are other ones each time (ECDSA).
//
// Signatures of the zone before are kept while what they sign is the same and they last: an edit
// costs a handful. Walks the whole zone twice.
#pragma once

#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "dns/sign/key_set.h"
#include "dns/zone/signing_policy.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

struct SigningOrder {
  const Zone* before = nullptr;  // as it was signed here last; nullptr: it was not
  const Zone& data;              // without what signing makes (unsignedPart)
  const KeySet& keys;
  const SigningPolicy& policy;
  WallTime now{};
  // Of signatures that could stay a while longer, so many are made anew in one call; the others
  // are left for the next.
  std::size_t max_renewals = 10'000;
};

struct SignedZone {
  std::shared_ptr<const Zone> zone;
  std::size_t made = 0;  // signatures
  std::size_t kept = 0;
  // Anything but the SOA's serial and its signature is other than before. False: where the data
  // are the same, too, there is no reason to publish the zone.
  bool changed = false;
  WallTime next{};  // when it has to be signed again, if nothing changes until then
  // Signatures that were to be made anew, and have been left for the next call.
  std::size_t left = 0;
  std::uint32_t max_ttl = 0;  // s; of all records
};

// Refused: data that have what signing makes, or are no zone with it (an RRset and its signatures
// too large for a message).
Checked<SignedZone> signZone(const SigningOrder& order);

}  // namespace meridian::dns
