// Shares: which client goes to which of several eZones, by weighted rendezvous hashing. Sticky: a
// client is its network, and the same network goes to the same eZone for as long as the weights say
// so. Raising one weight takes clients from the others and moves nobody else; a site that leaves
// gives its clients to the rest and moves nobody else.
//
// The numbers are a contract (docs/topology.md "Shares"), so that an SDK can do the same:
//
//   mix(x)     the finaliser of SplitMix64
//   client     mix(4·2^56 + the address' first 24 bits) for IPv4, mix(6·2^56 + the first 56 bits)
//              for IPv6
//   site       the first 8 bytes, big-endian, of SHA-256(eZone id)
//   draw       x = mix(client xor site), a number that is uniform below 2^64
//   distance   -log2(x / 2^64) in units of 2^-32: exponentially distributed
//   choice     the least distance / weight: an eZone gets weight / (sum of weights) of the clients
//   slice      (mix(client xor not site) / 2^32 · 10000) / 2^32, uniform below 10000: whoever is
//              below an eZone's spill leaves it
//
// Integers only; no allocation; no table beyond 4 KiB of logarithms. Threads: pure.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/ip.h"
#include "partition/ids.h"

namespace meridian::partition {

inline constexpr std::uint16_t kWholeShare = 10000;  // basis points

// Client networks that always stay together, and so the least scope of an answer that depends on
// them.
constexpr std::uint8_t stickyBits(IpFamily family) {
  return family == IpFamily::kV4 ? 24 : 56;
}

// Of a client's network. Bits of a shorter client subnet that were not given are zero: the answer
// is the one for the first network in it, which is what its scope says.
std::uint64_t clientHash(const IpAddress& address) noexcept;
// Of an eZone's id.
std::uint64_t siteHash(std::string_view ezone_id);
std::uint64_t mixHash(std::uint64_t x) noexcept;

// "distance" above, at least 1 and below 2^39. The logarithm is off by less than 2^-22.
std::uint64_t rendezvousDistance(std::uint64_t client, std::uint64_t site) noexcept;
// "slice" above.
std::uint16_t spillSlice(std::uint64_t client, std::uint64_t site) noexcept;

// One eZone that may be the answer. Shares of one locus stand class by class, the nearest class
// first.
struct Share {
  std::uint64_t site = 0;  // siteHash()
  EZoneIx ezone;
  std::uint16_t weight = 1;  // 1–10000
  std::uint16_t spill = 0;   // 0–10000: the part of its clients that it sends away
  bool last_of_class = false;
  friend auto operator<=>(const Share&, const Share&) = default;
};

// The first class that has an eZone which keeps this client decides, by rendezvous among those that
// do. An eZone without spill keeps everybody. If all send the client away, the nearest class
// decides as if nothing spilled: never nothing. REQUIRES: shares is not empty, its last element is
// the last of a class.
EZoneIx chooseShare(std::span<const Share> shares, std::uint64_t client) noexcept;

// One endpoint of an eZone, as candidates of an answer stand in document order.
struct PoolShare {
  std::uint64_t hash = 0;  // endpointHash()
  EndpointIx endpoint;
  std::uint16_t weight = 1;  // 1–10000
  friend auto operator<=>(const PoolShare&, const PoolShare&) = default;
};

// Of an endpoint: the first 8 bytes, big-endian, of SHA-256(eZone id ‖ "/" ‖ endpoint id).
std::uint64_t endpointHash(std::string_view ezone_id, std::string_view endpoint_id);

// What `answer_count` may be.
inline constexpr std::size_t kMaxAnswered = 16;

// The out.size() endpoints of least distance / weight, the least first; of equals the earlier one.
// An endpoint that leaves is replaced, for those who had it, by the next; nobody else's change, nor
// do their other ones. REQUIRES: 0 < out.size() <= pool.size(), and <= kMaxAnswered.
void chooseFromPool(std::span<const PoolShare> pool, std::uint64_t client,
                    std::span<EndpointIx> out) noexcept;

}  // namespace meridian::partition
