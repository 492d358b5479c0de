#include "partition/table.h"

#include <algorithm>

namespace meridian::partition {

std::string_view writeStateName(WriteState state) {
  switch (state) {
    case WriteState::kOpen:
      return "OPEN";
    case WriteState::kBlocked:
      return "BLOCKED";
    case WriteState::kSwitching:
      return "SWITCHING";
  }
  return "unknown";
}

std::string_view accessName(Access access) {
  switch (access) {
    case Access::kReadWrite:
      return "READ_WRITE";
    case Access::kReadOnly:
      return "READ_ONLY";
    case Access::kNone:
      return "NONE";
  }
  return "unknown";
}

Access accessOf(const Assignment& assignment, EZoneIx ezone) {
  if (ezone == assignment.ezone) {
    return assignment.write_state == WriteState::kOpen ? Access::kReadWrite : Access::kReadOnly;
  }
  return assignment.kind == SubjectKind::kGlobalZone ? Access::kReadOnly : Access::kNone;
}

std::vector<Subject> subjectsOf(const Topology& topology) {
  std::vector<Subject> subjects;
  subjects.reserve(topology.partitions.size());
  for (const Partition& partition : topology.partitions) {
    subjects.push_back({SubjectKind::kPartition, partition.id, partition.zone, partition.home,
                        &partition.allowed});
  }
  for (std::size_t i = 0; i < topology.zones.size(); ++i) {
    const Zone& zone = topology.zones[i];
    if (zone.kind != ZoneKind::kGlobal) continue;
    subjects.push_back({SubjectKind::kGlobalZone, zone.id, ZoneIx(static_cast<std::uint16_t>(i)),
                        zone.primary, &zone.ezones});
  }
  return subjects;
}

std::optional<SubjectIx> AssignmentTable::find(std::string_view subject) const {
  const auto found =
      std::find_if(assignments.begin(), assignments.end(),
                   [&](const Assignment& assignment) { return assignment.subject == subject; });
  if (found == assignments.end()) return std::nullopt;
  return SubjectIx(static_cast<SubjectIx::Representation>(found - assignments.begin()));
}

Epoch nextEpoch(Epoch current, std::uint8_t slot) {
  const Epoch candidate = current - current % kEpochSlots + slot;
  return candidate > current ? candidate : candidate + kEpochSlots;
}

std::uint8_t slotOf(Epoch epoch) {
  return static_cast<std::uint8_t>(epoch % kEpochSlots);
}

}  // namespace meridian::partition
