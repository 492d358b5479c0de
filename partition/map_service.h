// MapService: the only writer of the table. Validates, journals (synced), publishes, in this order,
// one at a time.
//
// Threads: all calls on the control thread.
// Crash:   before the journal's sync the old table stands; after it, open() serves the new one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "partition/journal.h"
#include "partition/model.h"
#include "partition/moved_places.h"
#include "partition/table.h"
#include "partition/topology_diff.h"

namespace meridian::partition {

// What a published table consists of. Both are immutable.
struct MapSnapshot {
  std::shared_ptr<const Topology> topology;
  std::shared_ptr<const AssignmentTable> table;
  Rev topology_rev = 0;  // of the commit that brought this topology
};

struct PreparedState {
  std::function<void()> publish;        // called after the sync: must publish and cannot fail
  std::vector<ZoneMovement> movements;  // of the zones that are in the published topology too
};
// Checks what only the outer layers can (endpoint records, DNS zones, placements) and prepares the
// serving state; called before the journal is written, also for a dry run.
using PreparePublish = std::function<Checked<PreparedState>(const MapSnapshot& next)>;

struct RemapRequest {
  std::string subject;  // partition id (a global zone moves by a switch, not by this)
  std::string to;       // eZone id
  Epoch expected_epoch = 0;
  std::string reason;  // 1–512 bytes
  std::string actor;
  bool dry_run = false;
};
struct RemapResult {
  Rev rev = 0;  // the new rev; with dry_run the rev it would get
  std::string subject, from, to;
  Epoch epoch_old = 0, epoch_new = 0;
  bool applied = false;
};

// What one step of a change does to a subject (partition/change/engine.h). All members hold after
// it.
struct SubjectStep {
  std::string subject;  // partition id or zone id
  Epoch expected_epoch = 0;
  std::string to = {};       // the new owner; empty: it stays
  bool raise_epoch = false;  // it stays, with a new epoch: stragglers of an attempt that ended die
  WriteState write_state = WriteState::kOpen;
  std::optional<WallTime> block_expires = {};
  bool prepared = false;
};
struct ChangeCommitted {
  Rev rev = 0;
  std::vector<Epoch> epochs;  // of each step's subject, after it
};
struct ChangeCommit {
  std::string change_id, reason, actor;
  std::vector<SubjectStep> steps;  // of different subjects
  // Writes that are stored if and only if the commit is.
  std::function<std::vector<StoreWrite>(const ChangeCommitted&)> companions;
};

struct TopologyResult {
  Rev rev = 0;
  bool applied = false;
  TopologyChange change;
  std::vector<ZoneMovement> movements;
  // What moves more places than the limit: it needs a confirmation, or had it.
  std::vector<MovedPlaces> needs_confirmation;
};
// Whether it is meant that a topology moves many places to other partitions.
enum class PlaceMoves : std::uint8_t { kLimited, kConfirmed };

struct RollbackResult {
  Rev rev = 0;
  bool applied = false;
  std::vector<AssignmentMove> moves;
  std::vector<std::string> left;  // subjects that could not go back, each with the reason
};

// A refusal a REST client can act on.
struct MapError {
  Error error;
  // Which rule: "reason", "actor" (kInvalid); "unknown-subject", "unknown-rev" (kNotFound);
  // "stale-epoch", "stale-rev" (kConflict); "global-zone", "unknown-ezone", "not-allowed",
  // "already-there", "site-not-in-service", "min-in-service", "slot-reused", "change-active",
  // "places-move" (kRefused). Empty for what is no rule: a document's problems, a store that fails.
  std::string rule = {};
  std::optional<Epoch> current_epoch = {};           // for kConflict on a subject
  std::optional<Rev> current_rev = {};               // for kConflict on the table
  Diagnostics problems = {};                         // for documents
  std::vector<MovedPlaces> needs_confirmation = {};  // for "places-move"
};
template <class T>
using MapResult = tl::expected<T, MapError>;
inline tl::unexpected<MapError> refuse(ErrorKind kind, std::string broken_rule,
                                       std::string message) {
  return tl::unexpected<MapError>(MapError{{kind, std::move(message)}, std::move(broken_rule)});
}

class MapService {
 public:
  // Reads the journal; an empty one is started with `first` (rev 1). A journal that exists wins
  // over `first`. With `prepare`, the state that open() ends with has been prepared and published,
  // and a first topology that `prepare` refuses is not journalled: otherwise the journal would hold
  // one that no restart could serve. `clock` must outlive the service.
  // kNotFound: nothing is journalled and `first` is null.
  static MapResult<std::unique_ptr<MapService>> open(std::shared_ptr<KvStore> store,
                                                     const Clock& clock,
                                                     std::shared_ptr<const Topology> first,
                                                     PreparePublish prepare = {});

