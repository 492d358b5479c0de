#include "base/hyperloglog.h"

#include <cmath>

namespace meridian {

void HyperLogLog::merge(const HyperLogLog& other) noexcept {
  for (std::size_t i = 0; i < kRegisters; ++i) ranks_[i] = std::max(ranks_[i], other.ranks_[i]);
}

double HyperLogLog::estimate() const {
  constexpr double kCount = kRegisters;
  constexpr double kAlpha = 0.7213 / (1 + 1.079 / kCount);
  double sum = 0;
  std::size_t untouched = 0;
  for (const std::uint8_t rank : ranks_) {
    sum += std::ldexp(1.0, -int{rank});
    if (rank == 0) ++untouched;
  }
  const double raw = kAlpha * kCount * kCount / sum;
  if (raw > 2.5 * kCount || untouched == 0) return raw;
  return kCount * std::log(kCount / static_cast<double>(untouched));
}

}  // namespace meridian
