// HaLimit: how many HA events may be taken, of each cluster and of all together (docs/hooks.md,
// "Inbound"): token buckets. A bucket holds `burst` events and fills with `rate` of them a second.
//
// Memory: at most kMaxClusters buckets. One that is full again is the same as none, and makes room;
// while there is no room, events of clusters without a bucket are refused. Pure: time comes in with
// each call and must not go back. Threads: one.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace meridian::partition {

struct HaRate {
  double per_second = 1;  // > 0
  double burst = 1;       // >= 1
};
// Defaults: a failover of one cluster is a handful of events, of a whole site one or two for each
// cluster in it.
struct HaLimits {
  HaRate cluster{20, 512};
  HaRate all{500, 4096};
};

class TokenBucket {
 public:
  TokenBucket(HaRate rate, MonotonicTime now) : rate_(rate), held_(rate.burst), at_(now) {}
  // How long until there is one; zero: now.
  std::chrono::milliseconds wait(MonotonicTime now) const;
  // REQUIRES: wait(now) is zero
  void take(MonotonicTime now);
  bool full(MonotonicTime now) const { return held(now) >= rate_.burst; }

 private:
  double held(MonotonicTime now) const;

  HaRate rate_;
  double held_;
  MonotonicTime at_;
};

class HaLimit {
 public:
  static constexpr std::size_t kMaxClusters = 4'096;

  HaLimit(HaLimits limits, MonotonicTime now) : limits_(limits), all_(limits.all, now) {}

  // nullopt: the event may be taken, and is counted. Otherwise nothing is, and it may be told again
  // after that long (more than zero).
  std::optional<std::chrono::milliseconds> take(std::string_view cluster, MonotonicTime now);
  std::size_t size() const { return clusters_.size(); }

 private:
  void forgetFull(MonotonicTime now);

  HaLimits limits_;
  TokenBucket all_;
  std::map<std::string, TokenBucket, std::less<>> clusters_;
  std::optional<MonotonicTime> looked_ = {};  // when forgetFull() last found no room
};

}  // namespace meridian::partition
