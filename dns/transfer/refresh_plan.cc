#include "dns/transfer/refresh_plan.h"

#include <algorithm>

namespace meridian::dns {

using std::chrono::milliseconds;
using std::chrono::seconds;

RefreshTimes RefreshTimes::of(const SoaTimes& soa) {
  RefreshTimes out{};
  out.refresh = std::clamp(seconds(soa.refresh), kMin, kMaxRefresh);
  out.retry = std::clamp(seconds(soa.retry), kMin, kMaxRetry);
  out.expire = std::min(std::max(seconds(soa.expire), out.refresh + out.retry), kMaxExpire);
  return out;
}

RefreshPlan::RefreshPlan(std::size_t primaries, MonotonicTime now, const RefreshTimes& times,
                         milliseconds age)
    : primaries_(primaries), due_(now), times_(times) {
  // The primary may have changed while nobody asked it: a start asks at once.
  expires_ = now + times.expire - std::clamp<milliseconds>(age, milliseconds(0), times.expire);
}

void RefreshPlan::scheduleAfter(MonotonicTime now, milliseconds wait, double jitter) {
  const double part = 1.0 - kJitter * std::clamp(jitter, 0.0, 1.0);
  due_ = now + milliseconds(static_cast<std::int64_t>(static_cast<double>(wait.count()) * part));
  under_way_ = false;
  if (notified_) due_ = std::min(due_, std::max(now, *begun_ + kMinDistance));
  notified_ = false;
}

void RefreshPlan::begin(MonotonicTime now) {
  under_way_ = true;
  begun_ = now;
  asked_ = 0;
  primary_ = first_;
  first_ = 0;
}

void RefreshPlan::succeeded(MonotonicTime now, const RefreshTimes& times, double jitter) {
  times_ = times;
  failures_ = 0;
  expires_ = now + times.expire;
  scheduleAfter(now, times.refresh, jitter);
}

bool RefreshPlan::failed(MonotonicTime now, double jitter) {
  if (++asked_ < primaries_) {
    primary_ = (primary_ + 1) % primaries_;
    return true;
  }
  milliseconds wait = kFirstWait;
  if (times_) {
    wait = times_->retry;
  } else {
    for (unsigned i = 0; i < failures_ && wait < kMaxWait; ++i) wait *= 2;
    wait = std::min(wait, kMaxWait);
  }
  ++failures_;
  scheduleAfter(now, wait, jitter);
  return false;
}

void RefreshPlan::notified(MonotonicTime now, std::optional<std::size_t> primary) {
  first_ = primary.value_or(0);
  if (under_way_) {
    notified_ = true;
    return;
  }
  const MonotonicTime soonest = begun_ ? std::max(now, *begun_ + kMinDistance) : now;
  due_ = std::min(due_, soonest);
}

bool RefreshPlan::expire(MonotonicTime now) {
  if (!expires_ || now < *expires_) return false;
  expires_.reset();
  return true;
}

}  // namespace meridian::dns