  const MapSnapshot& current() const { return current_; }
  const Journal& journal() const { return journal_; }
  // The id of the change that a subject is part of now, or empty. remap(), rollback() and
  // putTopology() leave such subjects alone.
  using ActiveChange = std::function<std::string(std::string_view subject)>;
  void onActiveChange(ActiveChange active) { active_change_ = std::move(active); }
  void onPublish(PreparePublish prepare) { prepare_ = std::move(prepare); }
  // How many percent (0-100) of a zone's places a topology may move without a confirmation.
  void limitMoves(unsigned max_percent) { max_moved_percent_ = max_percent; }

  // All three: `reason` is 1 to 512 bytes of printable UTF-8, `actor` 1 to 128. An error leaves the
  // published table as it was. An error of the store (kIo, kCorrupt) says nothing about what a
  // restart will serve: the commit may have reached the disk; until then the service goes on
  // answering reads, and refuses commits if it did.

  // Rules: the subject is a partition; `to` exists; expected_epoch is the current one; `to` is
  // allowed, is not the current owner, and its datacenter is IN_SERVICE.
  MapResult<RemapResult> remap(const RemapRequest& request);
  // One step of a change, for one or more subjects at once. Rules: as for remap(), but that global
  // zones may move too, and that no change's own subjects are in its way. What is safe is the
  // engine's to decide.
  MapResult<ChangeCommitted> commitChange(const ChangeCommit& commit);
  // Partitions that stay keep their assignment where the new topology still allows it, else they go
  // home. Rules: every sharding zone keeps min_in_service eZones in service; an eZone keeps its
  // slot, and no slot goes to an eZone other than the one that ever had it; no subject of a change
  // in progress goes away or moves; no zone gives away more places than limitMoves() says
  // (movedAbove()), unless that is confirmed, which the journal then keeps. The last one refuses no
  // dry run.
  MapResult<TopologyResult> putTopology(std::shared_ptr<const Topology> next,
                                        std::optional<Rev> expected_rev, const std::string& reason,
                                        const std::string& actor, bool dry_run,
                                        PlaceMoves moves = PlaceMoves::kLimited);
  // A new commit whose assignments are those of `to` (the topology stays); epochs go on rising.
  // What cannot go back (gone, not allowed any more, site not in service, a global zone) is `left`
  // where it is. Nothing to move: no commit, applied is false and rev the current one.
  MapResult<RollbackResult> rollback(Rev to, std::optional<Rev> expected_rev,
                                     const std::string& reason, const std::string& actor,
                                     bool dry_run);

 private:
  MapService(Journal journal, const Clock& clock, PreparePublish prepare)
      : journal_(std::move(journal)), clock_(&clock), prepare_(std::move(prepare)) {}

  // A commit that is being put together.
  struct Draft {
    MapSnapshot next;
    JournalRecord record;
    std::vector<Assignment> rows;  // by the indices of next.topology
    std::vector<StoreWrite> companions = {};
    PlaceMoves place_moves = PlaceMoves::kLimited;
  };
  struct Committed {
    std::vector<AssignmentMove> moves;
    std::vector<ZoneMovement> movements;
    std::vector<MovedPlaces> needs_confirmation;
  };

  Status load(Rev head);
  MapResult<void> import(std::shared_ptr<const Topology> first);
  MapResult<void> checkNotInChange(std::string_view subject) const;
  JournalRecord newRecord(CommitKind kind, const std::string& reason,
                          const std::string& actor) const;
  // The rules of every topology, then its table, then commit().
  MapResult<Committed> commitTopology(Draft draft, bool dry_run);
  // What a topology moves above the limit; refused unless confirmed or a dry run.
  MapResult<std::vector<MovedPlaces>> checkPlaces(const Draft& draft,
                                                  const std::vector<ZoneMovement>& movements,
                                                  bool dry_run) const;
  // Prepare, journal, publish, in this order; with `dry_run` only the first.
  MapResult<Committed> commit(Draft draft, bool dry_run);

  Journal journal_;
  const Clock* clock_;
  PreparePublish prepare_;
  MapSnapshot current_;
  ActiveChange active_change_;
  unsigned max_moved_percent_ = 1;
};

}  // namespace meridian::partition
