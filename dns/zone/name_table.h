// NameTable: lower-cased names → 32-bit indices, by open addressing. It keeps no names: the caller
// says whether a candidate is the one.
//
// A slot holds the index in as many low bits as the table's size needs; the bits above hold a part
// of the hash, so that a wrong slot seldom costs a look at its name. Threads: const calls from any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace meridian::dns {

inline constexpr std::uint32_t kNoIndex = 0xffffffff;

class NameTable {
 public:
  // Whether one more name would fill the table beyond 3/4.
  bool isFull() const { return (used_ + 1) * 4 > slots_.size() * 3; }
  // Forgets all names. REQUIRES: slots is a power of two from 2 to 2^31.
  void reset(std::size_t slots);
  std::size_t slots() const { return slots_.size(); }
  std::size_t bytes() const { return slots_.capacity() * sizeof(std::uint32_t); }
  // REQUIRES: !isFull(), index + 1 < slots(), the name is not in the table.
  void insert(std::uint64_t hash, std::uint32_t index);

  // The index with this hash for which same(index) holds, or kNoIndex.
  template <class Same>
  std::uint32_t find(std::uint64_t hash, const Same& same) const {
    const std::uint32_t tag = tagOf(hash);
    for (std::size_t at = hash & mask_; slots_[at] != 0; at = (at + 1) & mask_) {
      const std::uint32_t slot = slots_[at];
      if ((slot & ~mask_) != tag) continue;
      const std::uint32_t index = (slot & mask_) - 1;
      if (same(index)) return index;
    }
    return kNoIndex;
  }

 private:
  std::uint32_t tagOf(std::uint64_t hash) const {
    return static_cast<std::uint32_t>(hash >> 32) & ~mask_;
  }

  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(2);  // 0 = free, else index + 1
  std::uint32_t mask_ = 1;
  std::size_t used_ = 0;
};

}  // namespace meridian::dns
