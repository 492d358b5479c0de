// MinuteMax: the largest of the values seen in the last 60 s, in 61 buckets of a second.
//
// A value counts for at least 60 s and at most 61. Pure; no allocation.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "base/clock.h"

namespace meridian::partition {

class MinuteMax {
 public:
  // Values are ≥ 0; those above 2^31−1 count as that. `now` must not go back.
  void add(MonotonicTime now, std::int64_t value) {
    const std::int64_t second = secondOf(now);
    Bucket& bucket = buckets_[static_cast<std::size_t>(second) % buckets_.size()];
    const auto kept = static_cast<std::int32_t>(
        std::min<std::int64_t>(value, std::numeric_limits<std::int32_t>::max()));
    bucket.value = bucket.second == second ? std::max(bucket.value, kept) : kept;
    bucket.second = second;
  }
  // 0 when nothing was seen.
  std::int64_t max(MonotonicTime now) const {
    const std::int64_t oldest = secondOf(now) - 60;
    std::int64_t out = 0;
    for (const Bucket& bucket : buckets_) {
      if (bucket.second >= oldest) out = std::max<std::int64_t>(out, bucket.value);
    }
    return out;
  }

 private:
  struct Bucket {
    std::int64_t second = std::numeric_limits<std::int64_t>::min();
    std::int32_t value = 0;
  };
  static std::int64_t secondOf(MonotonicTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  }

  std::array<Bucket, 61> buckets_;
};

}  // namespace meridian::partition
