// Sampler: one of so many, at random distances.
//
// A fixed distance would see always the same of queries that repeat in a pattern. Distances are
// drawn evenly from 1 to 2N-1, so that a query that is not taken costs a subtraction. Not secret:
// who knows the seed knows what is taken. Threads: one.
#pragma once

#include <cstdint>
#include <limits>

namespace meridian::dns {

class Sampler {
 public:
  // One of `one_in`; 0: none, 1: all.
  explicit Sampler(std::uint32_t one_in, std::uint64_t seed = 1)
      : one_in_(one_in), random_(seed | 1U) {
    if (one_in_ != 0) left_ = drawn();
  }

  bool take() noexcept {
    if (--left_ != 0) return false;
    left_ = drawn();
    return true;
  }

 private:
  // xorshift64 (Marsaglia, "Xorshift RNGs", 2003), scaled by a product rather than a division.
  std::uint64_t drawn() noexcept {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    const std::uint64_t distances = 2 * std::uint64_t{one_in_} - 1;
    return 1 + ((random_ >> 32U) * distances >> 32U);
  }

  std::uint32_t one_in_;
  std::uint64_t random_;
  std::uint64_t left_ = std::numeric_limits<std::uint64_t>::max();  // of none: never used up
};

}  // namespace meridian::dns
