#include "partition/traffic/resolver_counts.h"

#include <algorithm>

#include "partition/traffic/resolver_period.h"

namespace meridian::partition {
namespace {

std::uint32_t periodNumber(std::uint32_t unix_time) {
  return unix_time >> ResolverPeriod::kShift;
}

}  // namespace

void ResolverCounts::sample(const std::vector<HyperLogLog>& sketches, const MapSnapshot& map,
                            std::uint32_t unix_time) {
  if (since_ == 0 || unix_time < last_) {
    kept_.clear();
    since_ = unix_time;
    last_ = unix_time;
  }
  std::erase_if(kept_, [&](const auto& each) { return !map.table->find(each.first); });
  const std::uint32_t passed = periodNumber(unix_time) - periodNumber(last_);
  if (passed > 0) {
    for (auto& [subject, kept] : kept_) {
      kept.before = passed == 1 ? kept.now : HyperLogLog();
      kept.now = HyperLogLog();
    }
  }
  const auto& assignments = map.table->assignments;
  for (std::size_t i = 0; i < sketches.size() && i < assignments.size(); ++i) {
    kept_[assignments[i].subject].now.merge(sketches[i]);
  }
  last_ = unix_time;
}

std::optional<ResolverCount> ResolverCounts::of(
    const std::vector<std::string_view>& subjects) const {
  HyperLogLog all;
  bool known = false;
  for (const std::string_view subject : subjects) {
    const auto found = kept_.find(subject);
    if (found == kept_.end()) continue;
    known = true;
    all.merge(found->second.now);
    all.merge(found->second.before);
  }
  if (!known) return std::nullopt;
  const std::uint32_t begun = periodNumber(last_) << ResolverPeriod::kShift;
  const std::uint32_t before = begun - std::min(begun, ResolverPeriod::kSeconds);
  return ResolverCount{all.estimate(), std::chrono::seconds(last_ - std::max(since_, before))};
}

}  // namespace meridian::partition
