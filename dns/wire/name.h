// Domain names in wire form: length-prefixed labels, ended by the root's zero byte, never
// compressed.
//
// NameView does not own; Name does, inline, without allocation. Both always hold a whole valid name
// (RFC 1035 §3.1): 1 to 255 bytes, labels of 1 to 63 bytes, the last byte the root. Case is kept;
// comparisons that ignore case say so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/wire/types.h"

namespace meridian::dns {

class NameView {
 public:
  constexpr NameView() = default;  // the root
  // REQUIRES: `wire` is exactly one valid name.
  constexpr explicit NameView(std::span<const std::uint8_t> wire) : wire_(wire) {}

  constexpr std::span<const std::uint8_t> wire() const { return wire_; }
  constexpr std::size_t size() const { return wire_.size(); }
  constexpr bool isRoot() const { return wire_.size() == 1; }
  // Labels without the root: 0 for ".", 2 for "example.org.".
  std::size_t labelCount() const;
  // The name without its first label. REQUIRES: !isRoot().
  constexpr NameView parent() const { return NameView(wire_.subspan(1 + std::size_t{wire_[0]})); }
  // The first label's bytes, without its length. REQUIRES: !isRoot().
  constexpr std::span<const std::uint8_t> firstLabel() const { return wire_.subspan(1, wire_[0]); }
  // Byte for byte. Right for names that were lower-cased before.
  bool operator==(const NameView& other) const {
    return wire_.size() == other.wire_.size() &&
           std::memcmp(wire_.data(), other.wire_.data(), wire_.size()) == 0;
  }
  // Whether this name is `ancestor` or below it, byte for byte.
  bool isWithin(const NameView& ancestor) const;
  // Presentation form with the final dot, special bytes escaped (RFC 1035 §5.1).
  std::string text() const;

 private:
  static constexpr std::uint8_t kRoot[1] = {0};
  std::span<const std::uint8_t> wire_{kRoot};
};

class Name {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the bytes after the root are never read
  Name() { bytes_[0] = 0; }  // the root
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): as above
  explicit Name(NameView view) : size_(static_cast<std::uint8_t>(view.size())) {
    std::memcpy(bytes_.data(), view.wire().data(), view.size());
  }
  // Presentation form, \DDD and \X escapes, final dot optional (always absolute).
  static Result<Name> parse(std::string_view text);
  // Wire form that must be one whole uncompressed name.
  static Result<Name> fromWire(std::span<const std::uint8_t> wire);

  NameView view() const { return NameView(std::span(bytes_.data(), size_)); }
  // NOLINTNEXTLINE(google-explicit-constructor): a Name is usable as its view
  operator NameView() const { return view(); }
  std::string text() const { return view().text(); }
  // ASCII letters lowered (RFC 4343); length bytes are below 'A', so all bytes can be treated
  // alike.
  Name lowered() const;
  // Makes this the lower-cased `name`.
  void assignLowered(NameView name);
  bool operator==(const Name& other) const { return view() == other.view(); }

 private:
  // Only the first size_ bytes are ever read. Whole words, so that lower-casing needs no special
  // tail.
  std::array<std::uint8_t, kMaxName + 1> bytes_;
  std::uint8_t size_ = 1;
};

// Hash of a lower-cased name; the same for a suffix wherever it stands.
std::uint64_t hashName(NameView lowered) noexcept;

}  // namespace meridian::dns
