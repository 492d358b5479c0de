// SubjectHits: how many answers one worker gave for each subject of the table.
//
// Counted by the subject's index in the state that answered. After a topology the same index may be
// another subject: who reads sums must know when that was (partition/traffic/query_rates.h).
// Threads: written by one, read by any.
#pragma once

#include <cstddef>
#include <memory>

#include "base/counter.h"

namespace meridian::dns {

class SubjectHits {
 public:
  // Far above any sensible number of partitions; those beyond are not counted.
  static constexpr std::size_t kMax = 16'384;

  void add(std::size_t subject) noexcept {
    if (subject < kMax) counts_[subject].add();
  }
  std::uint64_t value(std::size_t subject) const noexcept {
    return subject < kMax ? counts_[subject].value() : 0;
  }

 private:
  std::unique_ptr<Counter[]> counts_ = std::make_unique<Counter[]>(kMax);
};

}  // namespace meridian::dns
