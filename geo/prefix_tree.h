// PrefixTree: the compressed trie under PrefixTable; one for IPv4, one for IPv6.
//
// A direct root of 2^root_bits entries, then nodes of 64 slots. A slot is in a child node (its bit
// in `children` is set) or in a leaf, which is an aligned run of slots; `leaf_starts` marks the
// first slot of each. Children and leaves of a node are contiguous, their index is a count of bits
// (after Asai and Ohara, "Poptrie", SIGCOMM 2015). A leaf is stored as its value alone, in as few
// bytes as the largest value needs: its scope is the width of its run, which the bitmaps tell.
// Root widths are multiples of 6, so that levels end at /24 and /48, where networks mostly end.
// Figures and what else was tried: docs/decisions/0003-prefix-table.md.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace meridian::geo {

// Set bits of a word. Written out because the build's baseline CPU has no POPCNT instruction: the
// compiler's builtin would be a call to a table-driven library function.
constexpr std::uint32_t countBits(std::uint64_t word) noexcept {
  word -= (word >> 1) & 0x5555555555555555;
  word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
  word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return static_cast<std::uint32_t>((word * 0x0101010101010101) >> 56);
}

// Key: an unsigned integer of at least 64 bits that holds an address left-aligned.
template <class Key>
struct PrefixTree {
  static constexpr unsigned kKeyBits = sizeof(Key) * 8;
  static constexpr unsigned kStride = 6;
  static constexpr std::uint32_t kLeafEntry = 1U << 31;

  struct Node {
    std::uint64_t children = 0;
    std::uint64_t leaf_starts = 0;
    std::uint32_t child_base = 0;  // index in `nodes` of the first child
    std::uint32_t leaf_base = 0;   // index of the first leaf's value
  };
  struct Hit {
    std::uint32_t value = 0;
    unsigned scope = 0;
  };

  // The leaf that holds the address. Ends after at most kKeyBits / kStride + 1 nodes.
  Hit find(Key key) const noexcept {
    std::uint32_t entry = root.data()[static_cast<std::size_t>(key >> (kKeyBits - root_bits))];
    if ((entry & kLeafEntry) != 0) return root_leaves.data()[entry ^ kLeafEntry];
    key <<= root_bits;
    for (unsigned level_end = root_bits + kStride;; level_end += kStride) {
      const Node& node = nodes.data()[entry];
      const std::uint64_t bit = std::uint64_t{1}
                                << static_cast<unsigned>(key >> (kKeyBits - kStride));
      if ((node.children & bit) == 0) return leafAt(node, bit, level_end);
      entry = node.child_base + countBits(node.children & (bit - 1));
      key <<= kStride;
    }
  }

  std::size_t bytes() const {
    return root.capacity() * sizeof(std::uint32_t) + root_leaves.capacity() * sizeof(Hit) +
           nodes.capacity() * sizeof(Node) + values.capacity();
  }

  unsigned root_bits = kStride;
  unsigned value_shift = 0;         // a value takes 2^value_shift bytes: 1, 2 or 4
  std::vector<std::uint32_t> root;  // a node's index, or kLeafEntry | index in root_leaves
  std::vector<Hit> root_leaves;
  std::vector<Node> nodes;
  std::vector<std::uint8_t> values;  // of the leaves of all nodes, in the machine's byte order

 private:
  Hit leafAt(const Node& node, std::uint64_t bit, unsigned level_end) const noexcept {
    const std::uint64_t up_to_here = bit | (bit - 1);
    // Not zero: the slot is in a leaf, which starts here or before.
    const std::uint64_t started = node.leaf_starts & up_to_here;
    const int first = 63 - std::countl_zero(started);
    const int end = std::countr_zero((node.leaf_starts | node.children) & ~up_to_here);
    const auto run = static_cast<unsigned>(end - first);  // a power of two
    return {valueAt(node.leaf_base + countBits(started) - 1),
            level_end - static_cast<unsigned>(std::countr_zero(run))};
  }

  std::uint32_t valueAt(std::size_t index) const noexcept {
    if (value_shift == 0) return values.data()[index];
    if (value_shift == 1) return load<std::uint16_t>(index);
    return load<std::uint32_t>(index);
  }
  template <class Value>
  Value load(std::size_t index) const noexcept {
    Value value;
    std::memcpy(&value, values.data() + index * sizeof value, sizeof value);
    return value;
  }
};

}  // namespace meridian::geo
