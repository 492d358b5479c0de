#include "partition/load/load_book.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace meridian::partition {
namespace {

bool isUnits(double value) {
  return std::isfinite(value) && value >= 0 && value <= kMaxLoadUnits;
}

bool isFresh(MonotonicTime at, MonotonicTime now) {
  return now - at <= LoadBook::kFresh;
}

// What the topology says: a datacenter's capacity is shared evenly by its eZones.
std::optional<double> statedCapacity(const Topology& topology, EZoneIx ezone) {
  const Datacenter& site = topology.dcOf(ezone);
  if (!site.capacity_units || *site.capacity_units <= 0) return std::nullopt;
  const DcIx dc = topology.ezones[ezone.index()].dc;
  const auto rooms = std::count_if(topology.ezones.begin(), topology.ezones.end(),
                                   [&](const EZone& each) { return each.dc == dc; });
  return *site.capacity_units / static_cast<double>(rooms);
}

}  // namespace

std::string_view loadOutcomeName(LoadOutcome outcome) {
  constexpr std::array<std::string_view, kLoadOutcomes> kNames = {
      "accepted",    "malformed",  "unknown-ezone", "unknown-partition",
      "not-allowed", "bad-number", "bad-time",      "too-many"};
  return kNames[static_cast<std::size_t>(outcome)];
}

std::string_view loadOutcomeText(LoadOutcome outcome) {
  constexpr std::array<std::string_view, kLoadOutcomes> kTexts = {
      "taken",
      "is no load report",
      "the topology has no such eZone",
      "the topology has no such partition",
      "the partition may not be on that eZone",
      "units must be a number from 0, capacity_units one above 0",
      "ts is more than 300 s away from this server's clock",
      "more eZones and partitions are reported than are kept"};
  return kTexts[static_cast<std::size_t>(outcome)];
}

LoadIds::LoadIds(const Topology& topology) : topology_(topology) {
  for (std::size_t i = 0; i < topology.ezones.size(); ++i) {
    ezones_.emplace(topology.ezones[i].id, EZoneIx(static_cast<std::uint16_t>(i)));
  }
  for (std::size_t i = 0; i < topology.partitions.size(); ++i) {
    partitions_.emplace(topology.partitions[i].id, PartitionIx(static_cast<std::uint32_t>(i)));
  }
}

