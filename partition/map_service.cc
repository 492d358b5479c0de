#include "partition/map_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/config_reader.h"
#include "base/log.h"
#include "base/utf8.h"
#include "partition/reassign.h"

namespace meridian::partition {
namespace {

constexpr std::size_t kMaxReasonBytes = 512;
constexpr std::size_t kMaxActorBytes = 128;

tl::unexpected<MapError> failed(Error error) {
  return tl::unexpected<MapError>(MapError{std::move(error)});
}

tl::unexpected<MapError> badDocument(Diagnostics problems) {
  MapError error{{ErrorKind::kInvalid, "the topology cannot be served:\n" + problems.text()}};
  error.problems = std::move(problems);
  return tl::unexpected(std::move(error));
}

MapResult<void> checkText(const std::string& rule, const std::string& text, std::size_t max_bytes) {
  if (text.empty() || text.size() > max_bytes || !isPrintableUtf8(text)) {
    return refuse(ErrorKind::kInvalid, rule,
                  fmt::format("{}: must be 1 to {} bytes of printable UTF-8", rule, max_bytes));
  }
  return {};
}

MapResult<void> checkWords(const std::string& reason, const std::string& actor) {
  if (auto checked = checkText("reason", reason, kMaxReasonBytes); !checked) return checked;
  return checkText("actor", actor, kMaxActorBytes);
}

MapResult<void> checkRev(std::optional<Rev> expected, Rev current) {
  if (!expected || *expected == current) return {};
  MapError error{
      {ErrorKind::kConflict, fmt::format("the table is at rev {}, not {}", current, *expected)},
      "stale-rev"};
  error.current_rev = current;
  return tl::unexpected(std::move(error));
}

bool isAllowed(const std::vector<EZoneIx>& allowed, EZoneIx ezone) {
  return std::find(allowed.begin(), allowed.end(), ezone) != allowed.end();
}

bool isInService(const Topology& topology, EZoneIx ezone) {
  return topology.dcOf(ezone).admin_state == AdminState::kInService;
}

std::string notInService(const Topology& topology, EZoneIx ezone) {
  const Datacenter& dc = topology.dcOf(ezone);
  return fmt::format("datacenter {} is {}", dc.id, adminStateName(dc.admin_state));
}

std::string unknownEZone(const Topology& topology, const std::string& id) {
  std::vector<std::string_view> known;
  for (const EZone& ezone : topology.ezones) known.push_back(ezone.id);
  const std::string nearest = nearestName(id, known);
  return fmt::format("there is no eZone \"{}\"{}", id,
                     nearest.empty() ? nearest : "; did you mean " + nearest + "?");
}

// S1 of the safety rules: a zone without enough sites in service has nowhere to go.
MapResult<void> checkMinInService(const Topology& topology) {
  for (const Zone& zone : topology.zones) {
    if (zone.kind != ZoneKind::kSharding) continue;
    const auto in_service =
        std::count_if(zone.ezones.begin(), zone.ezones.end(),
                      [&](EZoneIx ezone) { return isInService(topology, ezone); });
    if (in_service >= static_cast<std::ptrdiff_t>(zone.min_in_service)) continue;
    return refuse(ErrorKind::kRefused, "min-in-service",
                  fmt::format("zone {} would have {} eZones in service; it needs {}", zone.id,
                              in_service, zone.min_in_service));
  }
  return {};
}

// An epoch names its owner by slot alone, for ever: old numbers live on in DALs and logs.
MapResult<void> checkSlots(const Topology& topology,
                           const std::map<std::uint8_t, std::string>& owners) {
  std::unordered_map<std::string_view, std::uint8_t> slots;
  for (const auto& [slot, ezone] : owners) slots.emplace(ezone, slot);
  for (const EZone& ezone : topology.ezones) {
    const auto owner = owners.find(ezone.slot);
    if (owner != owners.end() && owner->second != ezone.id) {
      return refuse(ErrorKind::kRefused, "slot-reused",
                    fmt::format("slot {} of eZone {} belongs to eZone {} for ever", ezone.slot,
                                ezone.id, owner->second));
    }
    const auto slot = slots.find(ezone.id);
    if (slot != slots.end() && slot->second != ezone.slot) {
      return refuse(
          ErrorKind::kRefused, "slot-reused",
          fmt::format("eZone {} has slot {} for ever, not {}", ezone.id, slot->second, ezone.slot));
    }
  }
  return {};
}

// The eZone a subject goes to, once every rule has agreed.
MapResult<EZoneIx> moveTarget(const MapSnapshot& current, SubjectIx subject,
                              const std::string& to) {
  const Topology& topology = *current.topology;
  const Assignment& assignment = current.table->assignments[subject.index()];
  const std::optional<EZoneIx> ezone = topology.findEZone(to);
  if (!ezone) return refuse(ErrorKind::kRefused, "unknown-ezone", unknownEZone(topology, to));
  if (!isAllowed(*subjectsOf(topology)[subject.index()].allowed, *ezone)) {
    return refuse(ErrorKind::kRefused, "not-allowed",
                  fmt::format("{} may not be on eZone {}", assignment.subject, to));
  }
  if (assignment.ezone == *ezone) {
    return refuse(ErrorKind::kRefused, "already-there",
                  fmt::format("{} is on eZone {} already", assignment.subject, to));
  }
  if (!isInService(topology, *ezone)) {
    return refuse(ErrorKind::kRefused, "site-not-in-service", notInService(topology, *ezone));
  }
  return *ezone;
}

// Comes before the rules about a target: whoever read an old table must read again first.
MapResult<void> checkEpoch(const Assignment& assignment, Epoch expected) {
  if (expected == assignment.epoch) return {};
  MapError error{{ErrorKind::kConflict, fmt::format("{} is at epoch {}, not {}", assignment.subject,
                                                    assignment.epoch, expected)},
                 "stale-epoch"};
  error.current_epoch = assignment.epoch;
  return tl::unexpected(std::move(error));
}

MapResult<SubjectIx> findSubject(const AssignmentTable& table, const std::string& id) {
  const std::optional<SubjectIx> subject = table.find(id);
  if (subject) return *subject;
  return refuse(ErrorKind::kNotFound, "unknown-subject",
                fmt::format("there is no partition or global zone \"{}\"", id));
}

std::string textOf(const std::vector<MovedPlaces>& places) {
  std::string text;
  for (const MovedPlaces& each : places) text += (text.empty() ? "" : "; ") + each.text();
  return text;
}

void logConfirmed(const TopologyResult& result, const std::string& reason,
                  const std::string& actor) {
  if (result.needs_confirmation.empty()) return;
  logWarn("place_moves_confirmed", {{"rev", std::to_string(result.rev)},
                                    {"actor", actor},
                                    {"reason", reason},
                                    {"moved", textOf(result.needs_confirmation)}});
}

// Where a rollback takes a subject, or why it cannot.
Result<std::pair<SubjectIx, EZoneIx>> wayBack(const MapSnapshot& current,
                                              const AssignmentMove& wanted) {
  const auto stays = [](std::string why) { return fail(ErrorKind::kRefused, std::move(why)); };
  const Topology& topology = *current.topology;
  const std::optional<SubjectIx> subject = current.table->find(wanted.subject);
  if (!subject) return stays("is not in the topology any more");
  if (wanted.to.empty()) return stays("was not in the topology then");
  if (current.table->assignments[subject->index()].kind != SubjectKind::kPartition) {
    return stays("is a global zone, which moves by a switch");
  }
  const std::optional<EZoneIx> to = topology.findEZone(wanted.to);
  if (!to) return stays(fmt::format("eZone {} is not in the topology any more", wanted.to));
  if (!isAllowed(topology.partitions[subject->index()].allowed, *to)) {
    return stays(fmt::format("may not be on eZone {} any more", wanted.to));
  }
  if (!isInService(topology, *to)) return stays(notInService(topology, *to));
  return std::pair(*subject, *to);
}

}  // namespace

MapResult<std::unique_ptr<MapService>> MapService::open(std::shared_ptr<KvStore> store,
                                                        const Clock& clock,
                                                        std::shared_ptr<const Topology> first,
                                                        PreparePublish prepare) {
  // Not make_unique: the constructor is private.
  std::unique_ptr<MapService> service(
      new MapService(Journal(std::move(store)), clock, std::move(prepare)));
  const Result<Rev> head = service->journal_.head();
  if (!head) return failed(head.error());
  if (*head == 0) {
    if (auto imported = service->import(std::move(first)); !imported) {
      return tl::unexpected(imported.error());
    }
    return service;
  }
  if (const Status loaded = service->load(*head); !loaded) return failed(loaded.error());
  if (service->prepare_) {
    const Checked<PreparedState> prepared = service->prepare_(service->current_);
    if (!prepared) return badDocument(prepared.error());
    prepared->publish();
  }
  return service;
}

MapResult<void> MapService::import(std::shared_ptr<const Topology> first) {
  if (!first) {
    return refuse(ErrorKind::kNotFound, "",
                  "the journal is empty and there is no topology to import");
  }
  Draft draft;
  draft.next = {std::move(first), nullptr, 1};
  draft.record = newRecord(CommitKind::kImport, "first start", "meridiand");
  return commitTopology(std::move(draft), false).map([](const auto&) {});
}

Status MapService::load(Rev head) {
  Result<std::pair<Rev, std::string>> document = journal_.topologyAt(head);
  if (!document) return tl::unexpected(document.error());
  Checked<Topology> topology = decodeTopology(document->second, "journal");
  if (!topology) {
    return fail(ErrorKind::kCorrupt,
                fmt::format("journal: the topology of rev {} does not decode:\n{}", document->first,
                            topology.error().text()));
  }
  Result<std::vector<Assignment>> rows = journal_.currentRows(*topology);
  if (!rows) return tl::unexpected(rows.error());
  current_ = {std::make_shared<const Topology>(std::move(*topology)),
              std::make_shared<const AssignmentTable>(AssignmentTable{head, std::move(*rows)}),
              document->first};
  return {};
}

MapResult<RemapResult> MapService::remap(const RemapRequest& request) {
  if (auto words = checkWords(request.reason, request.actor); !words) {
    return tl::unexpected(words.error());
  }
  const MapResult<SubjectIx> subject = findSubject(*current_.table, request.subject);
  if (!subject) return tl::unexpected(subject.error());
  const Assignment& before = current_.table->assignments[subject->index()];
  if (before.kind != SubjectKind::kPartition) {
    return refuse(
        ErrorKind::kRefused, "global-zone",
        fmt::format("{} is a global zone: it moves by a switch, not by a remap", request.subject));
  }
  if (auto free = checkNotInChange(request.subject); !free) return tl::unexpected(free.error());
  if (auto fresh = checkEpoch(before, request.expected_epoch); !fresh) {
    return tl::unexpected(fresh.error());
  }
  const MapResult<EZoneIx> to = moveTarget(current_, *subject, request.to);
  if (!to) return tl::unexpected(to.error());

  Draft draft;
  draft.record = newRecord(CommitKind::kRemap, request.reason, request.actor);
  AssignmentTable table = *current_.table;
  table.rev = draft.record.rev;
  Assignment& assignment = table.assignments[subject->index()];
  draft.record.moves.push_back(moveAssignment(assignment, *current_.topology, *to, draft.record));
  draft.rows.push_back(assignment);
  draft.next = {current_.topology, std::make_shared<const AssignmentTable>(std::move(table)),
                current_.topology_rev};
  const AssignmentMove move = draft.record.moves.front();
  const Rev rev = draft.record.rev;
  const auto committed = commit(std::move(draft), request.dry_run);
  if (!committed) return tl::unexpected(committed.error());
  return RemapResult{
      rev, move.subject, move.from, move.to, move.epoch_old, move.epoch_new, !request.dry_run};
}

MapResult<ChangeCommitted> MapService::commitChange(const ChangeCommit& commit) {
  if (auto words = checkWords(commit.reason, commit.actor); !words) {
    return tl::unexpected(words.error());
  }
  Draft draft;
  draft.record = newRecord(CommitKind::kChange, commit.reason, commit.actor);
  AssignmentTable table = *current_.table;
  table.rev = draft.record.rev;
  ChangeCommitted committed{table.rev, {}};
  for (const SubjectStep& step : commit.steps) {
    const MapResult<SubjectIx> subject = findSubject(*current_.table, step.subject);
    if (!subject) return tl::unexpected(subject.error());
    Assignment& assignment = table.assignments[subject->index()];
    if (auto fresh = checkEpoch(assignment, step.expected_epoch); !fresh) {
      return tl::unexpected(fresh.error());
    }
    if (!step.to.empty()) {
      const MapResult<EZoneIx> to = moveTarget(current_, *subject, step.to);
      if (!to) return tl::unexpected(to.error());
      draft.record.moves.push_back(
          moveAssignment(assignment, *current_.topology, *to, draft.record));
    } else if (step.raise_epoch) {
      draft.record.moves.push_back(raiseEpoch(assignment, *current_.topology, draft.record));
    }
    assignment.rev = draft.record.rev;
    assignment.change_id = commit.change_id;
    assignment.write_state = step.write_state;
    assignment.block_expires = step.block_expires;
    assignment.prepared = step.prepared;
    committed.epochs.push_back(assignment.epoch);
    draft.rows.push_back(assignment);
  }
  draft.next = {current_.topology, std::make_shared<const AssignmentTable>(std::move(table)),
                current_.topology_rev};
  if (commit.companions) draft.companions = commit.companions(committed);
  if (const auto done = this->commit(std::move(draft), false); !done) {
    return tl::unexpected(done.error());
  }
  return committed;
}

MapResult<TopologyResult> MapService::putTopology(std::shared_ptr<const Topology> next,
                                                  std::optional<Rev> expected_rev,
                                                  const std::string& reason,
                                                  const std::string& actor, bool dry_run,
                                                  PlaceMoves moves) {
  if (auto words = checkWords(reason, actor); !words) return tl::unexpected(words.error());
  if (auto fresh = checkRev(expected_rev, current_.table->rev); !fresh) {
    return tl::unexpected(fresh.error());
  }
  Draft draft;
  draft.record = newRecord(CommitKind::kTopology, reason, actor);
  draft.next = {std::move(next), nullptr, draft.record.rev};
  draft.place_moves = moves;
  TopologyResult result;
  result.rev = draft.record.rev;
  result.applied = !dry_run;
  result.change = diffTopologies(*current_.topology, *draft.next.topology);
  auto committed = commitTopology(std::move(draft), dry_run);
  if (!committed) return tl::unexpected(committed.error());
  result.change.moves = std::move(committed->moves);
  result.movements = std::move(committed->movements);
  result.needs_confirmation = std::move(committed->needs_confirmation);
  if (result.applied) logConfirmed(result, reason, actor);
  return result;
}

MapResult<RollbackResult> MapService::rollback(Rev to, std::optional<Rev> expected_rev,
                                               const std::string& reason, const std::string& actor,
                                               bool dry_run) {
  if (auto words = checkWords(reason, actor); !words) return tl::unexpected(words.error());
  const Rev current = current_.table->rev;
  if (auto fresh = checkRev(expected_rev, current); !fresh) return tl::unexpected(fresh.error());
  if (to == 0 || to > current) {
    return refuse(ErrorKind::kNotFound, "unknown-rev",
                  fmt::format("there is no rev {}; the newest is {}", to, current));
  }
  const Result<std::vector<AssignmentMove>> wanted = journal_.differences(current, to);
  if (!wanted) return failed(wanted.error());

  Draft draft;
  draft.record = newRecord(CommitKind::kRollback, reason, actor);
  draft.record.rolled_back_to = to;
  RollbackResult result{current, false, {}, {}};
  AssignmentTable table = *current_.table;
  table.rev = draft.record.rev;
  for (const AssignmentMove& move : *wanted) {
    const Result<std::pair<SubjectIx, EZoneIx>> back = wayBack(current_, move);
    if (const auto free = checkNotInChange(move.subject); !free) {
      result.left.push_back(free.error().error.message);
      continue;
    }
    if (!back) {
      result.left.push_back(fmt::format("{}: {}", move.subject, back.error().message));
      continue;
    }
    Assignment& assignment = table.assignments[back->first.index()];
    draft.record.moves.push_back(
        moveAssignment(assignment, *current_.topology, back->second, draft.record));
    draft.rows.push_back(assignment);
  }
  if (draft.rows.empty()) return result;
  draft.next = {current_.topology, std::make_shared<const AssignmentTable>(std::move(table)),
                current_.topology_rev};
  result.rev = draft.record.rev;
  result.moves = draft.record.moves;
  result.applied = !dry_run;
  const auto committed = commit(std::move(draft), dry_run);
  if (!committed) return tl::unexpected(committed.error());
  return result;
}

MapResult<void> MapService::checkNotInChange(std::string_view subject) const {
  const std::string change = active_change_ ? active_change_(subject) : std::string();
  if (change.empty()) return {};
  return refuse(ErrorKind::kRefused, "change-active",
                fmt::format("{} is part of change {}, which must end first", subject, change));
}

JournalRecord MapService::newRecord(CommitKind kind, const std::string& reason,
                                    const std::string& actor) const {
  JournalRecord record;
  record.rev = current_.table ? current_.table->rev + 1 : 1;
  record.kind = kind;
  record.at = clock_->wallNow();
  record.actor = actor;
  record.reason = reason;
  return record;
}

MapResult<MapService::Committed> MapService::commitTopology(Draft draft, bool dry_run) {
  const Topology& topology = *draft.next.topology;
  const auto owners = journal_.slotOwners();
  if (!owners) return failed(owners.error());
  if (auto checked = checkSlots(topology, *owners); !checked) {
    return tl::unexpected(checked.error());
  }
  if (auto checked = checkMinInService(topology); !checked) {
    return tl::unexpected(checked.error());
  }
  draft.record.has_topology = true;
  Result<Reassignment> assigned =
      reassign(current_.topology.get(), current_.table.get(), topology, draft.record,
               [this](std::string_view subject) { return journal_.retiredEpoch(subject); });
  if (!assigned) return failed(assigned.error());
  draft.record.moves = std::move(assigned->moves);
  draft.rows = std::move(assigned->rows);
  for (const AssignmentMove& move : draft.record.moves) {
    if (auto free = checkNotInChange(move.subject); !free) return tl::unexpected(free.error());
  }
  draft.next.table = std::make_shared<const AssignmentTable>(std::move(assigned->table));
  return commit(std::move(draft), dry_run);
}

MapResult<std::vector<MovedPlaces>> MapService::checkPlaces(
    const Draft& draft, const std::vector<ZoneMovement>& movements, bool dry_run) const {
  // The first topology has nothing to take from, and other commits leave places where they are.
  if (!draft.record.has_topology || !current_.topology) return std::vector<MovedPlaces>{};
  auto over = movedAbove(max_moved_percent_, *current_.topology, *draft.next.topology, movements);
  if (over.empty() || dry_run || draft.place_moves == PlaceMoves::kConfirmed) return over;
  MapError error{{ErrorKind::kRefused,
                  fmt::format("more than {} % of the places would go to other partitions or site "
                              "orders, and data does not move along: {}; look at a dry run, and "
                              "confirm the moves if they are meant",
                              max_moved_percent_, textOf(over))},
                 "places-move"};
  error.needs_confirmation = std::move(over);
  return tl::unexpected(std::move(error));
}

MapResult<MapService::Committed> MapService::commit(Draft draft, bool dry_run) {
  PreparedState prepared;
  if (prepare_) {
    Checked<PreparedState> answer = prepare_(draft.next);
    if (!answer) return badDocument(std::move(answer.error()));
    prepared = std::move(*answer);
  }
  auto over = checkPlaces(draft, prepared.movements, dry_run);
  if (!over) return tl::unexpected(std::move(over.error()));
  draft.record.moves_confirmed = !over->empty();
  if (!dry_run) {
    const std::string* document =
        draft.record.has_topology ? &draft.next.topology->document : nullptr;
    const Status written =
        journal_.append(draft.record, draft.rows, *draft.next.topology, document, draft.companions);
    if (!written) return failed(written.error());
    if (prepared.publish) prepared.publish();
    current_ = std::move(draft.next);
  }
  return Committed{std::move(draft.record.moves), std::move(prepared.movements), std::move(*over)};
}

}  // namespace meridian::partition
