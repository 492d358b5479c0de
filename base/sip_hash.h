// SipHash-2-4: a short keyed hash that nobody can forge who does not have the key (Aumasson and
// Bernstein, "SipHash: a fast short-input PRF", 2012).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace meridian {

using SipKey = std::array<std::uint8_t, 16>;

// The 64 bits whose bytes, least significant first, are the hash as the paper writes it.
std::uint64_t sipHash24(const SipKey& key, std::span<const std::uint8_t> data);

}  // namespace meridian
