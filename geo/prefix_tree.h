// PrefixTree: the compressed trie under PrefixTable; one for IPv4, one for IPv6.
//
// A direct root of 2^root_bits entries, then nodes of 64 slots. A slot is either inside a child
// node (its bit in `children`) or inside a leaf; `leaf_starts` marks the slots at which another
// leaf begins, so that a leaf of many slots is stored once. Children and leaves of a node are
// contiguous, their index is a count of bits (after Asai and Ohara, "Poptrie", SIGCOMM 2015).
// Root widths are multiples of 6, so that levels end at /24 and /48, where networks mostly end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace meridian::geo {

// Set bits of a word. Written out because the build's baseline CPU has no POPCNT instruction: the
// compiler's builtin would be a call into a table-driven libgcc function. Compilers that may use
// POPCNT recognise the pattern (docs/decisions/0003-prefix-table.md has the figures).
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
    std::uint32_t leaf_base = 0;   // index in `leaves` of the first leaf
  };

  // The leaf that holds the address. Ends after at most kKeyBits / kStride + 1 nodes.
  std::uint32_t find(Key key) const noexcept {
    std::uint32_t entry = root.data()[static_cast<std::size_t>(key >> (kKeyBits - root_bits))];
    if ((entry & kLeafEntry) != 0) return leaves.data()[entry ^ kLeafEntry];
    key <<= root_bits;
    for (;;) {
      const Node& node = nodes.data()[entry];
      const std::uint64_t bit = std::uint64_t{1}
                                << static_cast<unsigned>(key >> (kKeyBits - kStride));
      if ((node.children & bit) == 0) {
        // At least one leaf starts at or before this slot: the node's first one.
        return leaves.data()[node.leaf_base + countBits(node.leaf_starts & (bit - 1 + bit)) - 1];
      }
      entry = node.child_base + countBits(node.children & (bit - 1));
      key <<= kStride;
    }
  }

  std::size_t bytes() const {
    return root.capacity() * sizeof(std::uint32_t) + nodes.capacity() * sizeof(Node) +
           leaves.capacity() * sizeof(std::uint32_t);
  }

  unsigned root_bits = kStride;
  std::vector<std::uint32_t> root;  // a node's index, or kLeafEntry | a leaf's index
  std::vector<Node> nodes;
  std::vector<std::uint32_t> leaves;  // value << 8 | scope
};

}  // namespace meridian::geo
