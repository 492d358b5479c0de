#include "partition/pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <tuple>
#include <utility>

namespace meridian::partition {
namespace {

EndpointIx nth(const Endpoint& endpoint, std::size_t position) {
  return EndpointIx(endpoint.first_of_pool.value + static_cast<std::uint32_t>(position));
}

struct WantedShare {
  std::uint16_t share = 0;  // of the weight, in basis points
  bool any = false;         // standbys too
};
// What `wanted(EndpointIx)` says of a pool.
template <class Wanted>
WantedShare shareOf(const Endpoint& endpoint, const Wanted& wanted) {
  WantedShare out;
  std::uint64_t part = 0;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < endpoint.pool.size(); ++i) {
    all += endpoint.pool[i].weight;
    if (!wanted(nth(endpoint, i))) continue;
    part += endpoint.pool[i].weight;
    out.any = true;
  }
  out.share = static_cast<std::uint16_t>(part * kWholeShare / all);
  return out;
}

template <class Wanted>
bool isEnough(const Service& service, const Endpoint& endpoint, const Wanted& wanted) {
  const WantedShare found = shareOf(endpoint, wanted);
  return found.any && found.share >= service.min_up_share;
}

// Endpoints of a pool that `wanted(position)` says, with their weights, but none of 0.
template <class Wanted>
std::size_t addEligible(const Endpoint& endpoint, std::vector<PoolShare>& out,
                        const Wanted& wanted) {
  const std::size_t before = out.size();
  for (std::size_t i = 0; i < endpoint.pool.size(); ++i) {
    const PoolEndpoint& each = endpoint.pool[i];
    if (!wanted(i)) continue;
    out.push_back({each.hash, nth(endpoint, i), std::max(each.weight, std::uint16_t{1})});
  }
  return out.size() - before;
}

PoolChoice chooseCandidates(const Service& service, const Endpoint& endpoint,
                            const SiteHealth& health, std::vector<PoolShare>& out) {
  PoolChoice choice;
  choice.first = static_cast<std::uint32_t>(out.size());
  const auto up = [&](std::size_t i) { return isUp(health, nth(endpoint, i)); };
  std::size_t count = 0;
  std::size_t answered = service.answer_count;
  if (enoughUp(service, endpoint, health)) {
    count = addEligible(endpoint, out,
                        [&](std::size_t i) { return up(i) && endpoint.pool[i].weight > 0; });
    if (count == 0) count = addEligible(endpoint, out, up);
  } else {
    count = addEligible(endpoint, out, [](std::size_t) { return true; });
    if (answered > 1) answered = 0;
  }
  choice.count = static_cast<std::uint16_t>(count);
  choice.answered = static_cast<std::uint16_t>(answered == 0 ? count : std::min(answered, count));
  return choice;
}

// Services of a zone with the same trouble share their decisions.
class PoolDecisions {
 public:
  explicit PoolDecisions(const PoolView& view) : view_(view) {}

  std::shared_ptr<const ZoneDecisions> of(const Service& service, const SiteHealth& health,
                                          std::vector<EZoneIx> last_good) {
    const std::size_t zone = service.zone.index();
    const std::shared_ptr<const ZoneDecisions>& of_zone = view_.decisions[zone];
    if (last_good.empty()) last_good = of_zone->last_good;
    const bool remembers = view_.topology.zones[zone].stateless.all_down == AllDown::kLastGood;
    const bool other_memory =
        remembers && (health.unproven.any() || last_good != of_zone->last_good);
    if (health.too_few.none() && !other_memory) return of_zone;
    const auto [known, fresh] = made_.try_emplace(
        {zone, health.too_few.to_ullong(), health.unproven.to_ullong(), std::move(last_good)});
    if (fresh) {
      known->second = std::make_shared<const ZoneDecisions>(
          decideZone(view_.topology, service.zone, *view_.placements[zone], view_.table, health,
                     {view_.load, std::get<3>(known->first)}));
    }
    return known->second;
  }

 private:
  using Key = std::tuple<std::size_t, std::uint64_t, std::uint64_t, std::vector<EZoneIx>>;
  const PoolView& view_;
  std::map<Key, std::shared_ptr<const ZoneDecisions>> made_;
};

}  // namespace

std::vector<EndpointIx> answeredOf(const ServicePools& pools, EZoneIx ezone, std::uint64_t client) {
  const PoolChoice& choice = pools.by_ezone[ezone.index()];
  const auto candidates = pools.candidatesOf(choice);
  std::vector<EndpointIx> out(choice.answered);
  if (choice.answered < choice.count) {
    chooseFromPool(candidates, client, out);
  } else {
    std::transform(candidates.begin(), candidates.end(), out.begin(),
                   [](const PoolShare& each) { return each.endpoint; });
  }
  return out;
}

std::string endpointSubject(std::string_view service, std::string_view ezone, std::string_view id) {
  if (service.ends_with('.')) service.remove_suffix(1);
  std::string out = fmt::format("endpoint/{}/{}/{}", service, ezone, id);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

bool isUp(const SiteHealth& health, EndpointIx endpoint) {
  return health.endpoints_down.empty() || !health.endpoints_down[endpoint.index()];
}

std::uint16_t upShare(const Endpoint& endpoint, const SiteHealth& health) {
  return shareOf(endpoint, [&](EndpointIx each) { return isUp(health, each); }).share;
}

bool enoughUp(const Service& service, const Endpoint& endpoint, const SiteHealth& health) {
  return isEnough(service, endpoint, [&](EndpointIx each) { return isUp(health, each); });
}

SiteHealth healthFor(const Service& service, const SiteHealth& health) {
  SiteHealth out = health;
  const auto knownUp = [&](EndpointIx each) {
    return isUp(health, each) &&
           (health.endpoints_unknown.empty() || !health.endpoints_unknown[each.index()]);
  };
  for (const Endpoint& endpoint : service.endpoints) {
    if (endpoint.pool.empty()) continue;
    const bool enough = enoughUp(service, endpoint, health);
    out.too_few.set(endpoint.ezone.index(), !enough);
    out.unproven.set(endpoint.ezone.index(), enough && !isEnough(service, endpoint, knownUp));
  }
  return out;
}

std::shared_ptr<const PoolSet> decidePools(const PoolView& view) {
  const std::vector<Service>& services = view.topology.services;
  if (view.topology.endpoint_count == 0) return nullptr;
  auto out = std::make_shared<PoolSet>(services.size());
  PoolDecisions decisions(view);
  for (std::size_t i = 0; i < services.size(); ++i) {
    const Service& service = services[i];
    if (!service.pooled()) continue;
    const SiteHealth health = healthFor(service, view.health);
    auto pools = std::make_shared<ServicePools>();
    pools->by_ezone.resize(view.topology.ezones.size());
    for (const Endpoint& endpoint : service.endpoints) {
      if (endpoint.pool.empty()) continue;
      pools->by_ezone[endpoint.ezone.index()] =
          chooseCandidates(service, endpoint, health, pools->candidates);
    }
    pools->too_few = health.too_few;
    pools->decisions = decisions.of(
        service, health, i < view.last_good.size() ? view.last_good[i] : std::vector<EZoneIx>{});
    (*out)[i] = std::move(pools);
  }
  return out;
}

std::vector<std::vector<EZoneIx>> lastGoodOf(const PoolSet* pools) {
  std::vector<std::vector<EZoneIx>> out;
  if (pools == nullptr) return out;
  for (const auto& each : *pools) {
    out.push_back(each ? each->decisions->last_good : std::vector<EZoneIx>{});
  }
  return out;
}

}  // namespace meridian::partition
