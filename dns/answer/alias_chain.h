// AliasChain: which names and DNAMEs an answer has led through already.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace meridian::dns {

// In one answer; no RFC names a limit, the work must have one.
inline constexpr std::size_t kMaxAliases = 64;

class AliasChain {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): visited_ and dnames_, see there
  AliasChain() : aliases_(0), dname_count_(0) {}

  bool empty() const { return aliases_ == 0; }
  // Whether one more alias may come, and `name` is none that led on before; both by hash.
  bool mayLeadTo(std::uint64_t name) const {
    const auto end = visited_.begin() + static_cast<std::ptrdiff_t>(aliases_);
    return aliases_ < kMaxAliases && std::find(visited_.begin(), end, name) == end;
  }
  // REQUIRES: of at most kMaxAliases + 1 names.
  void add(std::uint64_t name) { visited_[aliases_++] = name; }

  bool hasDname(std::uint32_t node) const {
    const auto end = dnames_.begin() + static_cast<std::ptrdiff_t>(dname_count_);
    return std::find(dnames_.begin(), end, node) != end;
  }
  // REQUIRES: at most one for each alias.
  void addDname(std::uint32_t node) { dnames_[dname_count_++] = node; }

 private:
  // Not initialised: only the first aliases_ and dname_count_ entries are ever read.
  std::array<std::uint64_t, kMaxAliases + 1> visited_;  // hashes of the names that own an alias
  std::array<std::uint32_t, kMaxAliases + 1> dnames_;
  std::size_t aliases_;
  std::size_t dname_count_;
};

}  // namespace meridian::dns
