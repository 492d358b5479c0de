#include "partition/decision.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>

#include "partition/read_choice.h"
#include "partition/stateless.h"

namespace meridian::partition {
namespace {

Health healthOf(const Topology& topology, const SiteHealth& health, EZoneIx ezone) {
  return health.datacenters[topology.ezones[ezone.index()].dc.index()];
}

// Where the owner of a global zone stands: behind the partitions, in topology order.
std::size_t globalSubject(const Topology& topology, ZoneIx zone) {
  const auto first = topology.zones.begin();
  const auto before = std::count_if(
      first, first + zone.value, [](const Zone& each) { return each.kind == ZoneKind::kGlobal; });
  return topology.partitions.size() + static_cast<std::size_t>(before);
}

const Assignment& globalAssignment(const Topology& topology, const AssignmentTable& table,
                                   ZoneIx zone) {
  return table.assignments[globalSubject(topology, zone)];
}

std::vector<Verdict> ownerVerdicts(const Zone& zone, EZoneIx owner,
                                   const std::vector<EZoneIx>& candidates) {
  std::vector<Verdict> verdicts{{owner, RejectedFor::kChosen}};
  for (const EZoneIx ezone : zone.ezones) {
    if (ezone == owner) continue;
    const bool member = std::find(candidates.begin(), candidates.end(), ezone) != candidates.end();
    verdicts.push_back({ezone, member ? RejectedFor::kNotOwner : RejectedFor::kNotMember});
  }
  return verdicts;
}

// The usual case, which costs an answer one look at a size.
void dropIfNone(std::vector<std::uint8_t>& prepared) {
  if (std::find(prepared.begin(), prepared.end(), 1) == prepared.end()) prepared.clear();
}

Locus locusAt(std::size_t number) {
  return Locus(static_cast<Locus::Representation>(number));
}

// Lists that loci share are kept once: there are few sets of sites, and many places.
class ShareLists {
 public:
  explicit ShareLists(ZoneDecisions& out) : out_(out) {}

  void add(const std::vector<Share>& shares) {
    ZoneDecisions::ShareList list;
    if (shares.size() > 1) {
      const auto [known, fresh] = lists_.try_emplace(shares);
      if (fresh) {
        known->second = {static_cast<std::uint32_t>(out_.shares.size()),
                         static_cast<std::uint32_t>(shares.size())};
        out_.shares.insert(out_.shares.end(), shares.begin(), shares.end());
      }
      list = known->second;
    }
    out_.share_list_by_locus.push_back(list);
  }
  void finish() {
    if (lists_.empty()) out_.share_list_by_locus.clear();
  }

