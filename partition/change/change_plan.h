// From what somebody asks for to a Change: which subjects, from where, in which waves. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "partition/change/change.h"
#include "partition/map_service.h"

namespace meridian::partition {

struct ChangeTarget {
  std::string subject;  // partition or global zone id
  std::string to;       // eZone id
  std::optional<Epoch> expected_epoch = {};
};

struct ChangeRequest {
  ChangeKind kind = ChangeKind::kShift;
  ChangeMode mode = ChangeMode::kPlanned;
  DataPolicy data_policy = DataPolicy::kLossless;
  std::vector<ChangeTarget> targets;  // 1 to kMaxTargets
  std::string reason, actor;
  std::vector<RuleOverride> overrides = {};
  std::optional<WallTime> not_before = {};
  std::optional<WallTime> expires_at = {};
  bool wait_for_holds = false;
  bool dry_run = false;
};
inline constexpr std::size_t kMaxTargets = 4096;

// Checks that the request makes sense in this map (subjects, eZones, epochs, kind and mode) and
// lays out the waves: one, or for a gradual change as many as the policy's bounds ask for. Whether
// it is safe is not asked here. `number` is left 0.
MapResult<Change> planChange(const ChangeRequest& request, const MapSnapshot& map,
                             const ChangePolicy& policy, WallTime now);

// A change that takes what `done` has moved back to where it was, in one wave or as `mode` says.
// kRefused (rule "nothing-moved") when it has moved nothing.
MapResult<Change> planUndo(const Change& done, ChangeKind kind, ChangeMode mode,
                           const std::string& reason, const std::string& actor,
                           const MapSnapshot& map, const ChangePolicy& policy, WallTime now);

}  // namespace meridian::partition
