// The journal: every commit in RocksDB, synced before anyone is told (docs/journal-format.md).
//
// Families: "journal" (rev, 8 bytes big-endian → record), "table" (subject → current assignment),
// "topology" (rev → document), "meta". A commit is one synced batch over all of them. Records are
// versioned JSON: readable by people in an emergency, and extended by adding members. Threads: the
// control thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
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

enum class CommitKind : std::uint8_t { kImport, kTopology, kRemap, kRollback };
std::string_view commitKindName(CommitKind kind);

struct JournalRecord {
  Rev rev = 0;
  CommitKind kind = CommitKind::kRemap;
  WallTime at{};
  std::string actor, reason;
  std::vector<AssignmentMove> moves;
  bool has_topology = false;  // a document of this rev is in family "topology"
  std::optional<Rev> rolled_back_to = {};
};

class Journal {
 public:
  static std::vector<std::string> families();

  explicit Journal(std::shared_ptr<KvStore> store);

  // The newest rev, 0 for an empty journal. kCorrupt when head, table and journal do not fit
  // together.
  Result<Rev> head() const;
  Result<std::optional<JournalRecord>> read(Rev rev) const;
  // Newest first, from `before` - 1 downwards (0: from the head), at most `limit`.
  Result<std::vector<JournalRecord>> list(Rev before, std::size_t limit) const;
  // The rev and text of the newest topology at or before `rev`.
  Result<std::pair<Rev, std::string>> topologyAt(Rev rev) const;
  // Current assignments as stored rows.
  Result<std::vector<Assignment>> currentRows(const Topology& topology) const;
  // subject → (ezone id, epoch) as of `rev`, by undoing records from the head downwards.
  Result<std::vector<AssignmentMove>> differences(Rev from, Rev to) const;

  // REQUIRES: record.rev == head() + 1. `rows`: the full new assignment of every moved subject
  // (absent = removed).
  Status append(const JournalRecord& record, const std::vector<Assignment>& rows,
                const Topology& topology, const std::string* document);

 private:
  std::shared_ptr<KvStore> store_;
};

}  // namespace meridian::partition
