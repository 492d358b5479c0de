#include "partition/traffic/arrivals.h"

namespace meridian::partition {
namespace {

bool stillCounts(MonotonicTime at, MonotonicTime now) {
  return now - at <= ArrivalBook::kFresh;
}

}  // namespace

std::string_view arrivalOutcomeName(ArrivalOutcome outcome) {
  constexpr std::array<std::string_view, kArrivalOutcomes> kNames = {
      "accepted", "malformed", "unknown-subject", "unknown-ezone",
      "bad-time", "outdated",  "too-many"};
  return kNames[static_cast<std::size_t>(outcome)];
}

std::string_view arrivalOutcomeText(ArrivalOutcome outcome) {
  constexpr std::array<std::string_view, kArrivalOutcomes> kTexts = {
      "taken",
      "is no report of arrivals",
      "no partition and no global zone has that id",
      "the topology has no such eZone",
      "ts is more than 300 s away from this server's clock",
      "the router has told something newer",
      "more routers report than are kept"};
  return kTexts[static_cast<std::size_t>(outcome)];
}

ArrivalIds::ArrivalIds(const MapSnapshot& map) {
  for (const Assignment& each : map.table->assignments) subjects_.insert(each.subject);
  for (const EZone& each : map.topology->ezones) ezones_.insert(each.id);
}

ArrivalOutcome ArrivalBook::report(const ArrivalReport& report, const ArrivalIds& ids,
                                   const ArrivalTime& now) {
  const ArrivalOutcome outcome = taken(report, ids, now);
  ++counts_[static_cast<std::size_t>(outcome)];
  return outcome;
}

ArrivalOutcome ArrivalBook::taken(const ArrivalReport& report, const ArrivalIds& ids,
                                  const ArrivalTime& now) {
  // Both are within the years 1970 to 9999: no overflow.
  const auto away = std::chrono::milliseconds(unixMillis(now.wall) - report.ts);
  if (std::chrono::abs(away) > kMaxClockDifference) return ArrivalOutcome::kBadTime;
  if (!ids.subject(report.subject)) return ArrivalOutcome::kUnknownSubject;
  if (!ids.ezone(report.ezone)) return ArrivalOutcome::kUnknownEZone;
  Routers& routers = subjects_[report.subject][report.ezone];
  auto found = routers.find(report.router);
  if (found == routers.end()) {
    if (routers.size() >= kMaxRouters || kept_ >= kMaxKept) return ArrivalOutcome::kTooMany;
    found = routers.emplace(report.router, Heard{}).first;
    ++kept_;
  } else if (report.ts <= found->second.ts && stillCounts(found->second.at, now.mono)) {
    return ArrivalOutcome::kOutdated;
  }
  const double rate =
      1'000 * static_cast<double>(report.arrivals) / static_cast<double>(report.interval_ms);
  found->second = {rate, now.mono, report.ts};
  return ArrivalOutcome::kAccepted;
}

std::optional<double> ArrivalBook::share(std::string_view subject, std::string_view ezone,
                                         MonotonicTime now) const {
  const auto rooms = subjects_.find(subject);
  if (rooms == subjects_.end()) return std::nullopt;
  double all = 0;
  std::optional<double> there;
  for (const auto& [room, routers] : rooms->second) {
    for (const auto& [router, heard] : routers) {
      if (!stillCounts(heard.at, now)) continue;
      all += heard.per_second;
      if (room == ezone) there = there.value_or(0) + heard.per_second;
    }
  }
  if (!there || all <= 0) return std::nullopt;
  return *there / all;
}

void ArrivalBook::forget(MonotonicTime now) {
  for (auto& [subject, rooms] : subjects_) {
    for (auto& [room, routers] : rooms) {
      kept_ -= std::erase_if(routers,
                             [&](const auto& each) { return !stillCounts(each.second.at, now); });
    }
    std::erase_if(rooms, [](const auto& each) { return each.second.empty(); });
  }
  std::erase_if(subjects_, [](const auto& each) { return each.second.empty(); });
}

}  // namespace meridian::partition
