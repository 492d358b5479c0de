// The rule of stateless zones (docs/topology.md "Stateless zones"): who may answer, in which
// classes of distance, with which shares. Pure; evaluated when a state is published, never by a
// query.
//
//   who      usable (in service and not DOWN) eZones with a weight; if none, usable ones without;
//            if none, what the all-down policy says; always at least one. Where that is last-good,
//            an eZone of unknown health is usable if it was when one last was
//   classes  without weights and slack each eZone is a class of its own, nearest first; with
//            weights and no slack all are one; with a slack a class is the nearest eZone that is
//            left and all that are no farther than it and the slack
//   shares   partition/shares.h: by weight within the nearest class; whom a full eZone sends away
//            goes to the others of its class, then to the next class
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "partition/decision.h"
#include "partition/ids.h"
#include "partition/model.h"
#include "partition/placement.h"
#include "partition/shares.h"

namespace meridian::partition {

class StatelessRule {
 public:
  // REQUIRES: the zone is stateless; health has every datacenter. Topology must outlive this.
  StatelessRule(const Topology& topology, ZoneIx zone, const SiteHealth& health,
                const SiteInputs& inputs);

  // No eZone is usable: the all-down policy answers.
  bool allDown() const { return all_down_; }
  // "usable", or "all-down POLICY": why these eZones may answer.
  std::string basis() const;
  // SiteInputs::last_good of the next decision.
  const std::vector<EZoneIx>& lastGood() const { return last_good_; }
  // Whether the order of a place does not matter to the shares.
  bool sameEverywhere() const;

  // The shares of a locus, as far as a client may get: never empty. One alone: everybody's answer.
  std::vector<Share> shares(const Placement& placement, Locus locus) const;
  // Stands in for the client where a place has no address.
  std::uint64_t locusHash(const Placement& placement, Locus locus) const;
  std::vector<Verdict> verdicts(const Placement& placement, Locus locus,
                                std::uint64_t client) const;

 private:
  using Members = std::bitset<kEpochSlots>;  // by EZoneIx

  enum class Tier : std::uint8_t { kUsable, kInService, kDraining, kAny };
  bool take(Members from, bool weighted = true);
  void applyAllDown();
  bool isUnknown(EZoneIx ezone) const;
  bool isUsable(EZoneIx ezone) const;
  Members members(Tier tier) const;
  // Class by class, all of them, spill included.
  std::vector<Share> ranked(const Placement& placement, Locus locus) const;
  void addClass(std::span<const EZoneIx> ezones, std::vector<Share>& out) const;

  const Topology& topology_;
  const Zone& zone_;
  const SiteHealth& health_;
  std::vector<std::uint64_t> site_hash_;  // by EZoneIx; of members and the fallback
  std::vector<std::uint16_t> weight_;     // by EZoneIx; 0: not among candidates_
  std::vector<std::uint16_t> spill_;      // by EZoneIx
  std::vector<EZoneIx> last_good_;
  Members good_;  // SiteInputs::last_good
  Members usable_;
  Members candidates_;
  bool all_down_ = false;
  AllDown policy_ = AllDown::kAsIfUp;  // that answered, if all_down_
};

}  // namespace meridian::partition
