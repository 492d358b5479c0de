#include "geo/prefix_table.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace meridian::geo {
namespace {

unsigned trailingZeros(U128 word) {
  const auto low = static_cast<std::uint64_t>(word);
  if (low != 0) return static_cast<unsigned>(std::countr_zero(low));
  return 64 + static_cast<unsigned>(std::countr_zero(static_cast<std::uint64_t>(word >> 64)));
}
unsigned trailingZeros(std::uint32_t word) {
  return static_cast<unsigned>(std::countr_zero(word));
}
unsigned leadingZeros(U128 word) {
  const auto high = static_cast<std::uint64_t>(word >> 64);
  if (high != 0) return static_cast<unsigned>(std::countl_zero(high));
  return 64 + static_cast<unsigned>(std::countl_zero(static_cast<std::uint64_t>(word)));
}
unsigned leadingZeros(std::uint32_t word) {
  return static_cast<unsigned>(std::countl_zero(word));
}

// Cuts sorted ranges, with the aliases laid over them, into the widest aligned prefixes of constant
// value, in address order. A greedy cut from the left is the widest one: an aligned block that
// starts earlier and reaches here would have been taken at its own start.
template <class Range>
class ScopeCursor {
 public:
  using Address = decltype(Range::first);

  // The alias of index i gets the value `first_alias` + i.
  ScopeCursor(std::span<const Range> ranges, std::span<const V4Alias> aliases,
              std::uint32_t first_alias)
      : ranges_(ranges), aliases_(aliases), first_alias_(first_alias) {
    openRun();
    cut();
  }

  // The scope in hand. REQUIRES: !done().
  Address first() const { return first_; }
  unsigned length() const { return length_; }
  std::uint32_t value() const { return value_; }
  bool done() const { return done_; }

  void next() {
    const Address last = lastOfScope();
    if (last == std::numeric_limits<Address>::max()) {
      done_ = true;
      return;
    }
    first_ = static_cast<Address>(last + 1);
    if (last == run_last_) openRun();
    cut();
  }

 private:
  Address lastOfScope() const {
    return length_ == kAddressBits<Address> ? first_ : first_ | (~Address{0} >> length_);
  }

  // The run of one value that starts at first_.
  void openRun() {
    while (range_ + 1 < ranges_.size() && ranges_[range_ + 1].first <= first_) ++range_;
    if (alias_ < aliases_.size() && first_ == aliases_[alias_].prefix) {
      value_ = first_alias_ + static_cast<std::uint32_t>(alias_);
      run_last_ = static_cast<Address>(aliases_[alias_].last());
      ++alias_;
      return;
    }
    value_ = ranges_[range_].value;
    while (range_ + 1 < ranges_.size() && ranges_[range_ + 1].value == value_) ++range_;
    run_last_ = range_ + 1 < ranges_.size() ? static_cast<Address>(ranges_[range_ + 1].first - 1)
                                            : std::numeric_limits<Address>::max();
    if (alias_ < aliases_.size() && aliases_[alias_].prefix <= run_last_) {
      run_last_ = static_cast<Address>(aliases_[alias_].prefix - 1);
    }
  }

  // The largest block is bounded by the alignment of first_ and by what is left of the run.
  void cut() {
    const auto less_one = static_cast<Address>(run_last_ - first_);
    const auto count = static_cast<Address>(less_one + 1);  // 0: the whole address space
    const unsigned fits = count == 0 ? 0 : leadingZeros(count) + 1;
    const unsigned aligned = first_ == 0 ? 0 : kAddressBits<Address> - trailingZeros(first_);
    length_ = std::max(fits, aligned);
  }

  std::span<const Range> ranges_;
  std::span<const V4Alias> aliases_;
  std::uint32_t first_alias_;
  std::size_t range_ = 0;
  std::size_t alias_ = 0;
  Address first_ = 0;
  Address run_last_ = 0;
  unsigned length_ = 0;
  std::uint32_t value_ = 0;
  bool done_ = false;
};

template <class Range>
std::uint32_t largestValue(std::span<const Range> ranges) {
  const auto less = [](const Range& a, const Range& b) { return a.value < b.value; };
  return std::max_element(ranges.begin(), ranges.end(), less)->value;
}

// Fills a tree from the scopes in one pass. A node is finished when all of its slots were seen, so
// its children and leaves are gathered on the stack first and then appended together.
template <class Key, class Range>
class TreeBuilder {
 public:
  using Tree = PrefixTree<Key>;
  using Node = typename Tree::Node;

