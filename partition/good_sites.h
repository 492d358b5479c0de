// GoodSites: which eZones of a stateless zone, and of a service with endpoints of its own health
// (partition/pool.h), were usable when one last was, kept over a restart:
// where `all_down` is last-good, a restart in the middle of an outage answers as before it
// (docs/topology.md "Stateless zones").
//
// Family "stateless": "good/ZONE" → ids of eZones with a space between them; at most one key a
// zone, 64 ids. "pool/SERVICE" (lower case, no final dot) → the same, only for a service whose set
// is not its zone's: without one it goes by its zone's. Written after a state is published, and
// only when a set changed. What cannot be read is forgotten, with a line in the log: it is a hint,
// not data. Threads: the control thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/kv_store.h"
#include "base/result.h"
#include "partition/decision.h"
#include "partition/model.h"
#include "partition/pool.h"

namespace meridian::partition {

class GoodSites {
 public:
  static std::vector<std::string> families();

  // kIo.
  static Result<GoodSites> open(std::shared_ptr<KvStore> store);

  // SiteInputs::last_good of each zone, by ZoneIx: what this topology still has of it.
  std::vector<std::vector<EZoneIx>> of(const Topology& topology) const;

  // PoolView::last_good of each service, by ServiceIx: the same.
  std::vector<std::vector<EZoneIx>> ofServices(const Topology& topology) const;

  // Keeps the sets of these decisions (by ZoneIx) and pools (by ServiceIx; null: there are none),
  // and forgets zones and services that are gone or have another policy. When it returns, a restart
  // has them. kIo: the next call writes them again.
  Status keep(const Topology& topology, const DecisionSet& decisions, const PoolSet* pools);

 private:
  explicit GoodSites(std::shared_ptr<KvStore> store) : store_(std::move(store)) {}

  std::shared_ptr<KvStore> store_;
  std::map<std::string, std::string> kept_;  // key → ids, as they are stored
};

}  // namespace meridian::partition
