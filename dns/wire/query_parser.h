// Bytes → Query, or the reason there is none. One pass, bounded by the message, no allocation.
#pragma once

#include <cstdint>
#include <span>

#include "dns/wire/query.h"

namespace meridian::dns {

enum class ParseOutcome : std::uint8_t {
  kOk,
  kIgnore,   // no answer at all: too short, or itself a response (answering would let two servers
             // ping-pong)
  kFormErr,  // malformed, or not exactly one question (RFC 9619), but for …
  kCookieOnly,  // … none and a cookie: the client asks for the server's (RFC 7873 §5.4)
  kNotImp,      // another opcode
  kBadVers,     // EDNS version above 0 (RFC 6891 §6.1.3); the Query is filled
};

// Fills `out`; for kFormErr and kNotImp only id and flags (and edns.present when OPT was read) are
// good, and out.question when it could be read. For kNotImp edns is filled when the message has a
// query's form from end to end. out.has_tsig is set by the first TSIG record that is met, good or
// not. REQUIRES: `message` outlives `out`.
ParseOutcome parseQuery(std::span<const std::uint8_t> message, std::uint16_t location_option_code,
                        Query& out);

}  // namespace meridian::dns
