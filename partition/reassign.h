// How assignments change: one subject moves, or all of them are taken over by a new topology. Pure;
// the caller journals the outcome.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "partition/journal.h"
#include "partition/model.h"
#include "partition/table.h"

namespace meridian::partition {

// Gives `assignment` to `to` by the commit `record` and returns what happened. The epoch rises.
AssignmentMove moveAssignment(Assignment& assignment, const Topology& topology, EZoneIx to,
                              const JournalRecord& record);

// The same owner with a higher epoch of its slot; everything else of `assignment` stays.
AssignmentMove raiseEpoch(Assignment& assignment, const Topology& topology,
                          const JournalRecord& record);

struct Reassignment {
  AssignmentTable table;
  std::vector<AssignmentMove> moves;
  std::vector<Assignment> rows;  // of `table`: those whose stored form changed
};

// Where the epochs of a subject that is not in the current table ended; 0 = never was.
using LastEpoch = std::function<Result<Epoch>(std::string_view subject)>;

// A subject that stays in its zone keeps its eZone where `next` still allows it; all others go
// home. `topology` and `table` are the current ones, both null before the import. Fails as
// last_epoch does.
Result<Reassignment> reassign(const Topology* topology, const AssignmentTable* table,
                              const Topology& next, const JournalRecord& record,
                              const LastEpoch& last_epoch);

}  // namespace meridian::partition
