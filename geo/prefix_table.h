// PrefixTable: an immutable map from every IPv4 and IPv6 address to a value, with the ECS scope in
// the leaf.
//
// Shape:   a 2^16-entry root, then 64-way nodes whose children and leaves are counted with a bitmap
// (after Asai and
//          Ohara, "Poptrie", SIGCOMM 2015): a few MB for the whole Internet, so that walks stay in
//          the cache.
// Scope:   the length of the widest aligned prefix around the address on which the value is
// constant. Leaves are these
//          prefixes, so two scopes never overlap (RFC 7871 §7.2.1) and an answer is constant in its
//          scope by construction.
// Aliases: IPv6 addresses that carry an IPv4 address (::ffff:0:0/96, 64:ff9b::/96 of RFC 6052,
// 2002::/16 of RFC 3056)
//          get the IPv4 value, with the scope counted in IPv6 bits.
// Threads: immutable after building; lookups from any thread, without allocation, lock or branch on
// data size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ip.h"

namespace meridian::geo {

// From `first` up to the next range's first, or the end of the address space, the value is `value`.
struct V4Range {
  std::uint32_t first = 0;
  std::uint32_t value = 0;
};
struct V6Range {
  U128 first = 0;
  std::uint32_t value = 0;
};

class PrefixTable {
 public:
  static constexpr std::uint32_t kMaxValue = (1U << 24) - 1;

  struct Match {
    std::uint32_t value = 0;
    std::uint8_t scope = 0;  // 0–32 or 0–128
  };

  // REQUIRES: both lists ascending by `first`, starting at 0, values <= kMaxValue. Neighbours may
  // have equal values.
  PrefixTable(std::span<const V4Range> v4, std::span<const V6Range> v6);

  Match lookup(const IpAddress& address) const noexcept;
  Match lookupV4(std::uint32_t address) const noexcept;
  Match lookupV6(U128 address) const noexcept;

  std::size_t bytes() const;      // heap in use
  std::size_t leafCount() const;  // scopes in the table, v4 and v6, aliases not counted

  // Every leaf in address order, v4 then v6: for tests, previews and diffs.
  template <class Visit>
  void forEachLeaf(Visit&& visit) const;

 private:
  // The engineer of geo/ decides the layout; see the shape above.
};

}  // namespace meridian::geo
