// PrefixTable: an immutable map from every IPv4 and IPv6 address to a value, with the ECS scope in
// the leaf.
//
// Shape:   a direct root, then 64-way nodes whose children and leaves are counted with bitmaps
//          (geo/prefix_tree.h): a few MB for the whole Internet, so that walks stay in the cache.
// Scope:   the length of the widest aligned prefix around the address on which the value is
//          constant. Leaves are these prefixes, so two scopes never overlap (RFC 7871 §7.2.1) and
//          an answer is constant in its scope by construction.
// Aliases: IPv6 addresses that carry an IPv4 address (::ffff:0:0/96, 64:ff9b::/96 of RFC 6052,
//          2002::/16 of RFC 3056) get the IPv4 value, with the scope counted in IPv6 bits. No
//          scope outside reaches into an alias prefix.
// Threads: immutable after building; lookups from any thread, without allocation or lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ip.h"
#include "geo/prefix_tree.h"

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

// A prefix whose addresses carry an IPv4 address in the 32 bits after it.
struct V4Alias {
  U128 prefix = 0;
  std::uint8_t length = 0;

  constexpr U128 last() const { return prefix | (~U128{0} >> length); }
  constexpr std::uint32_t embedded(U128 address) const {
    return static_cast<std::uint32_t>(address >> (96 - length));
  }
};
// Ascending by prefix.
inline constexpr std::array<V4Alias, 3> kV4Aliases = {{
    {U128{0xffff} << 32, 96},       // ::ffff:0:0/96
    {U128{0x0064'ff9b} << 96, 96},  // 64:ff9b::/96
    {U128{0x2002} << 112, 16},      // 2002::/16
}};

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

  Match lookup(const IpAddress& address) const noexcept {
    return address.isV4() ? lookupV4(address.asV4()) : lookupV6(address.bits());
  }
  Match lookupV4(std::uint32_t address) const noexcept {
    return match(v4_.find(std::uint64_t{address} << 32));
  }
  Match lookupV6(U128 address) const noexcept {
    const V6Tree::Hit hit = v6_.find(address);
    if (hit.value < first_alias_) return match(hit);
    const V4Alias& alias = kV4Aliases.data()[hit.value - first_alias_];
    Match embedded = lookupV4(alias.embedded(address));
    embedded.scope = static_cast<std::uint8_t>(embedded.scope + alias.length);
    return embedded;
  }

  std::size_t bytes() const;  // heap in use
  // Scopes in the table, v4 and v6, aliases not counted.
  std::size_t leafCount() const { return leaf_count_; }

  // Every leaf in address order, v4 then v6, without aliases: for tests, previews and diffs.
  // `visit(const IpPrefix& scope, std::uint32_t value)`.
  template <class Visit>
  void forEachLeaf(Visit&& visit) const;

 private:
  using V4Tree = PrefixTree<std::uint64_t>;
  using V6Tree = PrefixTree<U128>;

  template <class Hit>
  static constexpr Match match(const Hit& hit) {
    return {hit.value, static_cast<std::uint8_t>(hit.scope)};
  }

  V4Tree v4_;
  V6Tree v6_;
  // In v6_, values from here on are not the caller's but indices in kV4Aliases.
  std::uint32_t first_alias_ = 0;
  std::size_t leaf_count_ = 0;
};

template <class Visit>
void PrefixTable::forEachLeaf(Visit&& visit) const {
  for (std::uint64_t at = 0; at <= 0xffff'ffff;) {
    const auto address = static_cast<std::uint32_t>(at);
    const Match found = lookupV4(address);
    visit(IpPrefix{IpAddress::v4(address), found.scope}, found.value);
    at += std::uint64_t{1} << (32 - found.scope);
  }
  U128 last = 0;  // of the leaf in hand; the address after it may not fit
  for (U128 at = 0;; at = last + 1) {
    const Match found = match(v6_.find(at));
    last = at | (found.scope == 128 ? U128{0} : ~U128{0} >> found.scope);
    if (found.value < first_alias_) visit(IpPrefix{IpAddress::v6(at), found.scope}, found.value);
    if (last == ~U128{0}) return;
  }
}

}  // namespace meridian::geo
