// RateWatch: a line in the log for those whose answers are limited (dns/net/rate_limiter), told by
// the control thread: who answers does not log. At most one for each worker in
// RateLimiter::kNoticeEveryMs. Threads: the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "dns/net/udp_worker.h"

namespace meridian::server {

class RateWatch {
 public:
  static constexpr std::chrono::seconds kEvery{1};

  // `workers` must outlive this. `dry_run`: they count, and limit nobody.
  RateWatch(const std::vector<std::unique_ptr<dns::UdpWorker>>& workers, bool dry_run)
      : workers_(workers), dry_run_(dry_run), limited_(workers.size(), 0) {}

  // To be called every kEvery.
  void look();

 private:
  const std::vector<std::unique_ptr<dns::UdpWorker>>& workers_;
  bool dry_run_;
  std::vector<std::uint64_t> limited_;  // by worker: answers, when it was told of last
};

}  // namespace meridian::server
