#include "dns/sign/successor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace meridian::dns {
namespace {

// With another first label. REQUIRES: it fits.
Name withLabel(std::span<const std::uint8_t> label, NameView parent) {
  std::array<std::uint8_t, kMaxName> wire{static_cast<std::uint8_t>(label.size())};
  auto end = std::copy(label.begin(), label.end(), wire.begin() + 1);
  end = std::copy(parent.wire().begin(), parent.wire().end(), end);
  return Name(NameView(std::span(wire).first(static_cast<std::size_t>(end - wire.begin()))));
}

}  // namespace

Name successorOf(NameView name, NameView apex) {
  constexpr std::array<std::uint8_t, 1> kZero{0};
  // The first name below it.
  if (name.size() + 2 <= kMaxName) return withLabel(kZero, name);
  // No room for names below: the next beside it, or beside an ancestor.
  for (; name.size() > apex.size(); name = name.parent()) {
    std::array<std::uint8_t, kMaxLabel> bytes{};
    std::size_t size = name.firstLabel().size();
    std::copy(name.firstLabel().begin(), name.firstLabel().end(), bytes.begin());
    if (name.size() < kMaxName && size < kMaxLabel) {
      return withLabel(std::span(bytes).first(size + 1), name.parent());
    }
    while (size > 0 && bytes[size - 1] == 0xff) --size;
    if (size == 0) continue;
    // Capital letters are their small ones, which stand elsewhere.
    std::uint8_t& last = bytes[size - 1];
    last = last + 1 == 'A' ? '[' : static_cast<std::uint8_t>(last + 1);
    return withLabel(std::span(bytes).first(size), name.parent());
  }
  return Name(apex);
}

}  // namespace meridian::dns
