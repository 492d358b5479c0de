// The decision: locus → eZone, by the rule of the zone's kind. Pure; computed for all loci when a
// table is published.
//
//   sharding   the assignment and nothing else: health never moves the owner of data
//   global rw  the assignment; ro: nearest eZone in service and not DOWN, else the primary
//   stateless  nearest eZone in service and not DOWN; all down: the nearest as if all were up
//   (never empty); none in service: the nearest draining one, then the nearest
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "partition/ids.h"
#include "partition/model.h"
#include "partition/placement.h"
#include "partition/table.h"

namespace meridian::partition {

// Health and replication as inputs; until they are fed, all is UP.
struct SiteHealth {
  std::vector<Health> datacenters;  // by DcIx
};
SiteHealth allUp(const Topology& topology);

// Why an eZone was not the answer, for explain.
enum class RejectedFor : std::uint8_t {
  kChosen,
  kNotOwner,
  kFarther,
  kDraining,
  kOutOfService,
  kDown,
  kNotMember
};
std::string_view rejectedForName(RejectedFor why);

struct Verdict {
  EZoneIx ezone;
  RejectedFor why = RejectedFor::kChosen;
};

// Decisions of one zone of the model: an array read at query time.
struct ZoneDecisions {
  std::vector<EZoneIx> by_locus;  // sharding: owner; global: the ro choice; stateless: the choice
  EZoneIx primary;                // global: rw
  std::vector<Epoch> epoch_by_locus;  // sharding only
  // About to move: answers carry kPreparedTtl. Empty: none is. sharding: by locus; global: one
  // element, for the primary.
  std::vector<std::uint8_t> prepared;
};

// REQUIRES: table and placement belong to this topology; health has every datacenter.
ZoneDecisions decideZone(const Topology& topology, ZoneIx zone, const Placement& placement,
                         const AssignmentTable& table, const SiteHealth& health);

// The same rule for one locus, with every eZone of the zone and the reason it was or was not
// chosen.
std::vector<Verdict> explainDecision(const Topology& topology, ZoneIx zone,
                                     const Placement& placement, const AssignmentTable& table,
                                     const SiteHealth& health, Locus locus, bool read_write);

}  // namespace meridian::partition
