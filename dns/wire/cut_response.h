// A finished response made as small as it can be, for clients who may not be the ones who asked.
#pragma once

#include <cstdint>
#include <span>

namespace meridian::dns {

// Takes all records but OPT out of `response`, in place, and sets TC, so that a resolver asks again
// over TCP; returns the new size. One that has no such records stays as it is: an error is not
// worth a connection; so does one that is signed (dns/wire/tsig.h). 0: not a whole message with
// OPT, if any, at its end (ResponseWriter makes no other).
std::size_t cutResponse(std::span<std::uint8_t> response);

}  // namespace meridian::dns