 private:
  ZoneDecisions& out_;
  std::map<std::vector<Share>, ZoneDecisions::ShareList> lists_;
};

ZoneDecisions decideStateless(const StatelessRule& rule, const Placement& placement) {
  ZoneDecisions out;
  ShareLists lists(out);
  std::vector<Share> shares;
  for (std::size_t i = 0; i < placement.locusCount(); ++i) {
    const Locus locus = locusAt(i);
    if (i == 0 || !rule.sameEverywhere()) shares = rule.shares(placement, locus);
    lists.add(shares);
    out.by_locus.push_back(shares.size() == 1
                               ? shares.front().ezone
                               : chooseShare(shares, rule.locusHash(placement, locus)));
  }
  lists.finish();
  out.last_good = rule.lastGood();
  if (rule.allDown()) out.prepared.assign(placement.locusCount(), 1);
  return out;
}

}  // namespace

SiteHealth allUp(const Topology& topology) {
  return {.datacenters = std::vector<Health>(topology.datacenters.size(), Health::kUp)};
}

std::vector<ReadCopies> nothingFresh(const Topology& topology) {
  std::vector<ReadCopies> out(topology.zones.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Zone& zone = topology.zones[i];
    if (zone.read_max_lag_ms) out[i].fresh.assign(zone.ezones.size(), 0);
  }
  return out;
}

// Why the eZone itself is no choice, or kChosen when it is one.
RejectedFor obstacleOf(const Topology& topology, const SiteHealth& health, EZoneIx ezone) {
  switch (topology.dcOf(ezone).admin_state) {
    case AdminState::kOutOfService:
      return RejectedFor::kOutOfService;
    case AdminState::kDraining:
      return RejectedFor::kDraining;
    case AdminState::kInService:
      break;
  }
  if (healthOf(topology, health, ezone) == Health::kDown) return RejectedFor::kDown;
  return health.too_few.test(ezone.index()) ? RejectedFor::kTooFewUp : RejectedFor::kChosen;
}

std::string_view rejectedForName(RejectedFor why) {
  switch (why) {
    case RejectedFor::kChosen:
      return "chosen";
    case RejectedFor::kNotOwner:
      return "not-owner";
    case RejectedFor::kFarther:
      return "farther";
    case RejectedFor::kDraining:
      return "draining";
    case RejectedFor::kOutOfService:
      return "out-of-service";
    case RejectedFor::kDown:
      return "down";
    case RejectedFor::kNotMember:
      return "not-member";
    case RejectedFor::kStandby:
      return "standby";
    case RejectedFor::kOtherShare:
      return "other-share";
    case RejectedFor::kSpilled:
      return "spilled";
    case RejectedFor::kStale:
      return "stale";
    case RejectedFor::kSpared:
      return "spared";
    case RejectedFor::kTooFewUp:
      return "too-few-up";
    case RejectedFor::kUnknown:
      return "unknown";
  }
  return "unknown";
}

ZoneDecisions decideZone(const Topology& topology, ZoneIx zone_ix, const Placement& placement,
                         const AssignmentTable& table, const SiteHealth& health,
                         const SiteInputs& inputs) {
  const Zone& zone = topology.zones[zone_ix.index()];
  if (zone.kind == ZoneKind::kStateless) {
    return decideStateless(StatelessRule(topology, zone_ix, health, inputs), placement);
  }
  ZoneDecisions out;
  if (zone.kind == ZoneKind::kSharding) {
    out.first_subject = zone.first_partition.index();
    for (std::size_t i = 0; i < zone.partition_count; ++i) {
      const Assignment& assignment = table.assignments[zone.first_partition.index() + i];
      out.by_locus.push_back(assignment.ezone);
      out.epoch_by_locus.push_back(assignment.epoch);
      out.prepared.push_back(assignment.prepared ? 1 : 0);
    }
    dropIfNone(out.prepared);
    return out;
  }
  const Assignment& assignment = globalAssignment(topology, table, zone_ix);
  out.first_subject = globalSubject(topology, zone_ix);
  out.primary = assignment.ezone;
  if (assignment.prepared) out.prepared = {1};
  const ReadChoice reads(topology, zone_ix, health, out.primary);
  for (std::size_t i = 0; i < placement.locusCount(); ++i) {
    out.by_locus.push_back(reads.choose(placement.siteOrder(locusAt(i))));
  }
  return out;
}

DecisionStory explainDecision(const Topology& topology, ZoneIx zone_ix, const Placement& placement,
                              const AssignmentTable& table, const SiteHealth& health, Locus locus,
                              bool read_write, const SiteInputs& inputs,
                              std::optional<std::uint64_t> client) {
  const Zone& zone = topology.zones[zone_ix.index()];
  if (zone.kind == ZoneKind::kSharding) {
    const std::size_t partition = zone.first_partition.index() + locus.index();
    return {ownerVerdicts(zone, table.assignments[partition].ezone,
                          topology.partitions[partition].allowed)};
  }
  if (zone.kind == ZoneKind::kStateless) {
    const StatelessRule rule(topology, zone_ix, health, inputs);
    const std::uint64_t hash = client.value_or(rule.locusHash(placement, locus));
    return {rule.verdicts(placement, locus, hash), rule.shares(placement, locus).size() > 1,
            rule.basis(), rule.allDown(), hash};
  }
  const EZoneIx primary = globalAssignment(topology, table, zone_ix).ezone;
  if (read_write) return {ownerVerdicts(zone, primary, zone.ezones)};
  return {ReadChoice(topology, zone_ix, health, primary).verdicts(placement.siteOrder(locus))};
}

}  // namespace meridian::partition
