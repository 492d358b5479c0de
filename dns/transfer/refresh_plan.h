// RefreshPlan: when a zone that comes from primaries is asked for next, whom, and when it has
// expired (RFC 1034 §4.3.5, RFC 1996 §4.7). Pure: facts and the time in, a plan out.
//
// A round asks one primary after another, in their order, until one answers. A round that succeeded
// is followed by the next after the SOA's REFRESH; one that failed after its RETRY, or, of a zone
// that never came, after a wait that doubles. A notice brings the next round forward. One round at
// a time: begin() … succeeded(), or failed() as often as it says that another primary is to be
// asked.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "dns/zone/serial.h"

namespace meridian::dns {

// A SOA's times within sane bounds. EXPIRE is never shorter than REFRESH and RETRY together: a zone
// would expire while its primary is well.
struct RefreshTimes {
  std::chrono::seconds refresh, retry, expire;

  static constexpr std::chrono::seconds kMin{1};
  static constexpr std::chrono::seconds kMaxRefresh{28 * 86400};
  static constexpr std::chrono::seconds kMaxRetry{14 * 86400};
  static constexpr std::chrono::seconds kMaxExpire{168 * 86400};
  static RefreshTimes of(const SoaTimes& soa);
};

class RefreshPlan {
 public:
  // Between the beginnings of two rounds, whatever notices come.
  static constexpr std::chrono::milliseconds kMinDistance{500};
  // Of a zone that never came: after the first failed round, and the most.
  static constexpr std::chrono::milliseconds kFirstWait{2000};
  static constexpr std::chrono::milliseconds kMaxWait{600'000};
  // Rounds of zones that came at the same time spread over this part of their wait.
  static constexpr double kJitter = 0.1;

  // Of a zone that never came. REQUIRES: primaries > 0.
  RefreshPlan(std::size_t primaries, MonotonicTime now) : primaries_(primaries), due_(now) {}
  // Of one that is here, last known to be its primary's `age` ago.
  RefreshPlan(std::size_t primaries, MonotonicTime now, const RefreshTimes& times,
              std::chrono::milliseconds age);

  // When the next round is to begin. Not of use while one is under way.
  MonotonicTime due() const { return due_; }
  bool underWay() const { return under_way_; }
  // When the zone expires unless a round succeeds before; nullopt: it never came, or has expired.
  std::optional<MonotonicTime> expires() const { return expires_; }
  // Whom to ask, from 0 up.
  std::size_t primary() const { return primary_; }
  // In which the primary that told comes first.
  void begin(MonotonicTime now);
  // `jitter`: anything from 0 to 1, by chance.
  void succeeded(MonotonicTime now, const RefreshTimes& times, double jitter);
  // True: primary() is to be asked now. False: the round is over.
  bool failed(MonotonicTime now, double jitter);
  // By one of the primaries, or somebody else.
  void notified(MonotonicTime now, std::optional<std::size_t> primary);
  // Whether it has just expired: true once for each time that it does.
  bool expire(MonotonicTime now);

 private:
  void scheduleAfter(MonotonicTime now, std::chrono::milliseconds wait, double jitter);

  std::size_t primaries_;
  std::size_t primary_ = 0;
  std::size_t asked_ = 0;  // in this round
  std::size_t first_ = 0;  // of the next round
  MonotonicTime due_;
  std::optional<MonotonicTime> begun_ = {};  // the last round
  std::optional<MonotonicTime> expires_ = {};
  std::optional<RefreshTimes> times_ = {};  // nullopt: it never came
  unsigned failures_ = 0;                   // rounds in a row
  bool under_way_ = false;
  bool notified_ = false;  // while a round was under way
};

}  // namespace meridian::dns
