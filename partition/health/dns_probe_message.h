// The bytes of a DNS check: one query, and the judgement of whatever comes back. Pure; the reply is
// hostile and fuzzed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "partition/health/check_config.h"
#include "partition/health/check_state.h"

namespace meridian::partition {

// A query with this id; recursion desired, since the target may be a resolver.
// REQUIRES: expected.name is as CheckConfig says.
std::vector<std::uint8_t> dnsProbeQuery(const DnsExpectation& expected, std::uint16_t id);

// Whether this is the reply to that query at all: anything else on the socket is ignored, as
// somebody may be guessing.
bool isDnsReplyTo(std::span<const std::uint8_t> query, std::span<const std::uint8_t> reply);

// REQUIRES: isDnsReplyTo(). `took` is left to the caller.
ProbeResult judgeDnsReply(const DnsExpectation& expected, std::span<const std::uint8_t> query,
                          std::span<const std::uint8_t> reply);

}  // namespace meridian::partition
