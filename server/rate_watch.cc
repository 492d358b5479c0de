#include "server/rate_watch.h"

#include <string>
#include <string_view>

#include "base/log.h"

namespace meridian::server {
namespace {

std::string_view kindName(const dns::RateNotice& notice) {
  constexpr std::string_view kNames[dns::kAnswerKinds] = {"positive", "referral", "nodata",
                                                          "nxdomain", "error"};
  return notice.kind ? kNames[static_cast<std::size_t>(*notice.kind)] : "all";
}

std::uint64_t limitedBy(const dns::RateLimiter& limiter) {
  const dns::RateCounters& counters = limiter.counters();
  return counters.dropped.value() + counters.cut.value() + counters.would_drop.value() +
         counters.would_cut.value();
}

}  // namespace

void RateWatch::look() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    dns::RateLimiter* limiter = workers_[i]->limiter();
    if (limiter == nullptr) continue;
    while (const auto notice = limiter->takeNotice()) {
      const std::uint64_t now = limitedBy(*limiter);
      logWarn(dry_run_ ? "rate_would_be_limited" : "rate_limited",
              {{"network", notice->network.text() + "/" + std::to_string(notice->length)},
               {"kind", std::string(kindName(*notice))},
               {"worker", std::to_string(i)},
               {"answers_since_last", std::to_string(now - limited_[i])}});
      limited_[i] = now;
    }
  }
}

}  // namespace meridian::server
