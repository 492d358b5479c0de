#include "dns/tap/tap_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace meridian::dns {
namespace {

constexpr std::size_t kMinRingBytes = 64;
// In place of a size: nothing more before the end of the memory.
constexpr std::uint64_t kSkip = ~std::uint64_t{0};

// Records begin at multiples of 8, so that there is always room for a size before the end.
constexpr std::uint64_t roundedUp(std::uint64_t size) {
  return (size + 7) & ~std::uint64_t{7};
}

}  // namespace

TapRing::TapRing(std::size_t bytes)
    : capacity_(std::bit_ceil(std::max(bytes, kMinRingBytes))),
      bytes_(std::make_unique<std::uint8_t[]>(capacity_)) {}

std::span<std::uint8_t> TapRing::reserve(std::size_t size) noexcept {
  if (size == 0 || size > maxRecord()) {
    dropped_.add();
    return {};
  }
  const std::uint64_t begin = written_.load(std::memory_order_relaxed);
  const std::uint64_t needed = kPrefix + roundedUp(size);
  const std::uint64_t before_end = capacity_ - (begin & mask());
  const std::uint64_t skipped = needed > before_end ? before_end : 0;
  const std::uint64_t end = begin + skipped + needed;
  if (end - seen_read_ > capacity_) {
    seen_read_ = read_.load(std::memory_order_acquire);
    if (end - seen_read_ > capacity_) {
      dropped_.add();
      return {};
    }
  }
  if (skipped != 0) std::memcpy(&bytes_[begin & mask()], &kSkip, kPrefix);
  std::uint8_t* const place = &bytes_[(begin + skipped) & mask()];
  const std::uint64_t prefix = size;
  std::memcpy(place, &prefix, kPrefix);
  next_ = end;
  return {place + kPrefix, size};
}

void TapRing::commit() noexcept {
  written_.store(next_, std::memory_order_release);
}

std::span<const std::uint8_t> TapRing::front() noexcept {
  std::uint64_t begin = read_.load(std::memory_order_relaxed);
  const std::uint64_t end = written_.load(std::memory_order_acquire);
  if (begin == end) return {};
  std::uint64_t size = 0;
  std::memcpy(&size, &bytes_[begin & mask()], kPrefix);
  if (size == kSkip) {
    begin += capacity_ - (begin & mask());
    std::memcpy(&size, &bytes_[begin & mask()], kPrefix);
  }
  front_end_ = begin + kPrefix + roundedUp(size);
  return {&bytes_[(begin & mask()) + kPrefix], size};
}

void TapRing::pop() noexcept {
  read_.store(front_end_, std::memory_order_release);
}

}  // namespace meridian::dns
