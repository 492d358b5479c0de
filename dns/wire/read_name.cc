#include "dns/wire/read_name.h"

#include <algorithm>
#include <array>

namespace meridian::dns {

std::optional<Name> readName(std::span<const std::uint8_t> message, std::size_t& at) {
  std::array<std::uint8_t, kMaxName> bytes{};
  std::size_t size = 0;
  std::size_t from = at;
  std::size_t barrier = at;  // where the labels being read began: pointers lead before it
  std::size_t end = 0;       // behind the name, once its first pointer was met
  while (from < message.size()) {
    const std::uint8_t label = message[from];
    if ((label & 0xC0) == 0xC0) {
      if (from + 1 >= message.size()) return std::nullopt;
      const auto target = static_cast<std::size_t>((label & 0x3F) << 8 | message[from + 1]);
      if (target >= barrier || target < kHeaderBytes) return std::nullopt;
      if (end == 0) end = from + 2;
      from = barrier = target;
      continue;
    }
    const std::size_t step = 1 + std::size_t{label};
    if (label > kMaxLabel || message.size() - from < step || size + step > kMaxName) {
      return std::nullopt;
    }
    std::copy_n(message.begin() + static_cast<std::ptrdiff_t>(from), step,
                bytes.begin() + static_cast<std::ptrdiff_t>(size));
    size += step;
    from += step;
    if (label != 0) continue;
    at = end == 0 ? from : end;
    return Name(NameView(std::span(bytes).first(size)));
  }
  return std::nullopt;
}

}  // namespace meridian::dns
