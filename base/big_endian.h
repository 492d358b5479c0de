// Numbers to and from network order: one swap, whatever the compiler makes of it.
#pragma once

#include <bit>
#include <cstdint>

namespace meridian {

constexpr std::uint8_t bigEndian(std::uint8_t value) {
  return value;
}
constexpr std::uint16_t bigEndian(std::uint16_t value) {
  return std::endian::native == std::endian::big ? value : __builtin_bswap16(value);
}
constexpr std::uint32_t bigEndian(std::uint32_t value) {
  return std::endian::native == std::endian::big ? value : __builtin_bswap32(value);
}

}  // namespace meridian
