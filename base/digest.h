// SHA-256, random tokens and constant-time comparison (OpenSSL).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meridian {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view data);
std::string hex(std::span<const std::uint8_t> bytes);
// `bytes` random bytes from the operating system, as lower-case hex.
Result<std::string> randomHex(std::size_t bytes);
// Time depends on the lengths only, never on where the strings differ.
bool equalConstantTime(std::string_view a, std::string_view b);

}  // namespace meridian
