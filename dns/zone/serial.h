// Serial numbers of zones (RFC 1982): 32 bits, compared round a circle; and what stands beside them
// in a SOA.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace meridian::dns {

// Whether `a` is newer than `b`. Two that are 2^31 apart are not comparable: neither is newer.
constexpr bool isNewerSerial(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t ahead = a - b;
  return ahead != 0 && ahead < 0x8000'0000U;
}

// SERIAL of a SOA's RDATA (RFC 1035 §3.3.13); nullopt: it is none.
std::optional<std::uint32_t> serialOf(std::span<const std::uint8_t> soa_rdata);
// The same RDATA with another serial. REQUIRES: serialOf(soa_rdata).
std::vector<std::uint8_t> withSerial(std::span<const std::uint8_t> soa_rdata, std::uint32_t serial);

// How a zone's secondaries keep up with it (RFC 1035 §3.3.13), in seconds, as it stands there.
struct SoaTimes {
  std::uint32_t refresh = 0;
  std::uint32_t retry = 0;
  std::uint32_t expire = 0;
};
// REQUIRES: serialOf(soa_rdata).
SoaTimes soaTimesOf(std::span<const std::uint8_t> soa_rdata);

}  // namespace meridian::dns
