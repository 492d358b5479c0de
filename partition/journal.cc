#include "partition/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "partition/journal_codec.h"

namespace meridian::partition {
namespace {

constexpr std::string_view kJournal = "journal";
constexpr std::string_view kTable = "table";
constexpr std::string_view kTopology = "topology";
constexpr std::string_view kMeta = "meta";
constexpr std::string_view kHeadKey = "head";
constexpr std::string_view kSlotsKey = "slots";
constexpr std::string_view kRetiredPrefix = "retired/";

// Every refusal to open says what an operator can do; docs/journal-format.md has the details.
Error corruptError(std::string_view what) {
  return {ErrorKind::kCorrupt,
          fmt::format("journal: {}; keep a copy of the state folder and restore it from a backup "
                      "(docs/journal-format.md, \"When it is damaged\")",
                      what)};
}
tl::unexpected<Error> corrupt(std::string_view what) {
  return tl::unexpected(corruptError(what));
}

std::string retiredKey(std::string_view subject) {
  return std::string(kRetiredPrefix) + std::string(subject);
}

StoreWrite put(std::string_view family, std::string key, std::string value) {
  return {std::string(family), std::move(key), std::move(value)};
}
StoreWrite remove(std::string_view family, std::string key) {
  return {std::string(family), std::move(key), std::nullopt};
}

// A stored value through its decoder; nullopt when the key is absent.
template <class T>
Result<std::optional<T>> load(const KvStore& store, std::string_view family, std::string_view key,
                              std::string_view what, Result<T> (*decode)(std::string_view)) {
  const Result<std::optional<std::string>> stored = store.get(family, key);
  if (!stored) return tl::unexpected(stored.error());
  if (!*stored) return std::optional<T>();
  Result<T> value = decode(**stored);
  if (!value) return corrupt(fmt::format("{}: {}", what, value.error().message));
  return std::optional<T>(std::move(*value));
}

Result<StoredHead> loadHead(const KvStore& store) {
  const Result<std::optional<StoredHead>> head =
      load<StoredHead>(store, kMeta, kHeadKey, "head", decodeHead);
  if (!head) return tl::unexpected(head.error());
  return head->value_or(StoredHead{});
}

Result<JournalRecord> decodeAt(Rev rev, std::string_view stored) {
  Result<JournalRecord> record = decodeRecord(stored);
  if (!record) return corrupt(fmt::format("record {}: {}", rev, record.error().message));
  if (record->rev != rev) {
    return corrupt(fmt::format("record {} says it is record {}", rev, record->rev));
  }
  return record;
}

// The greatest rev with a record, 0 without any.
Result<Rev> lastRecord(const KvStore& store) {
  Rev last = 0;
  const Status scanned = store.scan(kJournal, {}, true, [&](std::string_view key, auto) {
    last = revOfKey(key);
    return false;
  });
  if (!scanned) return tl::unexpected(scanned.error());
  return last;
}

// The rows that the head record wrote must be those that are stored.
Status checkHeadRows(const KvStore& store, const JournalRecord& head) {
  for (const AssignmentMove& move : head.moves) {
    const auto row = load<StoredRow>(store, kTable, move.subject,
                                     fmt::format("row of {}", move.subject), decodeRow);
    if (!row) return tl::unexpected(row.error());
    const bool fits = move.to.empty()
                          ? !row->has_value()
                          : row->has_value() && (*row)->ezone == move.to &&
                                (*row)->epoch == move.epoch_new && (*row)->rev == head.rev;
    if (!fits) {
      return corrupt(
          fmt::format("the row of {} is not what record {} wrote", move.subject, head.rev));
    }
  }
  return {};
}

StoredRow storedRow(const Assignment& assignment, const Topology& topology) {
  const auto id = [&](EZoneIx ix) { return topology.ezones[ix.index()].id; };
  return {
      assignment.kind,        assignment.zone,
      id(assignment.ezone),   assignment.prev_ezone ? id(*assignment.prev_ezone) : std::string(),
      assignment.epoch,       assignment.rev,
      assignment.since,       assignment.change_id,
      assignment.reason,      assignment.actor,
      assignment.write_state, assignment.block_expires,
      assignment.prepared};
}

Result<Assignment> assignmentOf(const Subject& subject, const StoredRow& row,
                                const Topology& topology) {
  const std::string& zone = topology.zones[subject.zone.index()].id;
  const std::optional<EZoneIx> ezone = topology.findEZone(row.ezone);
  const std::vector<EZoneIx>& allowed = *subject.allowed;
  std::string_view problem;
  if (row.kind != subject.kind || row.zone != zone) {
    problem = "belongs to another zone";
  } else if (!ezone || std::find(allowed.begin(), allowed.end(), *ezone) == allowed.end()) {
    problem = "names an eZone it may not be on";
  } else if (slotOf(row.epoch) != topology.ezones[ezone->index()].slot) {
    problem = "has an epoch of another eZone's slot";
  }
  if (!problem.empty()) return corrupt(fmt::format("the row of {} {}", subject.id, problem));
  return Assignment{.kind = row.kind,
                    .subject = std::string(subject.id),
                    .zone = zone,
                    .ezone = *ezone,
                    .prev_ezone = topology.findEZone(row.prev_ezone),
                    .epoch = row.epoch,
                    .rev = row.rev,
                    .since = row.since,
                    .change_id = row.change_id,
                    .reason = row.reason,
                    .actor = row.actor,
                    .write_state = row.write_state,
                    .block_expires = row.block_expires,
                    .prepared = row.prepared};
}

using StoredRows = std::map<std::string, StoredRow, std::less<>>;

Result<StoredRows> loadRows(const KvStore& store) {
  StoredRows rows;
  std::optional<Error> problem;
  const Status scanned =
      store.scan(kTable, {}, false, [&](std::string_view subject, std::string_view stored) {
        Result<StoredRow> row = decodeRow(stored);
        if (!row) {
          problem = corruptError(fmt::format("row of {}: {}", subject, row.error().message));
          return false;
        }
        rows.emplace_hint(rows.end(), std::string(subject), std::move(*row));
        return true;
      });
  if (!scanned) return tl::unexpected(scanned.error());
  if (problem) return tl::unexpected(*problem);
  return rows;
}

// Adds a later move of the same subject to an earlier one.
void compose(std::map<std::string, AssignmentMove>& moves, const AssignmentMove& later) {
  const auto [at, added] = moves.try_emplace(later.subject, later);
  if (added) return;
  at->second.kind = later.kind;
  at->second.zone = later.zone;
  at->second.to = later.to;
  at->second.epoch_new = later.epoch_new;
}

}  // namespace

std::vector<std::string> Journal::families() {
  return {std::string(kJournal), std::string(kTable), std::string(kTopology), std::string(kMeta)};
}

Journal::Journal(std::shared_ptr<KvStore> store) : store_(std::move(store)) {}

Result<Rev> Journal::head() const {
  const Result<StoredHead> head = loadHead(*store_);
  if (!head) return tl::unexpected(head.error());
  const Result<Rev> last = lastRecord(*store_);
  if (!last) return tl::unexpected(last.error());
  if (*last != head->rev) {
    return corrupt(fmt::format("the head is {} but the last record is {}", head->rev, *last));
  }
  if (head->rev == 0) return Rev{0};
  const Result<std::optional<JournalRecord>> record = read(head->rev);
  if (!record) return tl::unexpected(record.error());
  if (!*record) return corrupt(fmt::format("record {} is missing", head->rev));
  if (const Status fits = checkHeadRows(*store_, **record); !fits) {
    return tl::unexpected(fits.error());
  }
  return head->rev;
}

Result<std::optional<JournalRecord>> Journal::read(Rev rev) const {
  const Result<std::optional<std::string>> stored = store_->get(kJournal, revKey(rev));
  if (!stored) return tl::unexpected(stored.error());
  if (!*stored) return std::optional<JournalRecord>();
  Result<JournalRecord> record = decodeAt(rev, **stored);
  if (!record) return tl::unexpected(record.error());
  return std::optional<JournalRecord>(std::move(*record));
}

Result<std::vector<JournalRecord>> Journal::list(Rev before, std::size_t limit) const {
  std::vector<JournalRecord> records;
  if (limit == 0) return records;
  std::optional<Error> problem;
  const std::string from = before == 0 ? std::string() : revKey(before - 1);
  const Status scanned =
      store_->scan(kJournal, from, true, [&](std::string_view key, std::string_view stored) {
        Result<JournalRecord> record = decodeAt(revOfKey(key), stored);
        if (!record) {
          problem = record.error();
          return false;
        }
        records.push_back(std::move(*record));
        return records.size() < limit;
      });
  if (!scanned) return tl::unexpected(scanned.error());
  if (problem) return tl::unexpected(*problem);
  return records;
}

Result<std::pair<Rev, std::string>> Journal::topologyAt(Rev rev) const {
  std::pair<Rev, std::string> found;
  const Status scanned = store_->scan(kTopology, revKey(rev), true,
                                      [&](std::string_view key, std::string_view document) {
                                        found = {revOfKey(key), std::string(document)};
                                        return false;
                                      });
  if (!scanned) return tl::unexpected(scanned.error());
  if (found.first == 0) {
    return fail(ErrorKind::kNotFound, fmt::format("no topology at or before rev {}", rev));
  }
  return found;
}

Result<std::vector<Assignment>> Journal::currentRows(const Topology& topology) const {
  const Result<StoredRows> rows = loadRows(*store_);
  if (!rows) return tl::unexpected(rows.error());
  const Result<StoredHead> head = loadHead(*store_);
  if (!head) return tl::unexpected(head.error());
  std::vector<Assignment> assignments;
  for (const Subject& subject : subjectsOf(topology)) {
    const auto row = rows->find(subject.id);
    if (row == rows->end()) return corrupt(fmt::format("{} has no row", subject.id));
    Result<Assignment> assignment = assignmentOf(subject, row->second, topology);
    if (!assignment) return tl::unexpected(assignment.error());
    assignments.push_back(std::move(*assignment));
  }
  if (rows->size() != assignments.size() || rows->size() != head->subjects) {
    return corrupt(fmt::format("the table has {} rows, the topology {} subjects, the head says {}",
                               rows->size(), assignments.size(), head->subjects));
  }
  return assignments;
}

Result<std::vector<AssignmentMove>> Journal::differences(Rev from, Rev to) const {
  const Rev newest = std::max(from, to);
  const Rev oldest = std::min(from, to);
  if (newest - oldest > kMaxDifferenceRevs) {
    return fail(ErrorKind::kTooLarge, fmt::format("revs {} and {} are more than {} commits apart",
                                                  from, to, kMaxDifferenceRevs));
  }
  std::map<std::string, AssignmentMove> moves;
  for (Rev rev = oldest; rev <= newest; ++rev) {
    const Result<std::optional<JournalRecord>> record = read(rev);
    if (!record) return tl::unexpected(record.error());
    if (!*record) return fail(ErrorKind::kNotFound, fmt::format("no commit {}", rev));
    if (rev == oldest) continue;  // what the older one did is common to both
    for (const AssignmentMove& move : (*record)->moves) compose(moves, move);
  }
  std::vector<AssignmentMove> out;
  for (auto& [subject, move] : moves) {
    if (move.from == move.to) continue;
    if (from > to) {
      std::swap(move.from, move.to);
      std::swap(move.epoch_old, move.epoch_new);
    }
    out.push_back(std::move(move));
  }
  return out;
}

Result<std::map<std::uint8_t, std::string>> Journal::slotOwners() const {
  const auto owners = load<SlotOwners>(*store_, kMeta, kSlotsKey, "slots", decodeSlots);
  if (!owners) return tl::unexpected(owners.error());
  return owners->value_or(SlotOwners{});
}

Result<Epoch> Journal::retiredEpoch(std::string_view subject) const {
  const auto epoch = load<Epoch>(*store_, kMeta, retiredKey(subject),
                                 fmt::format("last epoch of {}", subject), decodeRetired);
  if (!epoch) return tl::unexpected(epoch.error());
  return epoch->value_or(Epoch{0});
}

Status Journal::append(const JournalRecord& record, const std::vector<Assignment>& rows,
                       const Topology& topology, const std::string* document,
                       const std::vector<StoreWrite>& companions) {
  Result<StoredHead> head = loadHead(*store_);
  if (!head) return tl::unexpected(head.error());
  if (record.rev != head->rev + 1) {
    return fail(ErrorKind::kCorrupt,
                fmt::format("journal: the store is at rev {}, so rev {} cannot follow; a restart "
                            "serves what is stored",
                            head->rev, record.rev));
  }
  std::vector<StoreWrite> batch;
  batch.push_back(put(kJournal, revKey(record.rev), encodeRecord(record)));
  for (const Assignment& row : rows) {
    batch.push_back(put(kTable, row.subject, encodeRow(storedRow(row, topology))));
  }
  for (const AssignmentMove& move : record.moves) {
    if (move.to.empty()) {
      batch.push_back(remove(kTable, move.subject));
      batch.push_back(put(kMeta, retiredKey(move.subject), encodeRetired(move.epoch_old)));
      --head->subjects;
    } else if (move.from.empty()) {
      batch.push_back(remove(kMeta, retiredKey(move.subject)));
      ++head->subjects;
    }
  }
  if (document != nullptr) {
    Result<SlotOwners> owners = slotOwners();
    if (!owners) return tl::unexpected(owners.error());
    for (const EZone& ezone : topology.ezones) owners->insert_or_assign(ezone.slot, ezone.id);
    batch.push_back(put(kMeta, std::string(kSlotsKey), encodeSlots(*owners)));
    batch.push_back(put(kTopology, revKey(record.rev), *document));
  }
  batch.push_back(put(kMeta, std::string(kHeadKey), encodeHead({record.rev, head->subjects})));
  batch.insert(batch.end(), companions.begin(), companions.end());
  return store_->writeSynced(batch);
}

}  // namespace meridian::partition
