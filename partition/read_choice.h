// ReadChoice: which eZone answers the read-only name of a global zone. Pure; never nobody.
//
//   1. The nearest usable eZone (in service, not DOWN) that is the primary or a fresh copy.
//   2. With read_fallback least_stale, while no fresh copy is usable, the primary is spared: it
//      answers only those to whom it is the nearest usable one, the least stale copy all others.
//   3. If even the primary is not usable: the least stale copy, else the nearest usable one however
//      stale, else the primary.
//
// A zone without a bound of lag has fresh copies only.
#pragma once

#include <optional>
#include <vector>

#include "partition/decision.h"
#include "partition/model.h"

namespace meridian::partition {

class ReadChoice {
 public:
  // Topology and health must outlive this.
  ReadChoice(const Topology& topology, ZoneIx zone, const SiteHealth& health, EZoneIx primary);

  // `order`: the zone's eZones, nearest first.
  EZoneIx choose(const std::vector<EZoneIx>& order) const;
  std::vector<Verdict> verdicts(const std::vector<EZoneIx>& order) const;

 private:
  bool usable(EZoneIx ezone) const;
  bool fresh(EZoneIx ezone) const;  // also the primary

  const Topology& topology_;
  const Zone& zone_;
  const SiteHealth& health_;
  EZoneIx primary_;
  const ReadCopies* copies_ = nullptr;  // nullptr: no bound
  std::optional<EZoneIx> least_stale_;  // if it is usable
  bool spares_primary_ = false;         // rule 2
};

}  // namespace meridian::partition
