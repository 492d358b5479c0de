// ByteWriter: big-endian writing into a fixed buffer, bounds-checked, with a sticky error.
//
// A write that does not fit moves nothing and clears ok(). rewind() takes back everything after a
// position and makes the writer usable again: that is how an RRset that does not fit is left out
// whole. Does not own the buffer.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/big_endian.h"

namespace meridian {

class ByteWriter {
 public:
  constexpr explicit ByteWriter(std::span<std::uint8_t> buffer) : buffer_(buffer) {}

  constexpr bool ok() const { return ok_; }
  constexpr std::size_t position() const { return position_; }
  constexpr std::size_t room() const { return buffer_.size() - position_; }
  constexpr std::span<const std::uint8_t> written() const { return buffer_.first(position_); }

  void u8(std::uint8_t value) { put(value); }
  void u16(std::uint16_t value) { put(value); }
  void u32(std::uint32_t value) { put(value); }
  // One behind the other, by their types' sizes; all or nothing. Cheaper than one by one.
  template <std::unsigned_integral... Numbers>
  void numbers(Numbers... values) {
    if (!require((sizeof(Numbers) + ...))) return;
    (place(values), ...);
  }
  void bytes(std::span<const std::uint8_t> source) {
    if (source.empty() || !require(source.size())) return;
    std::memcpy(buffer_.data() + position_, source.data(), source.size());
    position_ += source.size();
  }
  // Overwrites two bytes that were written before. REQUIRES: at + 2 <= position().
  constexpr void patchU16(std::size_t at, std::uint16_t value) {
    buffer_[at] = static_cast<std::uint8_t>(value >> 8);
    buffer_[at + 1] = static_cast<std::uint8_t>(value);
  }
  // REQUIRES: to <= position().
  constexpr void rewind(std::size_t to) {
    position_ = to;
    ok_ = true;
  }

 private:
  constexpr bool require(std::size_t count) {
    if (!ok_ || count > room()) ok_ = false;
    return ok_;
  }
  template <class Number>
  void put(Number value) {
    if (require(sizeof value)) place(value);
  }
  // REQUIRES: there is room.
  template <class Number>
  void place(Number value) {
    const Number wire = bigEndian(value);
    std::memcpy(buffer_.data() + position_, &wire, sizeof wire);
    position_ += sizeof wire;
  }

  std::span<std::uint8_t> buffer_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace meridian
