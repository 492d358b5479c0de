// Queries of the loads, as bytes: one A question with EDNS (1232 bytes), with or without a client
// subnet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meridian::bench {

using QueryPacket = std::vector<std::uint8_t>;

// Labels are 1 to 63 bytes, without the root. Message id 0.
QueryPacket makeQuery(const std::vector<std::string>& labels);
// The same with EDNS client subnet (RFC 7871 §6), IPv4, SOURCE PREFIX-LENGTH 24: the first 24 bits
// of `address`; with DO or without.
QueryPacket makeQuery(const std::vector<std::string>& labels, std::uint32_t address,
                      bool dnssec_ok = false);

}  // namespace meridian::bench
