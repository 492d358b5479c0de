// How long a finished response may be used again.
#pragma once

#include <cstdint>
#include <span>

namespace meridian::dns {

// Seconds (RFC 8484 §5.1): the least TTL of the answer section; with a SOA in the authority
// section, which makes the response a negative one (RFC 2308 §5), also its TTL and its MINIMUM. 0:
// an error, a referral, a truncated or malformed response, or one without a record that has a say.
std::uint32_t freshSeconds(std::span<const std::uint8_t> response);

}  // namespace meridian::dns
