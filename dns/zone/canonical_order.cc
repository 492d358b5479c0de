#include "dns/zone/canonical_order.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace meridian::dns {
namespace {

std::uint8_t lowerByte(std::uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte | 0x20) : byte;
}

// Where each label of a name begins, the first label first.
class LabelStarts {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the first count_ are ever read
  explicit LabelStarts(NameView name) : wire_(name.wire()) {
    for (std::size_t at = 0; wire_[at] != 0; at += 1 + std::size_t{wire_[at]}) {
      starts_[count_++] = static_cast<std::uint8_t>(at);
    }
  }
  std::size_t count() const { return count_; }
  // Counted from the root; 0 is the top-level label.
  std::span<const std::uint8_t> fromRoot(std::size_t i) const {
    const std::size_t at = starts_[count_ - 1 - i];
    return wire_.subspan(at + 1, wire_[at]);
  }

 private:
  std::span<const std::uint8_t> wire_;
  std::array<std::uint8_t, kMaxName / 2 + 1> starts_;
  std::size_t count_ = 0;
};

}  // namespace

std::strong_ordering canonicalOrder(NameView a, NameView b) noexcept {
  const LabelStarts left(a);
  const LabelStarts right(b);
  for (std::size_t i = 0; i < std::min(left.count(), right.count()); ++i) {
    const auto x = left.fromRoot(i);
    const auto y = right.fromRoot(i);
    for (std::size_t at = 0; at < std::min(x.size(), y.size()); ++at) {
      const auto order = lowerByte(x[at]) <=> lowerByte(y[at]);
      if (order != 0) return order;
    }
    if (const auto order = x.size() <=> y.size(); order != 0) return order;
  }
  return left.count() <=> right.count();
}

}  // namespace meridian::dns
