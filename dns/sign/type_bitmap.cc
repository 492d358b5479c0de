#include "dns/sign/type_bitmap.h"

#include <algorithm>
#include <cstddef>

namespace meridian::dns {

void appendTypeBitmap(std::span<const RrType> types, std::vector<std::uint8_t>& out) {
  constexpr std::size_t kWindowHead = 2;  // its number and its length
  int window = -1;
  std::size_t head = 0;  // where the window's head stands in `out`
  for (const RrType type : types) {
    const auto value = static_cast<std::uint16_t>(type);
    if (value >> 8U != window) {
      window = value >> 8U;
      head = out.size();
      out.push_back(static_cast<std::uint8_t>(window));
      out.push_back(0);
    }
    const std::size_t byte = (value & 0xffU) / 8;
    out.resize(std::max(out.size(), head + kWindowHead + byte + 1));
    out[head + kWindowHead + byte] |= static_cast<std::uint8_t>(0x80U >> (value % 8U));
    out[head + 1] = static_cast<std::uint8_t>(byte + 1);
  }
}

}  // namespace meridian::dns