  TreeBuilder(std::span<const Range> ranges, std::span<const V4Alias> aliases,
              std::uint32_t first_alias)
      : cursor_(ranges, aliases, first_alias), first_alias_(first_alias) {
    // A small table gets a small root: there may be hundreds of placements.
    tree_.root_bits = ranges.size() < 512 ? 6 : ranges.size() < 65536 ? 12 : 18;
    const std::size_t largest = first_alias + aliases.size();
    tree_.value_shift = largest <= 0xff ? 0 : largest <= 0xffff ? 1 : 2;
  }

  Tree build() {
    const std::size_t size = std::size_t{1} << tree_.root_bits;
    tree_.root.reserve(size);
    while (tree_.root.size() < size) {
      if (cursor_.length() > tree_.root_bits) {
        const Node node = buildNode(tree_.root_bits);
        tree_.root.push_back(static_cast<std::uint32_t>(tree_.nodes.size()));
        tree_.nodes.push_back(node);
      } else {
        const auto leaf = static_cast<std::uint32_t>(tree_.root_leaves.size());
        tree_.root.insert(tree_.root.end(), slotsOfLeaf(tree_.root_bits), Tree::kLeafEntry | leaf);
        const unsigned scope = cursor_.length();
        tree_.root_leaves.push_back({takeLeaf(), scope});
      }
    }
    tree_.root_leaves.shrink_to_fit();
    tree_.nodes.shrink_to_fit();
    tree_.values.shrink_to_fit();
    return std::move(tree_);
  }
  // Scopes seen, aliases not counted.
  std::size_t scopes() const { return scopes_; }

 private:
  static constexpr unsigned kSlots = 1U << Tree::kStride;

  // How many slots of a level that ends at bit `level_end` the scope in hand covers.
  std::size_t slotsOfLeaf(unsigned level_end) const {
    return std::size_t{1} << (level_end - cursor_.length());
  }

  std::uint32_t takeLeaf() {
    const std::uint32_t value = cursor_.value();
    if (value < first_alias_) ++scopes_;
    cursor_.next();
    return value;
  }

  // The node of the addresses that begin with the first `depth` bits of the scope in hand.
  Node buildNode(unsigned depth) {
    const unsigned level_end = depth + Tree::kStride;
    std::array<Node, kSlots> children;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): only the first leaf_count are read
    std::array<std::uint32_t, kSlots> leaves;
    std::size_t child_count = 0;
    std::size_t leaf_count = 0;
    Node node;
    for (std::size_t slot = 0; slot < kSlots;) {
      const std::uint64_t bit = std::uint64_t{1} << slot;
      if (cursor_.length() > level_end) {
        node.children |= bit;
        children.data()[child_count++] = buildNode(level_end);
        ++slot;
      } else {
        node.leaf_starts |= bit;
        slot += slotsOfLeaf(level_end);
        leaves.data()[leaf_count++] = takeLeaf();
      }
    }
    node.child_base = static_cast<std::uint32_t>(tree_.nodes.size());
    node.leaf_base = static_cast<std::uint32_t>(tree_.values.size() >> tree_.value_shift);
    tree_.nodes.insert(tree_.nodes.end(), children.data(), children.data() + child_count);
    for (std::size_t i = 0; i < leaf_count; ++i) appendValue(leaves.data()[i]);
    return node;
  }

  void appendValue(std::uint32_t value) {
    const auto append = [&](auto narrow) {
      const auto bytes = std::bit_cast<std::array<std::uint8_t, sizeof narrow>>(narrow);
      tree_.values.insert(tree_.values.end(), bytes.begin(), bytes.end());
    };
    if (tree_.value_shift == 0) {
      tree_.values.push_back(static_cast<std::uint8_t>(value));
    } else if (tree_.value_shift == 1) {
      append(static_cast<std::uint16_t>(value));
    } else {
      append(value);
    }
  }

  ScopeCursor<Range> cursor_;
  std::uint32_t first_alias_;
  Tree tree_;
  std::size_t scopes_ = 0;
};

}  // namespace

PrefixTable::PrefixTable(std::span<const V4Range> v4, std::span<const V6Range> v6)
    : first_alias_(largestValue(v6) + 1) {
  TreeBuilder<std::uint64_t, V4Range> v4_builder(v4, {}, largestValue(v4) + 1);
  v4_ = v4_builder.build();
  TreeBuilder<U128, V6Range> v6_builder(v6, kV4Aliases, first_alias_);
  v6_ = v6_builder.build();
  leaf_count_ = v4_builder.scopes() + v6_builder.scopes();
}

std::size_t PrefixTable::bytes() const {
  return v4_.bytes() + v6_.bytes();
}

}  // namespace meridian::geo
