// The decision: locus → eZone, by the rule of the zone's kind. Pure; computed for all loci when a
// table is published.
//
//   sharding   the assignment and nothing else: health never moves the owner of data
//   global rw  the assignment; ro: nearest eZone in service, not DOWN and not too far behind
//   (partition/read_choice.h), never nobody
//   stateless  among eZones in service and not DOWN by distance, weight and spill, a client's
//   network always the same way (partition/stateless.h); all down: the zone's policy, never nothing
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "partition/ids.h"
#include "partition/model.h"
#include "partition/placement.h"
#include "partition/shares.h"
#include "partition/table.h"

namespace meridian::partition {

// Which copies of a global zone are fresh enough to read (partition/drc/read_watch.h). The primary
// needs no entry to be read; its own is 0.
struct ReadCopies {
  std::vector<std::uint8_t> fresh = {};  // by position in Zone::ezones; empty: all of them
  // Of the stale ones in service the one that is behind the least, if that is known.
  std::optional<EZoneIx> least_stale = {};
  friend bool operator==(const ReadCopies&, const ReadCopies&) = default;
};

// Health and replication as inputs; until they are fed, all is UP and fresh.
struct SiteHealth {
  std::vector<Health> datacenters;        // by DcIx
  std::vector<ReadCopies> reads = {};     // by ZoneIx; empty: no lag is looked at
  std::vector<bool> endpoints_down = {};  // by EndpointIx; empty: none is
  // The same: those whose check has not spoken since the start. They count as up.
  std::vector<bool> endpoints_unknown = {};
  // Of one service, for its own decisions (partition/pool.h healthFor()): eZones in which too few
  // of its endpoints are up.
  std::bitset<kEpochSlots> too_few = {};  // by EZoneIx
  // Of one service too: eZones that have enough only if endpoints of which nothing is known are up.
  std::bitset<kEpochSlots> unproven = {};
};
SiteHealth allUp(const Topology& topology);
// SiteHealth::reads before anybody has looked: where lag is bounded, no copy is fresh.
std::vector<ReadCopies> nothingFresh(const Topology& topology);

// How full eZones are, as far as stateless answers go: the part of its clients, in basis points
// (0–10000), that an eZone sends away. Until load is measured nobody sends anybody.
struct SiteLoad {
  std::vector<std::uint16_t> spill;  // by EZoneIx; empty: all 0
  friend bool operator==(const SiteLoad&, const SiteLoad&) = default;
};

// What a stateless zone's decision needs beside health.
struct SiteInputs {
  SiteLoad load = {};
  // ZoneDecisions::last_good of the decisions before; empty: none were.
  std::vector<EZoneIx> last_good = {};
};

// Why an eZone was not the answer, for explain.
enum class RejectedFor : std::uint8_t {
  kChosen,
  kNotOwner,
  kFarther,
  kDraining,
  kOutOfService,
  kDown,
  kNotMember,
  kStandby,     // stateless: weight 0, and others are usable
  kOtherShare,  // stateless: as near as the choice; the client's share is the choice's
  kSpilled,     // stateless: full, and this client is of those that it sends away
  kStale,       // ro: too far behind the primary, or nobody knows how far
  kSpared,      // ro: the primary, while no copy is fresh and read_fallback spares it
  kTooFewUp,    // stateless: of the service's endpoints there
  kUnknown      // stateless, all_down last-good: nothing is known of it, and it was not good last
};
std::string_view rejectedForName(RejectedFor why);

struct Verdict {
  EZoneIx ezone;
  RejectedFor why = RejectedFor::kChosen;
  // Stateless, and 0 for who may not answer: class of distance (1 is the nearest), weight, spill.
  std::uint8_t distance_class = 0;
  std::uint16_t weight = 0;
  std::uint16_t spill = 0;
};

// Decisions of one zone of the model: an array read at query time.
struct ZoneDecisions {
  // sharding: owner; global: the ro choice; stateless: the choice, where the client does not matter
  // or is not known.
  std::vector<EZoneIx> by_locus;
  EZoneIx primary;                    // global: rw
  std::vector<Epoch> epoch_by_locus;  // sharding only
  // About to move: answers carry kPreparedTtl. Empty: none is. sharding: by locus; global: one
  // element, for the primary; stateless: all loci while all sites are down.
  std::vector<std::uint8_t> prepared;

  // Stateless zones in which some locus is answered by more than one eZone; else empty.
  struct ShareList {
    std::uint32_t first = 0;
    std::uint32_t count = 0;  // 0: by_locus is everybody's answer
  };
  std::vector<Share> shares;
  std::vector<ShareList> share_list_by_locus;
  // SubjectIx of the first partition, or of the global zone; stateless: kNoSubject.
  static constexpr std::size_t kNoSubject = std::size_t{1} << 48;
  std::size_t first_subject = kNoSubject;
  std::vector<EZoneIx> last_good;  // stateless: usable now, or when one last was

  // Whether by_locus is all there is to an answer.
  bool plain() const { return prepared.empty() && share_list_by_locus.empty(); }
  std::span<const Share> sharesOf(Locus locus) const {
    if (share_list_by_locus.empty()) return {};
    const ShareList list = share_list_by_locus[locus.index()];
    return std::span<const Share>(shares).subspan(list.first, list.count);
  }
};

// REQUIRES: table and placement belong to this topology; health has every datacenter.
ZoneDecisions decideZone(const Topology& topology, ZoneIx zone, const Placement& placement,
                         const AssignmentTable& table, const SiteHealth& health,
                         const SiteInputs& inputs = {});

using DecisionSet = std::vector<std::shared_ptr<const ZoneDecisions>>;  // by ZoneIx

// The same rule for one locus and, in stateless zones, one client (clientHash(); nullopt: there is
// no address), with every eZone of the zone and the reason it was or was not chosen.
struct DecisionStory {
  std::vector<Verdict> verdicts;
  bool shared = false;       // the answer depends on the client's network
  std::string basis = {};    // stateless: StatelessRule::basis()
  bool all_down = false;     // stateless: by the zone's `all_down`
  std::uint64_t client = 0;  // stateless: as given, or the place's own
};
DecisionStory explainDecision(const Topology& topology, ZoneIx zone, const Placement& placement,
                              const AssignmentTable& table, const SiteHealth& health, Locus locus,
                              bool read_write, const SiteInputs& inputs = {},
                              std::optional<std::uint64_t> client = std::nullopt);

// Why the eZone itself is no choice, or kChosen when it is one.
RejectedFor obstacleOf(const Topology& topology, const SiteHealth& health, EZoneIx ezone);

}  // namespace meridian::partition
