// QueryRates: how many DNS queries a second each subject of the table gets, from totals that are
// looked at now and then; smoothed over kWindow. DNS answers are no load (domain.md §3e): one may
// stand for a client or for thousands. They say how many askers a move touches.
// Threads: the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "partition/map_service.h"

namespace meridian::partition {

class QueryRates {
 public:
  static constexpr std::chrono::seconds kWindow{60};

  // `totals`: answers since the start, by SubjectIx of `map`. Between the first look at a topology
  // and the next nothing is known of who got what.
  void sample(std::vector<std::uint64_t> totals, const MapSnapshot& map, MonotonicTime now);
  // Queries a second; nullopt: not known yet.
  std::optional<double> of(std::string_view subject) const;
  // By subject id; those that are known.
  const std::map<std::string, double, std::less<>>& all() const { return rates_; }
  double sum() const;

 private:
  std::map<std::string, double, std::less<>> rates_;
  std::vector<std::uint64_t> totals_;
  std::shared_ptr<const Topology> topology_;
  MonotonicTime at_{};
};

}  // namespace meridian::partition
