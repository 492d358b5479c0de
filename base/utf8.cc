#include "base/utf8.h"

#include <cstddef>
#include <cstdint>

namespace meridian {
namespace {

// Length of the sequence that starts with `lead`, 0 when no sequence does.
std::size_t sequenceLength(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

// The range of the byte after `lead` (RFC 3629 §4): it is what keeps overlong forms, surrogates and
// too high code points out.
bool fitsAfter(std::uint8_t lead, std::uint8_t second) {
  const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high;
}

bool isControl(std::uint8_t lead, std::uint8_t second) {
  return lead < 0x20 || lead == 0x7f || (lead == 0xc2 && second < 0xa0);
}

}  // namespace

bool isPrintableUtf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequenceLength(byte(at));
    if (length == 0 || length > text.size() - at) return false;
    if (length > 1 && !fitsAfter(byte(at), byte(at + 1))) return false;
    for (std::size_t i = 2; i < length; ++i) {
      if ((byte(at + i) & 0xc0) != 0x80) return false;
    }
    if (isControl(byte(at), length > 1 ? byte(at + 1) : std::uint8_t{0xff})) return false;
    at += length;
  }
  return true;
}

}  // namespace meridian
