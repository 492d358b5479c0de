// Forwarders: which eZones must still send on what comes to them for a subject that has moved away
// (or answer WRONG_ZONE), by which change, and until when (domain.md §3b: at least 72 h, for those
// whose resolvers ignore TTLs).
//
// Derived from the changes' logs, so that a restart finds the same. Of a subject and an old eZone
// the newest move counts; an eZone that owns the subject again forwards nothing. Bounds: the moves
// of the changes that are kept (ChangeStore::kKept). Pure. Threads: one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "partition/change/change.h"
#include "partition/change/change_store.h"
#include "partition/map_service.h"

namespace meridian::partition {

struct Forwarder {
  std::string subject, from, to;  // eZones; to: where it is to be sent, now
  Epoch epoch = 0;                // of the subject, now
  std::uint64_t change = 0;       // whose COMMIT moved it away
  WallTime until{};
};

class Forwarders {
 public:
  static constexpr std::chrono::hours kFor{72};

  // The change's current wave was committed at `at`. Moves are to be noted in their order; noting
  // one again changes nothing.
  void committed(const Change& change, std::size_t wave, WallTime at);
  void forget(std::uint64_t change);  // that is kept no longer
  // Drops what is over.
  void expire(WallTime now);

  // By subject, then old eZone.
  std::vector<Forwarder> open(const MapSnapshot& map, WallTime now) const;
  // When the last of the change's old eZones may stop; nullopt: it moved nothing, or long ago.
  std::optional<WallTime> until(std::uint64_t change) const;

 private:
  struct Move {
    std::uint64_t change = 0;
    WallTime at{};
  };
  std::map<std::pair<std::string, std::string>, Move> moves_;  // by subject, old eZone
  std::map<std::uint64_t, WallTime> commits_;                  // a change's newest
};

// The waves' commits that a change's log tells of: wave and time, in order.
std::vector<std::pair<std::size_t, WallTime>> commitsIn(const std::vector<ChangeLogEntry>& log);

}  // namespace meridian::partition
