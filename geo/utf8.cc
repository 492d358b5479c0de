#include "geo/utf8.h"

#include <cstddef>
#include <cstdint>

namespace meridian::geo {
namespace {

std::uint8_t byteAt(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

// Bytes that a sequence with this first byte has; 0 when no sequence begins so.
std::size_t lengthBy(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

// Overlong forms, surrogates and code points beyond U+10FFFF show in the second byte.
bool secondFits(std::uint8_t first, std::uint8_t second) {
  const std::uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high;
}

}  // namespace

bool isUtf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const std::uint8_t first = byteAt(text, at);
    const std::size_t length = lengthBy(first);
    if (length == 0 || length > text.size() - at) return false;
    if (length > 1 && !secondFits(first, byteAt(text, at + 1))) return false;
    for (std::size_t i = 2; i < length; ++i) {
      if ((byteAt(text, at + i) & 0xc0) != 0x80) return false;
    }
    at += length;
  }
  return true;
}

}  // namespace meridian::geo
