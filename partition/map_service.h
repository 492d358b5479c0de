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
#include "partition/placement.h"
#include "partition/table.h"

namespace meridian::partition {

// What a published table consists of. Both are immutable.
struct MapSnapshot {
  std::shared_ptr<const Topology> topology;
  std::shared_ptr<const AssignmentTable> table;
  Rev topology_rev = 0;  // of the commit that brought this topology
};

// How much of a zone's places changes partition with a commit; zones that do not change are left
// out.
struct ZoneMovement {
  std::string zone;
  PlacementDiff diff;
};
struct PreparedState {
  std::function<void()> publish;  // called after the sync: must publish and cannot fail
  std::vector<ZoneMovement> movements;
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

struct TopologyChange {
  std::vector<std::string> added, removed,
      changed;  // "datacenter fra", "partition us-tx", "service www.shop.example"
  std::vector<AssignmentMove> moves;  // new, removed or re-homed subjects
};
struct TopologyResult {
  Rev rev = 0;
  bool applied = false;
  TopologyChange change;
  std::vector<ZoneMovement> movements;
};

struct RollbackResult {
  Rev rev = 0;
  bool applied = false;
  std::vector<AssignmentMove> moves;
  std::vector<std::string> left;  // subjects that could not go back, each with the reason
};

// A refusal a REST client can act on.
struct MapError {
  Error error;
  std::string rule;                         // for kRefused: which rule
  std::optional<Epoch> current_epoch = {};  // for kConflict on a subject
  std::optional<Rev> current_rev = {};      // for kConflict on the table
  Diagnostics problems = {};                // for documents
};
template <class T>
using MapResult = tl::expected<T, MapError>;

class MapService {
 public:
  // Reads the journal; an empty one is started with `first` (rev 1). A journal that exists wins
  // over `first`.
  static MapResult<std::unique_ptr<MapService>> open(std::shared_ptr<KvStore> store,
                                                     const Clock& clock,
                                                     std::shared_ptr<const Topology> first);

  const MapSnapshot& current() const { return current_; }
  const Journal& journal() const { return *journal_; }
  void onPublish(PreparePublish prepare) { prepare_ = std::move(prepare); }

  // Rules: the subject is a partition; `to` exists, is allowed, is not the current owner, and its
  // datacenter is IN_SERVICE; expected_epoch is the current one.
  MapResult<RemapResult> remap(const RemapRequest& request);
  // Partitions that stay keep their assignment where the new topology still allows it, else they go
  // home.
  MapResult<TopologyResult> putTopology(std::shared_ptr<const Topology> next,
                                        std::optional<Rev> expected_rev, const std::string& reason,
                                        const std::string& actor, bool dry_run);
  // A new commit whose assignments are those of `to` (the topology stays); epochs go on rising.
  MapResult<RollbackResult> rollback(Rev to, std::optional<Rev> expected_rev,
                                     const std::string& reason, const std::string& actor,
                                     bool dry_run);

 private:
  std::unique_ptr<Journal> journal_;
  PreparePublish prepare_;
  MapSnapshot current_;
};

}  // namespace meridian::partition
