// ZoneStore: DNS zones whose content is not what a file says, kept over a restart: a snapshot of
// all records and the steps since, and the steps before as far as others may ask for them (IXFR).
//
// Family "zones", docs/journal-format.md. What is kept is synced before a call returns. A snapshot
// is written anew when the steps since the last one are as long as it was, so that a start reads at
// most twice a zone's size. Threads: the control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "dns/zone/catalog.h"
#include "dns/zone/zone_history.h"

namespace meridian::dns {

// What the store knows of a zone beside its records.
struct StoredZoneFacts {
  std::string file;         // the zone's file when it was last what is served; empty: it has none
  std::string file_sha256;  // hexadecimal; of the records that the file had then
  WallTime changed{};       // when the zone last changed
  bool edited = true;       // false: it is here for its signatures, and its file has the say
  bool signed_here = false;
  // Of a zone that comes from a primary: when it was last known to be what the primary has.
  std::optional<WallTime> refreshed = {};
  std::optional<CatalogMembership> member = {};  // nullopt: no catalog brought it
};

struct StoredZone {
  StoredZoneFacts facts;
  std::shared_ptr<const Zone> zone;
  std::vector<ZoneHistory::Step> steps;  // that led to it, oldest first
};

class ZoneStore {
 public:
  static std::vector<std::string> families();

  explicit ZoneStore(std::shared_ptr<KvStore> store) : store_(std::move(store)) {}

  // All zones; to be called once, before any other call. kIo; kCorrupt says which zone cannot be
  // read, and what can be done.
  Result<std::vector<StoredZone>> load();
  // `zone` as the step that `history` ends with left it; a history without steps: the zone as a
  // whole, and nothing of before. kIo: nothing is changed.
  Status keep(const Zone& zone, const ZoneHistory& history, const StoredZoneFacts& facts);
  // Of a zone that is here: these facts from now on. kIo: nothing is changed. kNotFound.
  Status keepFacts(NameView apex, const StoredZoneFacts& facts);
  // As last kept; nullptr: the zone is not here. Valid until the next call that keeps or forgets
  // it.
  const StoredZoneFacts* factsOf(NameView apex) const;
  // kIo: nothing is changed. A zone that is not here is no error.
  Status forget(NameView apex);
  // Forgets `gone`, and has `moved` be members of these catalogs, all at once. kIo: nothing is
  // changed. Zones that are not here are no error.
  Status settleMembers(std::span<const Name> gone,
                       std::span<const std::pair<Name, CatalogMembership>> moved);

 private:
  struct Entry {
    StoredZoneFacts facts;
    std::uint32_t generation = 0;  // of the snapshot; 0: there is none
    std::uint32_t chunks = 0;
    std::uint32_t snapshot_step = 0;  // the last step that is in the snapshot
    std::uint32_t first_step = 1;     // of those kept
    std::uint32_t next_step = 1;
    std::size_t snapshot_bytes = 0;
    std::size_t bytes_since = 0;  // of the steps after the snapshot
  };
  struct Reading;

  static std::string metaOf(const Entry& entry, const StoredZoneFacts& facts);
  static void addSnapshot(const std::string& prefix, const Zone& zone, Entry& entry,
                          std::vector<StoreWrite>& batch);
  Result<StoredZone> assemble(Reading& reading);

  std::shared_ptr<KvStore> store_;
  std::map<std::string, Entry> entries_;  // by key prefix
};

}  // namespace meridian::dns
