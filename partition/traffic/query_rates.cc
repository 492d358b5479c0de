#include "partition/traffic/query_rates.h"

#include <cmath>
#include <utility>

namespace meridian::partition {

void QueryRates::sample(std::vector<std::uint64_t> totals, const MapSnapshot& map,
                        MonotonicTime now) {
  const std::chrono::duration<double> passed = now - at_;
  const bool same = topology_ == map.topology && totals.size() == totals_.size();
  if (same && passed.count() <= 0) return;
  const auto& assignments = map.table->assignments;
  if (!same) {
    std::erase_if(rates_, [&](const auto& each) { return !map.table->find(each.first); });
  } else {
    const double fresh = 1 - std::exp(-passed / std::chrono::duration<double>(kWindow));
    for (std::size_t i = 0; i < totals.size() && i < assignments.size(); ++i) {
      const double rate = static_cast<double>(totals[i] - totals_[i]) / passed.count();
      const auto [known, is_new] = rates_.try_emplace(assignments[i].subject, rate);
      if (!is_new) known->second += fresh * (rate - known->second);
    }
  }
  topology_ = map.topology;
  totals_ = std::move(totals);
  at_ = now;
}

std::optional<double> QueryRates::of(std::string_view subject) const {
  const auto found = rates_.find(subject);
  if (found == rates_.end()) return std::nullopt;
  return found->second;
}

double QueryRates::sum() const {
  double sum = 0;
  for (const auto& [subject, rate] : rates_) sum += rate;
  return sum;
}

}  // namespace meridian::partition
