#include "dns/answer/subject_resolvers.h"

namespace meridian::dns {

void SubjectResolvers::begin(Sketch& sketch, partition::ResolverPeriod period) noexcept {
  for (auto& rank : sketch.ranks) rank.store(0, std::memory_order_relaxed);
  sketch.period.store(period.value, std::memory_order_release);
}

std::optional<HyperLogLog> SubjectResolvers::sketch(std::size_t subject,
                                                    partition::ResolverPeriod period) const {
  if (subject >= kMax) return std::nullopt;
  const Sketch& sketch = sketches_[subject];
  if (sketch.period.load(std::memory_order_acquire) != period.value) return std::nullopt;
  HyperLogLog out;
  for (std::size_t i = 0; i < HyperLogLog::kRegisters; ++i) {
    out.add({i, sketch.ranks[i].load(std::memory_order_relaxed)});
  }
  return out;
}

}  // namespace meridian::dns
