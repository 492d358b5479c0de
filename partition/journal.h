// The journal: every commit in RocksDB, synced before anyone is told (docs/journal-format.md).
//
// Families: "journal" (rev, 8 bytes big-endian → record), "table" (subject → current assignment),
// "topology" (rev → document), "meta" (head, owners of slots, last epochs of removed subjects). A
// commit is one synced batch over all of them. Records are
// versioned JSON: readable by people in an emergency, and extended by adding members. Threads: the
// control thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "partition/ids.h"
#include "partition/table.h"

namespace meridian::partition {

// One subject's change, by ids (indices do not survive a topology). `from` empty: new subject; `to`
// empty: removed.
struct AssignmentMove {
  SubjectKind kind = SubjectKind::kPartition;
  std::string subject, zone, from, to;
  Epoch epoch_old = 0, epoch_new = 0;
};

enum class CommitKind : std::uint8_t { kImport, kTopology, kRemap, kRollback, kChange };
std::string_view commitKindName(CommitKind kind);

struct JournalRecord {
  Rev rev = 0;
  CommitKind kind = CommitKind::kRemap;
  WallTime at{};
  std::string actor, reason;
  std::vector<AssignmentMove> moves;
  bool has_topology = false;     // a document of this rev is in family "topology"
  bool moves_confirmed = false;  // it moved more places than may move unconfirmed
  std::optional<Rev> rolled_back_to = {};
};

class Journal {
 public:
  static constexpr Rev kMaxDifferenceRevs = 100'000;

  static std::vector<std::string> families();

  explicit Journal(std::shared_ptr<KvStore> store);

  // The newest rev, 0 for an empty journal. kCorrupt when head, table and journal do not fit
  // together. Reads the head record and the rows it wrote, not the whole journal.
  Result<Rev> head() const;
  // nullopt: no such commit. kCorrupt: the record cannot be read; the message names its rev.
  Result<std::optional<JournalRecord>> read(Rev rev) const;
  // Newest first, from `before` - 1 downwards (0: from the head), at most `limit`.
  Result<std::vector<JournalRecord>> list(Rev before, std::size_t limit) const;
  // The rev and text of the newest topology at or before `rev`. kNotFound before the import.
  Result<std::pair<Rev, std::string>> topologyAt(Rev rev) const;
  // Current assignments in the order of AssignmentTable. kCorrupt unless they are exactly the
  // subjects of `topology`, each on an eZone it may be on, with an epoch of that eZone's slot.
  Result<std::vector<Assignment>> currentRows(const Topology& topology) const;
  // Subjects whose eZone differs between the two commits, ordered by subject; `from` may be the
  // later one. A subject that went away and came back is not in it. kNotFound: no such commit.
  // kTooLarge: more than kMaxDifferenceRevs apart; every record between is read, and the control
  // thread waits for it.
  Result<std::vector<AssignmentMove>> differences(Rev from, Rev to) const;
  // slot → the eZone that has it now or had it in an earlier topology.
  Result<std::map<std::uint8_t, std::string>> slotOwners() const;
  // The last epoch of a subject that is in no topology now, 0 when there was none: should it come
  // back, its epochs go on from there.
  Result<Epoch> retiredEpoch(std::string_view subject) const;

  // Writes one commit, synced. `rows`: the new assignment of every moved subject that stays, and of
  // any other whose stored row changed. `document`: the topology's text when the commit brings one.
  // REQUIRES: record.rev == head() + 1; anything else is refused with kCorrupt, since an earlier
  // write that was reported as failed must have reached the store. On an error the commit is not
  // acknowledged; after a restart it may or may not be there. `companions`: writes of other
  // families that are true if and only if the commit is, such as the state of the change that made
  // it.
  Status append(const JournalRecord& record, const std::vector<Assignment>& rows,
                const Topology& topology, const std::string* document,
                const std::vector<StoreWrite>& companions = {});

 private:
  std::shared_ptr<KvStore> store_;
};

}  // namespace meridian::partition
