// What the query log says of people: nothing that leads back to one (domain rules: networks of /24
// and /56, hashed under a salt of the day; places of four geohash characters; no POI, no key).
//
// Names are judged by their labels alone, not by the services there are: a name that is mistyped,
// or of a service that is gone, tells as much.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/ip.h"
#include "base/sip_hash.h"
#include "dns/wire/name.h"

namespace meridian::dns {

// Of the network that the address is in, of 24 bits or 56: 16 hexadecimal digits.
std::string hashedNetwork(const SipKey& salt, const IpAddress& address);

// The name in presentation form, lower-cased. Of what stands left of the last label "g", "poi" or
// "key" that is left of `apex` (wire form, lower-cased; empty: anywhere): the label next to a "g"
// is cut to four characters, all others are hashes. REQUIRES: `lowered` is lower-cased.
std::string discreetName(const SipKey& salt, NameView lowered, std::span<const std::uint8_t> apex);

}  // namespace meridian::dns
