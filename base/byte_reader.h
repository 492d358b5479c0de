// ByteReader: the one way to read untrusted bytes. Big-endian, bounds-checked, with a sticky error.
//
// After the first overrun every getter returns zero or an empty span and moves nothing; check ok()
// once at the end of a step. Does not own the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/big_endian.h"

namespace meridian {

// The same bytes as text. char may alias anything, so this view is sound.
inline std::string_view asText(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteReader {
 public:
  constexpr explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  constexpr bool ok() const { return ok_; }
  constexpr std::size_t position() const { return position_; }
  constexpr std::size_t remaining() const { return bytes_.size() - position_; }

  // Always inlined: as calls they would cost each query more than they do.
  [[gnu::always_inline]] std::uint8_t u8() { return take<std::uint8_t>(); }
  [[gnu::always_inline]] std::uint16_t u16() { return take<std::uint16_t>(); }
  [[gnu::always_inline]] std::uint32_t u32() { return take<std::uint32_t>(); }

  constexpr std::span<const std::uint8_t> bytes(std::size_t count) {
    if (!require(count)) return {};
    const auto out = bytes_.subspan(position_, count);
    position_ += count;
    return out;
  }
  constexpr void skip(std::size_t count) {
    if (require(count)) position_ += count;
  }

 private:
  constexpr bool require(std::size_t count) {
    if (!ok_ || count > remaining()) ok_ = false;
    return ok_;
  }
  template <class Number>
  [[gnu::always_inline]] Number take() {
    if (!require(sizeof(Number))) return 0;
    Number out;
    std::memcpy(&out, bytes_.data() + position_, sizeof out);
    position_ += sizeof out;
    return bigEndian(out);
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace meridian
