#include "partition/shares.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <string>

#include "base/digest.h"

namespace meridian::partition {
namespace {

constexpr unsigned kLogIndexBits = 10;
constexpr std::size_t kLogSteps = std::size_t{1} << kLogIndexBits;

// log2(1 + i / kLogSteps) in units of 2^-32, rounded down. The last, 2^32, reads 0: only
// differences modulo 2^32 are taken of it.
constexpr std::array<std::uint32_t, kLogSteps + 1> logTable() {
  std::array<std::uint32_t, kLogSteps + 1> table{};
  for (std::size_t i = 0; i < kLogSteps; ++i) {
    double value = 1 + static_cast<double>(i) / static_cast<double>(kLogSteps);
    std::uint32_t bits = 0;
    for (int bit = 0; bit < 32; ++bit) {  // squaring doubles the logarithm
      value *= value;
      bits <<= 1U;
      if (value < 2) continue;
      bits |= 1U;
      value /= 2;
    }
    table[i] = bits;
  }
  return table;
}
constexpr auto kLogTable = logTable();

// floor(log2(1 + rest / 2^63) · 2^32) for the 63 bits behind a leading one, interpolated.
std::uint64_t logOfMantissa(std::uint64_t mantissa) noexcept {
  const std::size_t index = (mantissa >> (63U - kLogIndexBits)) & (kLogSteps - 1);
  const std::uint64_t rest = (mantissa >> (31U - kLogIndexBits)) & 0xffffffffU;
  const std::uint32_t step = kLogTable[index + 1] - kLogTable[index];
  return kLogTable[index] + ((step * rest) >> 32U);
}

// The best of one class: the least distance / weight, compared without dividing.
struct BestShare {
  const Share* share = nullptr;
  std::uint64_t distance = 0;

  void offer(const Share& other, std::uint64_t client) noexcept {
    const std::uint64_t far = rendezvousDistance(client, other.site);
    // Below 2^39 · 2^14.
    if (share != nullptr && far * share->weight >= distance * other.weight) return;
    share = &other;
    distance = far;
  }
};

}  // namespace

std::uint64_t mixHash(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

std::uint64_t clientHash(const IpAddress& address) noexcept {
  constexpr std::uint64_t kV4Family = std::uint64_t{4} << 56U;
  constexpr std::uint64_t kV6Family = std::uint64_t{6} << 56U;
  if (address.isV4()) return mixHash(kV4Family | (address.asV4() >> 8U));
  return mixHash(kV6Family | static_cast<std::uint64_t>(address.bits() >> 72U));
}

std::uint64_t siteHash(std::string_view ezone_id) {
  return firstEightBytes(sha256(ezone_id));
}

std::uint64_t endpointHash(std::string_view ezone_id, std::string_view endpoint_id) {
  return siteHash(std::string(ezone_id) + "/" + std::string(endpoint_id));
}

std::uint64_t rendezvousDistance(std::uint64_t client, std::uint64_t site) noexcept {
  const std::uint64_t x = mixHash(client ^ site) | 1U;  // 0 has no logarithm
  const auto zeros = static_cast<unsigned>(std::countl_zero(x));
  return (std::uint64_t{zeros + 1} << 32U) - logOfMantissa(x << zeros);
}

std::uint16_t spillSlice(std::uint64_t client, std::uint64_t site) noexcept {
  return static_cast<std::uint16_t>(((mixHash(client ^ ~site) >> 32U) * kWholeShare) >> 32U);
}

EZoneIx chooseShare(std::span<const Share> shares, std::uint64_t client) noexcept {
  BestShare best;
  for (const Share& share : shares) {
    const bool keeps = share.spill == 0 || spillSlice(client, share.site) >= share.spill;
    if (keeps) best.offer(share, client);
    if (share.last_of_class && best.share != nullptr) return best.share->ezone;
  }
  best = {&shares.front(), rendezvousDistance(client, shares.front().site)};
  for (const Share& share : shares) {
    best.offer(share, client);
    if (share.last_of_class) break;
  }
  return best.share->ezone;
}

void chooseFromPool(std::span<const PoolShare> pool, std::uint64_t client,
                    std::span<EndpointIx> out) noexcept {
  struct Ranked {
    std::uint64_t distance = 0;
    std::uint16_t weight = 1;
  };
  std::array<Ranked, kMaxAnswered> best{};
  const std::size_t most = std::min(out.size(), best.size());
  std::size_t used = 0;
  for (const PoolShare& share : pool) {
    const std::uint64_t far = rendezvousDistance(client, share.hash);
    std::size_t at = used < most ? used++ : most;
    // Farther ones move a place down; the last of them falls out.
    while (at > 0 && far * best[at - 1].weight < best[at - 1].distance * share.weight) {
      if (at < most) {
        best[at] = best[at - 1];
        out[at] = out[at - 1];
      }
      --at;
    }
    if (at == most) continue;
    best[at] = {far, share.weight};
    out[at] = share.endpoint;
  }
}

}  // namespace meridian::partition
