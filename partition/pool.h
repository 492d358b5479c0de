// Pools: a service's endpoints inside an eZone, each with health and weight of its own
// (docs/topology.md "Endpoints inside a site"). Pure; evaluated when a state is published.
//
//   enough   the weight that is up is at least min_up_share of all, and something is up; where it
//            is not, the eZone is DOWN for this service, and the zone's rule goes on without it
//   who      endpoints that are up and have a weight; if none, those that are up; where too few are
//            up and the eZone is the answer all the same: all
//   which    answer_count of them, by partition/shares.h chooseFromPool(); where too few are up and
//            more than one may be answered: all
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "partition/decision.h"
#include "partition/ids.h"
#include "partition/model.h"
#include "partition/shares.h"

namespace meridian::partition {

struct PoolChoice {
  std::uint32_t first = 0;     // in ServicePools::candidates
  std::uint16_t count = 0;     // 0: the eZone has no pool
  std::uint16_t answered = 0;  // of them, as the client's network says; `count`: all, to everybody
};

// Of one service that has a pool somewhere.
struct ServicePools {
  // The zone's own, where enough is up everywhere and what is remembered (`all_down` last-good) is
  // the zone's.
  std::shared_ptr<const ZoneDecisions> decisions;
  std::vector<PoolChoice> by_ezone;  // by EZoneIx
  std::vector<PoolShare> candidates;
  std::bitset<kEpochSlots> too_few;  // by EZoneIx

  std::span<const PoolShare> candidatesOf(const PoolChoice& choice) const {
    return std::span<const PoolShare>(candidates).subspan(choice.first, choice.count);
  }
};
using PoolSet = std::vector<std::shared_ptr<const ServicePools>>;  // by ServiceIx; null: no pool

// The endpoints that this client is answered, in their order: what a query gets, for explanations.
std::vector<EndpointIx> answeredOf(const ServicePools& pools, EZoneIx ezone, std::uint64_t client);

// What overrides of its health match, and what it is called from one topology to the next:
// "endpoint/SERVICE/EZONE/ID", the service's name in lower case without the final dot.
std::string endpointSubject(std::string_view service, std::string_view ezone, std::string_view id);

// Whether the endpoint may be answered as far as its own health goes.
bool isUp(const SiteHealth& health, EndpointIx endpoint);
// The part of a pool's weight that is up, in basis points. REQUIRES: there is a pool.
std::uint16_t upShare(const Endpoint& endpoint, const SiteHealth& health);
bool enoughUp(const Service& service, const Endpoint& endpoint, const SiteHealth& health);

// What the zone's rule goes by for this service: `health`, where too few of its endpoints are up,
// and where nobody knows yet.
SiteHealth healthFor(const Service& service, const SiteHealth& health);

// All of one state, the decisions of zones made already.
struct PoolView {
  const Topology& topology;
  const PlacementSet& placements;
  const AssignmentTable& table;
  const SiteHealth& health;
  const SiteLoad& load;
  const DecisionSet& decisions;
  // Of the state before: ZoneDecisions::last_good of each service, by ServiceIx. A service without
  // one goes by its zone's.
  std::vector<std::vector<EZoneIx>> last_good = {};
};
// nullptr: no service has a pool.
std::shared_ptr<const PoolSet> decidePools(const PoolView& view);
// PoolView::last_good of the next; `pools` may be null.
std::vector<std::vector<EZoneIx>> lastGoodOf(const PoolSet* pools);

}  // namespace meridian::partition
