#include "partition/ha/ha_limit.h"

#include <algorithm>
#include <cmath>

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;

// Events that come while there is no room must not make each of them look at all buckets.
constexpr milliseconds kLookAgain{1'000};
// Sums of fractions may miss a whole one by a hair.
constexpr double kHair = 1e-6;

}  // namespace

double TokenBucket::held(MonotonicTime now) const {
  const std::chrono::duration<double> passed = now - at_;
  return std::min(rate_.burst, held_ + passed.count() * rate_.per_second);
}

milliseconds TokenBucket::wait(MonotonicTime now) const {
  const double missing = 1 - held(now);
  if (missing <= kHair) return milliseconds(0);
  return milliseconds(
      static_cast<std::int64_t>(std::ceil(1'000 * missing / rate_.per_second - kHair / 10)));
}

void TokenBucket::take(MonotonicTime now) {
  held_ = std::max(0.0, held(now) - 1);
  at_ = now;
}

std::optional<milliseconds> HaLimit::take(std::string_view cluster, MonotonicTime now) {
  if (const milliseconds wait = all_.wait(now); wait > milliseconds(0)) return wait;
  auto found = clusters_.find(cluster);
  if (found == clusters_.end()) {
    if (clusters_.size() >= kMaxClusters) forgetFull(now);
    if (clusters_.size() >= kMaxClusters) return kLookAgain;
    found = clusters_.emplace(std::string(cluster), TokenBucket(limits_.cluster, now)).first;
  }
  if (const milliseconds wait = found->second.wait(now); wait > milliseconds(0)) return wait;
  all_.take(now);
  found->second.take(now);
  return std::nullopt;
}

void HaLimit::forgetFull(MonotonicTime now) {
  if (looked_ && now - *looked_ < kLookAgain) return;
  std::erase_if(clusters_, [&](const auto& each) { return each.second.full(now); });
  looked_ = now;
}

}  // namespace meridian::partition