std::optional<EZoneIx> LoadIds::ezone(std::string_view id) const {
  const auto found = ezones_.find(id);
  return found == ezones_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<PartitionIx> LoadIds::partition(std::string_view id) const {
  const auto found = partitions_.find(id);
  return found == partitions_.end() ? std::nullopt : std::optional(found->second);
}

LoadOutcome LoadBook::report(const LoadReport& report, const LoadIds& ids, const LoadTime& now) {
  const LoadOutcome outcome = judged(report, ids, now);
  ++counts_[static_cast<std::size_t>(outcome)];
  if (outcome != LoadOutcome::kAccepted) return outcome;
  reported_ = true;
  Record& record = records_[report.ezone];
  if (report.capacity_units) record.capacity = ReportedCapacity{*report.capacity_units, now.mono};
  if (report.partition.empty()) {
    const bool first = !record.whole;
    if (first) record.whole.emplace();
    add(*record.whole, first, report.units, now);
    return outcome;
  }
  const auto [part, first] = record.parts.try_emplace(report.partition);
  if (first) ++parts_;
  add(part->second, first, report.units, now);
  return outcome;
}

LoadOutcome LoadBook::judged(const LoadReport& report, const LoadIds& ids, const LoadTime& now) {
  const bool capacity =
      !report.capacity_units || (isUnits(*report.capacity_units) && *report.capacity_units > 0);
  if (!isUnits(report.units) || !capacity) return LoadOutcome::kBadNumber;
  // Both are within the years 1970 to 9999: no overflow.
  const auto away = std::chrono::milliseconds(unixMillis(now.wall) - report.ts);
  if (std::chrono::abs(away) > kMaxClockDifference) return LoadOutcome::kBadTime;
  const auto ezone = ids.ezone(report.ezone);
  if (!ezone) return LoadOutcome::kUnknownEZone;
  if (report.partition.empty()) return LoadOutcome::kAccepted;
  const auto partition = ids.partition(report.partition);
  if (!partition) return LoadOutcome::kUnknownPartition;
  const auto& allowed = ids.topology().partitions[partition->index()].allowed;
  if (std::find(allowed.begin(), allowed.end(), *ezone) == allowed.end()) {
    return LoadOutcome::kNotAllowed;
  }
  if (parts_ < kMaxParts) return LoadOutcome::kAccepted;
  const Record* record = find(report.ezone);
  const bool known = record != nullptr && record->parts.contains(report.partition);
  return known ? LoadOutcome::kAccepted : LoadOutcome::kTooMany;
}

void LoadBook::add(SmoothedLoad& to, bool first, double units, const LoadTime& now) {
  const std::chrono::duration<double> passed = now.mono - to.at;
  const std::chrono::duration<double> constant = kTimeConstant;
  const double weight = first ? 1 : 1 - std::exp(-passed.count() / constant.count());
  to.mean += weight * (units - to.mean);
  to.last = units;
  to.at = now.mono;
  to.heard = now.wall;
}

const LoadBook::Record* LoadBook::find(std::string_view ezone) const {
  const auto found = records_.find(ezone);
  return found == records_.end() ? nullptr : &found->second;
}

EZoneLoad LoadBook::loadOf(const Topology& topology, EZoneIx ezone, MonotonicTime now) const {
  EZoneLoad out;
  const Record* record = find(topology.ezones[ezone.index()].id);
  if (record != nullptr && record->whole && isFresh(record->whole->at, now)) {
    out.units = record->whole->mean;
  }
  if (record != nullptr && record->capacity && isFresh(record->capacity->at, now)) {
    out.capacity = record->capacity->units;
  } else {
    out.capacity = statedCapacity(topology, ezone);
  }
  return out;
}

LoadPicture LoadBook::picture(const Topology& topology, const AssignmentTable& table,
                              MonotonicTime now) const {
  LoadPicture out;
  out.reported = reported_;
  const std::size_t count = topology.ezones.size();
  // Of each eZone: what its partitions' reports leave over of its load, and the weight of those
  // that it owns and nobody reports.
  std::vector<double> left(count, 0);
  std::vector<double> weight(count, 0);
  std::vector<const Record*> with_parts;
  for (std::size_t i = 0; i < count; ++i) {
    const EZoneIx ezone(static_cast<std::uint16_t>(i));
    out.ezones.push_back(loadOf(topology, ezone, now));
    left[i] = out.ezones[i].units.value_or(0);
    const Record* record = find(topology.ezones[i].id);
    if (record == nullptr || record->parts.empty()) continue;
    with_parts.push_back(record);
    for (const auto& [id, part] : record->parts) {
      if (isFresh(part.at, now)) left[i] -= part.mean;
    }
    left[i] = std::max(0.0, left[i]);
  }
  out.partitions.resize(topology.partitions.size());
  for (std::size_t i = 0; i < out.partitions.size(); ++i) {
    PartitionLoad& load = out.partitions[i];
    for (const Record* record : with_parts) {
      const auto part = record->parts.find(topology.partitions[i].id);
      if (part == record->parts.end() || !isFresh(part->second.at, now)) continue;
      load.units = load.units.value_or(0) + part->second.mean;
      load.measured = true;
    }
    if (!load.measured) {
      weight[table.assignments[i].ezone.index()] += topology.partitions[i].weight_units;
    }
  }
  for (std::size_t i = 0; i < out.partitions.size(); ++i) {
    PartitionLoad& load = out.partitions[i];
    const std::size_t owner = table.assignments[i].ezone.index();
    if (load.measured || !out.ezones[owner].units) continue;
    load.units =
        weight[owner] > 0 ? left[owner] * topology.partitions[i].weight_units / weight[owner] : 0.0;
  }
  return out;
}

std::optional<LoadStatus> LoadBook::status(std::string_view ezone, MonotonicTime now) const {
  const Record* record = find(ezone);
  if (record == nullptr || !record->whole) return std::nullopt;
  const SmoothedLoad& whole = *record->whole;
  return LoadStatus{whole.last, whole.mean, now - whole.at, whole.heard, isFresh(whole.at, now)};
}

bool LoadBook::reportsCapacity(std::string_view ezone, MonotonicTime now) const {
  const Record* record = find(ezone);
  return record != nullptr && record->capacity && isFresh(record->capacity->at, now);
}

void LoadBook::forget(MonotonicTime now) {
  const auto silent = [&](MonotonicTime at) { return now - at > kKept; };
  for (auto& [id, record] : records_) {
    parts_ -= std::erase_if(record.parts, [&](const auto& part) { return silent(part.second.at); });
    if (record.whole && silent(record.whole->at)) record.whole.reset();
    if (record.capacity && silent(record.capacity->at)) record.capacity.reset();
  }
  std::erase_if(records_, [](const auto& each) {
    return !each.second.whole && !each.second.capacity && each.second.parts.empty();
  });
}

}  // namespace meridian::partition
