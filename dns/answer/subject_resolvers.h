// SubjectResolvers: about how many resolvers one worker answered for each subject of the table, by
// their addresses; a sketch for each (base/hyperloglog.h).
//
// Like SubjectHits by the subject's index in the state that answered. A sketch belongs to one
// period: the first answer of another begins it anew, so nobody but the worker ever writes. IPv6
// resolvers count by /64: many take a new address for each query. Whoever sends from forged
// addresses is counted as so many resolvers.
// Threads: written by one, read by any; a sketch that begins anew while it is read may show some of
// both periods.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/hyperloglog.h"
#include "base/ip.h"
#include "partition/traffic/resolver_period.h"

namespace meridian::dns {

class SubjectResolvers {
 public:
  // 4 MiB; subjects beyond are not counted (dns/answer/subject_hits.h has the same bound).
  static constexpr std::size_t kMax = 16'384;

  void add(std::size_t subject, const IpAddress& address,
           partition::ResolverPeriod period) noexcept {
    if (subject >= kMax) return;
    Sketch& sketch = sketches_[subject];
    if (sketch.period.load(std::memory_order_relaxed) != period.value) begin(sketch, period);
    const HyperLogLog::Mark mark = HyperLogLog::markOf(hashOf(address));
    std::atomic<std::uint8_t>& rank = sketch.ranks[mark.index];
    if (rank.load(std::memory_order_relaxed) < mark.rank) {
      rank.store(mark.rank, std::memory_order_relaxed);
    }
  }

  // nullopt: no answer in this period.
  std::optional<HyperLogLog> sketch(std::size_t subject, partition::ResolverPeriod period) const;

 private:
  struct Sketch {
    std::atomic<std::uint64_t> period{0};  // ResolverPeriod
    std::atomic<std::uint8_t> ranks[HyperLogLog::kRegisters]{};
  };

  static void begin(Sketch& sketch, partition::ResolverPeriod period) noexcept;

  // The same in every worker, so that their sketches merge. Steps as of MurmurHash3's finalizer.
  static std::uint64_t hashOf(const IpAddress& address) noexcept {
    std::uint64_t hash =
        address.isV4() ? address.asV4() : static_cast<std::uint64_t>(address.bits() >> 64);
    hash ^= hash >> 33;
    hash *= 0xFF51AFD7ED558CCDULL;
    hash ^= hash >> 33;
    hash *= 0xC4CEB9FE1A85EC53ULL;
    return hash ^ hash >> 33;
  }

  std::unique_ptr<Sketch[]> sketches_ = std::make_unique<Sketch[]>(kMax);
};

}  // namespace meridian::dns
