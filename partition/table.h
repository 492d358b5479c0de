// AssignmentTable: who owns what, at one revision. Immutable; a commit makes the next one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "partition/ids.h"
#include "partition/model.h"

namespace meridian::partition {

// A subject is a partition of a sharding zone, or a whole global zone.
enum class SubjectKind : std::uint8_t { kPartition, kGlobalZone };

// Whether the owner may write now. kBlocked: a change waits for the copy to catch up; the owner
// only reads until it moves or the lease ends. kSwitching: moved, and the new owner may not write
// yet.
enum class WriteState : std::uint8_t { kOpen, kBlocked, kSwitching };
std::string_view writeStateName(WriteState state);  // "OPEN", …

struct Assignment {
  SubjectKind kind = SubjectKind::kPartition;
  std::string subject;  // partition id or zone id
  std::string zone;     // id of its zone of the model
  EZoneIx ezone;
  std::optional<EZoneIx> prev_ezone;
  Epoch epoch = 0;
  Rev rev = 0;  // of the commit that set it
  WallTime since{};
  std::string change_id, reason, actor;
  WriteState write_state = WriteState::kOpen;
  std::optional<WallTime> block_expires = {};  // end of the lease while kBlocked
  bool prepared = false;                       // about to move: answers carry the prepared TTL
};

// What an eZone may do with a subject's data (domain.md §3a). At most one eZone has kReadWrite.
enum class Access : std::uint8_t { kReadWrite, kReadOnly, kNone };
std::string_view accessName(Access access);  // "READ_WRITE", …
// A global zone's members read; of a partition only the owner has anything.
Access accessOf(const Assignment& assignment, EZoneIx ezone);

// What a topology says about a subject. Points into the Topology.
struct Subject {
  SubjectKind kind = SubjectKind::kPartition;
  std::string_view id;
  ZoneIx zone;
  EZoneIx home;                                   // a global zone's primary
  const std::vector<EZoneIx>* allowed = nullptr;  // contains home
};
// In the order of AssignmentTable::assignments. `topology` must outlive the result.
std::vector<Subject> subjectsOf(const Topology& topology);

struct AssignmentTable {
  Rev rev = 0;
  // Partitions in topology order, then global zones in topology order: assignments[i] is
  // SubjectIx(i), and the first topology.partitions.size() entries line up with
  // Topology::partitions.
  std::vector<Assignment> assignments;

  std::optional<SubjectIx> find(
      std::string_view subject) const;  // by partition id, or by the id of a global zone
};

// The smallest epoch > current whose owner slot is `slot`; for current 0 the slot itself counts if
// it is > 0, else 64.
Epoch nextEpoch(Epoch current, std::uint8_t slot);
std::uint8_t slotOf(Epoch epoch);

}  // namespace meridian::partition
