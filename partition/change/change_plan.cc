#include "partition/change/change_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/utf8.h"

namespace meridian::partition {
namespace {

constexpr std::size_t kMaxReasonBytes = 512;

std::uint32_t longestTtl(const Topology& topology, ZoneIx zone) {
  std::uint32_t ttl = 0;
  for (const Service& service : topology.services) {
    if (service.zone == zone) ttl = std::max(ttl, service.ttl);
  }
  return ttl;
}

MapResult<ChangeItem> planItem(const ChangeTarget& target, ChangeKind kind,
                               const MapSnapshot& map) {
  const Topology& topology = *map.topology;
  const auto subject = map.table->find(target.subject);
  if (!subject) {
    return refuse(ErrorKind::kNotFound, "unknown-subject",
                  fmt::format("there is no partition or global zone \"{}\"", target.subject));
  }
  const Assignment& now = map.table->assignments[subject->index()];
  const bool global = now.kind == SubjectKind::kGlobalZone;
  const bool undoes = kind == ChangeKind::kRollback || kind == ChangeKind::kRevert;
  if (kind != ChangeKind::kSwitch && !undoes && global) {
    return refuse(ErrorKind::kRefused, "global-zone",
                  target.subject + " is a global zone: it moves by a switch");
  }
  if (kind == ChangeKind::kSwitch && !global) {
    return refuse(ErrorKind::kRefused, "not-global",
                  target.subject + " is a partition: it moves by a shift");
  }
  if (target.expected_epoch && *target.expected_epoch != now.epoch) {
    MapError error{{ErrorKind::kConflict, fmt::format("{} is at epoch {}, not {}", target.subject,
                                                      now.epoch, *target.expected_epoch)},
                   "stale-epoch"};
    error.current_epoch = now.epoch;
    return tl::unexpected(std::move(error));
  }
  const auto to = topology.findEZone(target.to);
  if (!to) {
    return refuse(ErrorKind::kRefused, "unknown-ezone",
                  fmt::format("there is no eZone \"{}\"", target.to));
  }
  const Subject known = subjectsOf(topology)[subject->index()];
  if (std::find(known.allowed->begin(), known.allowed->end(), *to) == known.allowed->end()) {
    return refuse(ErrorKind::kRefused, "not-allowed",
                  fmt::format("{} may not be on eZone {}", target.subject, target.to));
  }
  if (now.ezone == *to) {
    return refuse(ErrorKind::kRefused, "already-there",
                  fmt::format("{} is on eZone {} already", target.subject, target.to));
  }
  return ChangeItem{.kind = now.kind,
                    .subject = now.subject,
                    .zone = now.zone,
                    .from = topology.ezones[now.ezone.index()].id,
                    .to = target.to,
                    .epoch = now.epoch,
                    .old_ttl = longestTtl(topology, known.zone)};
}

double weightOf(const Topology& topology, const ChangeItem& item) {
  const auto found = topology.findPartition(item.subject);
  return found ? topology.partitions[found->index()].weight_units : 0;
}

double zoneWeight(const Topology& topology, const std::string& zone) {
  double weight = 0;
  for (const Partition& partition : topology.partitions) {
    if (topology.zones[partition.zone.index()].id == zone) weight += partition.weight_units;
  }
  return weight;
}

// In the order asked for; a wave is full at the policy's number of partitions or share of the zone.
// A partition heavier than that makes a wave of its own.
std::vector<std::vector<ChangeItem>> wavesOf(std::vector<ChangeItem> items,
                                             const Topology& topology, const ChangePolicy& policy) {
  const double bound = zoneWeight(topology, items.front().zone) * policy.max_moving_share;
  std::vector<std::vector<ChangeItem>> waves;
  double weight = 0;
  for (ChangeItem& item : items) {
    const double own = weightOf(topology, item);
    if (waves.empty() || waves.back().size() >= policy.max_wave_partitions ||
        weight + own > bound) {
      waves.emplace_back();
      weight = 0;
    }
    weight += own;
    waves.back().push_back(std::move(item));
  }
  return waves;
}

MapResult<void> checkShape(const ChangeRequest& request) {
  if (request.reason.empty() || request.reason.size() > kMaxReasonBytes ||
      !isPrintableUtf8(request.reason)) {
    return refuse(ErrorKind::kInvalid, "reason",
                  "reason: must be 1 to 512 bytes of printable UTF-8");
  }
  if (request.targets.empty() || request.targets.size() > kMaxTargets) {
    return refuse(ErrorKind::kInvalid, "subjects",
                  fmt::format("subjects: must be 1 to {}", kMaxTargets));
  }
  const bool is_switch = request.kind == ChangeKind::kSwitch;
  if (is_switch && request.targets.size() != 1) {
    return refuse(ErrorKind::kRefused, "one-switch", "a switch moves one global zone");
  }
  if (is_switch && request.mode == ChangeMode::kGradual) {
    return refuse(ErrorKind::kRefused, "mode", "a global zone cannot move in waves");
  }
  if (request.mode != ChangeMode::kEmergency && request.data_policy != DataPolicy::kLossless) {
    return refuse(ErrorKind::kRefused, "data-policy",
                  "only an emergency may lose data; leave data_policy out");
  }
  // A primary that cannot be blocked may have writes that nobody else has: a person must say so.
  if (is_switch && request.mode == ChangeMode::kEmergency &&
      request.data_policy != DataPolicy::kForce) {
    return refuse(ErrorKind::kRefused, "data-policy",
                  "an emergency switch needs data_policy force: writes that were not replicated "
                  "are lost, and the old primary must be fenced first");
  }
  return {};
}

}  // namespace

MapResult<Change> planChange(const ChangeRequest& request, const MapSnapshot& map,
                             const ChangePolicy& policy, WallTime now) {
  if (auto shape = checkShape(request); !shape) return tl::unexpected(shape.error());
  std::vector<ChangeItem> items;
  std::set<std::string> seen;
  for (const ChangeTarget& target : request.targets) {
    if (!seen.insert(target.subject).second) {
      return refuse(ErrorKind::kInvalid, "subjects", target.subject + " is named twice");
    }
    MapResult<ChangeItem> item = planItem(target, request.kind, map);
    if (!item) return tl::unexpected(item.error());
    if (!items.empty() && items.front().zone != item->zone) {
      return refuse(
          ErrorKind::kRefused, "one-zone",
          fmt::format("{} is in zone {}, {} in zone {}: make a change of each",
                      items.front().subject, items.front().zone, item->subject, item->zone));
    }
    items.push_back(std::move(*item));
  }
  Change change;
  change.kind = request.kind;
  change.mode = request.mode;
  change.data_policy = request.data_policy;
  change.actor = request.actor;
  change.reason = request.reason;
  change.overrides = request.overrides;
  change.created = now;
  change.entered = now;
  change.not_before = request.not_before;
  change.expires_at = request.expires_at;
  change.wait_for_holds = request.wait_for_holds;
  change.note = "asked for";
  if (request.mode == ChangeMode::kGradual) {
    change.waves = wavesOf(std::move(items), *map.topology, policy);
  } else {
    change.waves.push_back(std::move(items));
  }
  return change;
}

MapResult<Change> planUndo(const Change& done, ChangeKind kind, ChangeMode mode,
                           const std::string& reason, const std::string& actor,
                           const MapSnapshot& map, const ChangePolicy& policy, WallTime now) {
  ChangeRequest request;
  request.kind = kind;
  request.mode = mode;
  request.reason = reason;
  request.actor = actor;
  bool global = false;
  for (const auto& wave : done.waves) {
    for (const ChangeItem& item : wave) {
      if (!item.moved) continue;
      request.targets.push_back({item.subject, item.from, item.epoch});
      global = item.kind == SubjectKind::kGlobalZone;
    }
  }
  if (request.targets.empty()) {
    return refuse(ErrorKind::kRefused, "nothing-moved",
                  changeId(done.number) + " has moved nothing that could go back");
  }
  if (mode == ChangeMode::kEmergency && global) request.data_policy = DataPolicy::kForce;
  MapResult<Change> change = planChange(request, map, policy, now);
  if (change) change->undoes = done.number;
  return change;
}

}  // namespace meridian::partition
