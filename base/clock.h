// The clock seam: code that needs time takes a Clock&, so that tests decide what time it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace meridian {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wallNow() const = 0;  // for people and messages; may jump
  virtual MonotonicTime monotonicNow()
      const = 0;  // for budgets, leases, time-outs; never goes back
};

class SystemClock final : public Clock {
 public:
  WallTime wallNow() const override;
  MonotonicTime monotonicNow() const override;
};

// Seconds since 1970, of 32 bits, as of the kernel's last tick: costs a few nanoseconds, for those
// who ask it for every batch of queries.
std::uint32_t coarseUnixTime();
// Nanoseconds since 1970, as exactly as the kernel knows.
std::uint64_t unixNanos();
// Milliseconds of the monotonic clock, as of the kernel's last tick; ticks are up to 10 ms apart.
std::uint64_t coarseMonotonicMillis();

// "2026-05-01T12:00:00.123Z"
std::string rfc3339(WallTime time);
// Milliseconds since 1970, as messages and stored records carry them.
inline std::int64_t unixMillis(WallTime time) {
  return time.time_since_epoch().count();
}

}  // namespace meridian
