#include "partition/reassign.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace meridian::partition {
namespace {

const std::string& idOf(const Topology& topology, EZoneIx ezone) {
  return topology.ezones[ezone.index()].id;
}

bool isAllowed(const Subject& subject, EZoneIx ezone) {
  return std::find(subject.allowed->begin(), subject.allowed->end(), ezone) !=
         subject.allowed->end();
}

// The owner, the fence and the words of a commit.
void assign(Assignment& assignment, const Topology& topology, EZoneIx to, Epoch last,
            const JournalRecord& record) {
  assignment.ezone = to;
  assignment.epoch = nextEpoch(last, topology.ezones[to.index()].slot);
  assignment.rev = record.rev;
  assignment.since = record.at;
  assignment.change_id = fmt::format("rev-{}", record.rev);
  assignment.reason = record.reason;
  assignment.actor = record.actor;
  assignment.write_state = WriteState::kOpen;
  assignment.block_expires.reset();
  assignment.prepared = false;
}

class TakeOver {
 public:
  // `before` is null only when no subject can have been assigned yet.
  TakeOver(const Topology* before, const Topology& next, const JournalRecord& record)
      : before_(before), next_(next), record_(record) {}

  void add(const Subject& subject, Epoch last) {
    settle(subject, last, std::string(), std::nullopt);
  }

  void carryOver(const Subject& subject, const Assignment& old) {
    const std::optional<EZoneIx> ezone = translated(old.ezone);
    const bool same_zone = old.kind == subject.kind && old.zone == zoneOf(subject);
    if (!ezone || !same_zone || !isAllowed(subject, *ezone)) {
      settle(subject, old.epoch, idOf(*before_, old.ezone), ezone);
      return;
    }
    Assignment kept = old;
    kept.ezone = *ezone;
    if (old.prev_ezone) kept.prev_ezone = translated(*old.prev_ezone);
    // The stored row names an eZone that is gone; should the id come back, it is not that eZone.
    if (kept.prev_ezone.has_value() != old.prev_ezone.has_value()) out_.rows.push_back(kept);
    out_.table.assignments.push_back(std::move(kept));
  }

  void remove(const Assignment& old) {
    out_.moves.push_back(
        {old.kind, old.subject, old.zone, idOf(*before_, old.ezone), std::string(), old.epoch, 0});
  }

  Reassignment take() {
    out_.table.rev = record_.rev;
    return std::move(out_);
  }

 private:
  const std::string& zoneOf(const Subject& subject) const {
    return next_.zones[subject.zone.index()].id;
  }
  std::optional<EZoneIx> translated(EZoneIx old) const {
    return next_.findEZone(idOf(*before_, old));
  }

  void settle(const Subject& subject, Epoch last, std::string from, std::optional<EZoneIx> prev) {
    Assignment assignment;
    assignment.kind = subject.kind;
    assignment.subject = std::string(subject.id);
    assignment.zone = zoneOf(subject);
    assignment.prev_ezone = prev;
    assign(assignment, next_, subject.home, last, record_);
    out_.moves.push_back({subject.kind, assignment.subject, assignment.zone, std::move(from),
                          idOf(next_, subject.home), last, assignment.epoch});
    out_.rows.push_back(assignment);
    out_.table.assignments.push_back(std::move(assignment));
  }

  const Topology* before_;
  const Topology& next_;
  const JournalRecord& record_;
  Reassignment out_;
};

}  // namespace

AssignmentMove moveAssignment(Assignment& assignment, const Topology& topology, EZoneIx to,
                              const JournalRecord& record) {
  AssignmentMove move{assignment.kind,
                      assignment.subject,
                      assignment.zone,
                      idOf(topology, assignment.ezone),
                      idOf(topology, to),
                      assignment.epoch,
                      0};
  assignment.prev_ezone = assignment.ezone;
  assign(assignment, topology, to, assignment.epoch, record);
  move.epoch_new = assignment.epoch;
  return move;
}

AssignmentMove raiseEpoch(Assignment& assignment, const Topology& topology,
                          const JournalRecord& record) {
  const std::string& owner = idOf(topology, assignment.ezone);
  const Epoch old =
      std::exchange(assignment.epoch,
                    nextEpoch(assignment.epoch, topology.ezones[assignment.ezone.index()].slot));
  assignment.rev = record.rev;
  return {assignment.kind, assignment.subject, assignment.zone, owner, owner, old,
          assignment.epoch};
}

Result<Reassignment> reassign(const Topology* topology, const AssignmentTable* table,
                              const Topology& next, const JournalRecord& record,
                              const LastEpoch& last_epoch) {
  std::unordered_map<std::string_view, const Assignment*> old;
  if (table != nullptr) {
    for (const Assignment& assignment : table->assignments) {
      old.emplace(assignment.subject, &assignment);
    }
  }
  TakeOver take_over(topology, next, record);
  for (const Subject& subject : subjectsOf(next)) {
    const auto found = old.find(subject.id);
    if (found != old.end()) {
      take_over.carryOver(subject, *found->second);
      old.erase(found);
      continue;
    }
    const Result<Epoch> last = last_epoch(subject.id);
    if (!last) return tl::unexpected(last.error());
    take_over.add(subject, *last);
  }
  if (table != nullptr) {
    for (const Assignment& assignment : table->assignments) {
      if (old.contains(assignment.subject)) take_over.remove(assignment);
    }
  }
  return take_over.take();
}

}  // namespace meridian::partition
