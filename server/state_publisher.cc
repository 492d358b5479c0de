#include "server/state_publisher.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "dns/zone/loader.h"

namespace meridian::server {
namespace {

using partition::MapSnapshot;
using partition::ZoneIx;

// Zones of the model in which some subject's assignment is another one. Both tables are of one
// topology.
std::set<std::size_t> changedZones(const partition::Topology& topology,
                                   const partition::AssignmentTable& before,
                                   const partition::AssignmentTable& after) {
  std::set<std::size_t> zones;
  for (std::size_t i = 0; i < after.assignments.size(); ++i) {
    if (after.assignments[i].rev == before.assignments[i].rev) continue;
    if (const auto zone = topology.findZone(after.assignments[i].zone)) zones.insert(zone->index());
  }
  return zones;
}

std::vector<partition::ZoneMovement> movements(const dns::ServingState& before,
                                               const dns::ServingState& after) {
  std::vector<partition::ZoneMovement> out;
  for (std::size_t i = 0; i < after.map.topology->zones.size(); ++i) {
    const std::string& id = after.map.topology->zones[i].id;
    const auto old_zone = before.map.topology->findZone(id);
    if (!old_zone) continue;
    const ZoneIx new_zone(static_cast<std::uint16_t>(i));
    out.push_back({id, partition::diffPlacements(
                           *before.map.topology, *(*before.placements)[old_zone->index()],
                           *after.map.topology, *(*after.placements)[i], *old_zone, new_zone)});
  }
  return out;
}

// What was known of a zone's copies, for those that the new topology has too.
void carryReads(const dns::ServingState& before, const partition::Topology& next,
                std::vector<partition::ReadCopies>& reads) {
  const partition::Topology& old = *before.map.topology;
  for (std::size_t i = 0; i < next.zones.size(); ++i) {
    const auto was = old.findZone(next.zones[i].id);
    if (!was || reads[i].fresh.empty()) continue;
    const partition::Zone& old_zone = old.zones[was->index()];
    const partition::ReadCopies& known = before.health->reads[was->index()];
    for (std::size_t at = 0; at < known.fresh.size(); ++at) {
      const auto now = next.findEZone(old.ezones[old_zone.ezones[at].index()].id);
      const auto& ezones = next.zones[i].ezones;
      const auto place = now ? std::find(ezones.begin(), ezones.end(), *now) : ezones.end();
      if (place == ezones.end()) continue;
      reads[i].fresh[static_cast<std::size_t>(place - ezones.begin())] = known.fresh[at];
      if (known.least_stale == old_zone.ezones[at]) reads[i].least_stale = *now;
    }
  }
}

// Calls visit(key, number) for each endpoint that has an id; the key is the same in all topologies.
template <class Visit>
void forEachEndpoint(const partition::Topology& topology, const Visit& visit) {
  for (const partition::Service& service : topology.services) {
    for (const partition::Endpoint& endpoint : service.endpoints) {
      for (std::size_t i = 0; i < endpoint.pool.size(); ++i) {
        visit(partition::endpointSubject(service.name, topology.ezones[endpoint.ezone.index()].id,
                                         endpoint.pool[i].id),
              endpoint.first_of_pool.index() + i);
      }
    }
  }
}

// A copy that is fresh to one primary says nothing of another: after a switch nothing is fresh
// until somebody looks again. `changed`: zones whose assignment is another one.
std::shared_ptr<const partition::SiteHealth> afterSwitches(const dns::ServingState& before,
                                                           const MapSnapshot& next,
                                                           const std::set<std::size_t>& changed) {
  partition::SiteHealth health = *before.health;
  for (const std::size_t zone : changed) {
    const auto subject = next.table->find(next.topology->zones[zone].id);
    if (!subject || zone >= health.reads.size()) continue;  // no global zone
    const bool switched =
        next.table->assignments[subject->index()].ezone != before.decisions[zone]->primary;
    partition::ReadCopies& copies = health.reads[zone];
    if (switched) copies = {std::vector<std::uint8_t>(copies.fresh.size(), 0), std::nullopt};
  }
  if (health.reads == before.health->reads) return before.health;
  return std::make_shared<const partition::SiteHealth>(std::move(health));
}

// Which endpoints are marked, of those that the old topology had too.
std::vector<bool> carriedEndpoints(const partition::Topology& old, const std::vector<bool>& marks,
                                   const partition::Topology& next) {
  std::set<std::string> marked;
  if (!marks.empty()) {
    forEachEndpoint(old, [&](std::string key, std::size_t number) {
      if (marks[number]) marked.insert(std::move(key));
    });
  }
  std::vector<bool> out;
  if (marked.empty()) return out;
  out.resize(next.endpoint_count);
  forEachEndpoint(next, [&](const std::string& key, std::size_t number) {
    out[number] = marked.contains(key);
  });
  return out;
}

// What was known of the old topology's sites, for those that the new one has too. At first nothing
// is known.
partition::SiteHealth carried(const dns::ServingState* before, const partition::Topology& next) {
  partition::SiteHealth health = partition::allUp(next);
  health.reads = partition::nothingFresh(next);
  if (before == nullptr) {
    std::fill(health.datacenters.begin(), health.datacenters.end(), partition::Health::kUnknown);
    return health;
  }
  carryReads(*before, next, health.reads);
  for (std::size_t i = 0; i < next.datacenters.size(); ++i) {
    const auto was = before->map.topology->findDatacenter(next.datacenters[i].id);
    if (was) health.datacenters[i] = before->health->datacenters[was->index()];
  }
  const partition::Topology& old = *before->map.topology;
  health.endpoints_down = carriedEndpoints(old, before->health->endpoints_down, next);
  health.endpoints_unknown = carriedEndpoints(old, before->health->endpoints_unknown, next);
  return health;
}

// The good eZones of old that are members of the zone now.
std::vector<partition::EZoneIx> carriedGood(const partition::Topology& old,
                                            const std::vector<partition::EZoneIx>& good,
                                            const partition::Topology& next,
                                            const partition::Zone& zone) {
  std::vector<partition::EZoneIx> out;
  for (const partition::EZoneIx ezone : good) {
    const auto now = next.findEZone(old.ezones[ezone.index()].id);
    const bool member =
        now && std::find(zone.ezones.begin(), zone.ezones.end(), *now) != zone.ezones.end();
    if (member) out.push_back(*now);
  }
  return out;
}

// What stateless zones remember, for the eZones and zones that the new topology has too.
CarriedInputs carriedInputs(const dns::ServingState* before, const partition::GoodSites* kept,
                            const partition::Topology& next) {
  CarriedInputs out;
  if (before == nullptr) {
    if (kept != nullptr) {
      out.last_good = kept->of(next);
      out.service_last_good = kept->ofServices(next);
    }
    return out;
  }
  const partition::Topology& old = *before->map.topology;
  if (!before->load.spill.empty()) {
    for (const partition::EZone& ezone : next.ezones) {
      const auto was = old.findEZone(ezone.id);
      out.load.spill.push_back(was ? before->load.spill[was->index()] : std::uint16_t{0});
    }
  }
  for (const partition::Zone& zone : next.zones) {
    auto& good = out.last_good.emplace_back();
    const auto was = old.findZone(zone.id);
    if (was) good = carriedGood(old, before->decisions[was->index()]->last_good, next, zone);
  }
  if (before->pools == nullptr || next.endpoint_count == 0) return out;
  std::map<std::string_view, const partition::ServicePools*> pools;
  for (std::size_t i = 0; i < old.services.size(); ++i) {
    if (const auto& each = (*before->pools)[i]) pools[old.services[i].name] = each.get();
  }
  for (const partition::Service& service : next.services) {
    auto& good = out.service_last_good.emplace_back();
    const auto was = pools.find(service.name);
    if (was == pools.end()) continue;
    good =
        carriedGood(old, was->second->decisions->last_good, next, next.zones[service.zone.index()]);
  }
  return out;
}

// Whether health has a say in this zone, and in a site of it that changed. Owners of data do not
// move by health.
bool touches(const partition::Topology& topology, const partition::Zone& zone,
             const partition::SiteHealth& before, const partition::SiteHealth& after) {
  if (zone.kind == partition::ZoneKind::kSharding) return false;
  return std::any_of(zone.ezones.begin(), zone.ezones.end(), [&](partition::EZoneIx ezone) {
    const std::size_t dc = topology.ezones[ezone.index()].dc.index();
    return before.datacenters[dc] != after.datacenters[dc];
  });
}

void logReads(const partition::Topology& topology, const std::vector<partition::ReadCopies>& before,
              const std::vector<partition::ReadCopies>& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    const partition::Zone& zone = topology.zones[i];
    for (std::size_t at = 0; at < after[i].fresh.size(); ++at) {
      const bool fresh = after[i].fresh[at] != 0;
      if (fresh == (before[i].fresh[at] != 0)) continue;
      logInfo("read_copy", {{"zone", zone.id},
                            {"ezone", topology.ezones[zone.ezones[at].index()].id},
                            {"is", fresh ? "fresh" : "stale"}});
    }
  }
}

// Whether some eZone of this zone sends away another part of its clients than before.
bool touches(const partition::Zone& zone, const partition::SiteLoad& before,
             const partition::SiteLoad& after) {
  if (zone.kind != partition::ZoneKind::kStateless) return false;
  const auto spill = [](const partition::SiteLoad& load, partition::EZoneIx ezone) {
    return load.spill.empty() ? std::uint16_t{0} : load.spill[ezone.index()];
  };
  return std::any_of(zone.ezones.begin(), zone.ezones.end(), [&](partition::EZoneIx ezone) {
    return spill(before, ezone) != spill(after, ezone);
  });
}

bool touchesServices(const dns::ServingState& before, const dns::ZoneSet& next) {
  return !before.zones->equals(next, [&](const dns::LoadedZone& zone, const dns::LoadedZone&) {
    return !before.services->touches(*zone.zone);
  });
}

}  // namespace

StatePublisher::StatePublisher(const World& world, const Clock& clock)
    : clock_(clock),
      settings_(answerSettings(world.config)),
      zones_(world.zones),
      sources_(world.sources),
      published_(nullptr) {}

Checked<partition::PreparedState> StatePublisher::prepare(const MapSnapshot& next) {
  const auto before = published_.current();
  partition::PreparedState prepared;
  std::shared_ptr<const dns::ServingState> state;
  if (before && next.topology == before->map.topology) {
    state = withTable(next);
  } else {
    auto compiled = compile(*next.topology, *zones_, *sources_);
    if (!compiled) return tl::unexpected(compiled.error());
    auto made = std::make_shared<dns::ServingState>(*servingState(
        settings_, zones_, sources_, *compiled, next, carried(before.get(), *next.topology),
        carriedInputs(before.get(), good_, *next.topology)));
    signServices(*made);
    state = std::move(made);
    if (before) prepared.movements = movements(*before, *state);
  }
  prepared.publish = [this, state = std::move(state)] { publish(state); };
  return prepared;
}

void StatePublisher::signServices(dns::ServingState& state) const {
  const auto before = published_.current();
  state.signatures = dns::ServiceSignatures::make(
      *state.services, *state.zones, before == nullptr ? nullptr : before->signatures.get(),
      clock_.wallNow());
  if (state.signatures == nullptr || state.signatures->made() == 0) return;
  logInfo("services_signed", {{"signatures_made", std::to_string(state.signatures->made())},
                              {"signatures", std::to_string(state.signatures->count())}});
}

// What is answered comes first; what is remembered of it after that.
void StatePublisher::publish(const std::shared_ptr<const dns::ServingState>& state) {
  published_.publish(state);
  if (good_ == nullptr) return;
  if (const Status kept = good_->keep(*state->map.topology, state->decisions, state->pools.get());
      !kept) {
    logError("last_good_not_kept",
             {{"why", kept.error().message}, {"next", "it is tried again with the next state"}});
  }
}

template <class Touched>
void StatePublisher::decideAgain(dns::ServingState& state, const Touched& touched) const {
  for (std::size_t i = 0; i < state.decisions.size(); ++i) {
    if (!touched(i)) continue;
    state.decisions[i] = std::make_shared<const partition::ZoneDecisions>(partition::decideZone(
        *state.map.topology, ZoneIx(static_cast<std::uint16_t>(i)), *(*state.placements)[i],
        *state.map.table, *state.health, {state.load, state.decisions[i]->last_good}));
  }
}

// After decideAgain(): services whose sites have enough up everywhere share the zone's decisions.
void StatePublisher::decidePoolsAgain(dns::ServingState& state) {
  if (state.pools == nullptr) return;
  state.pools = partition::decidePools({*state.map.topology, *state.placements, *state.map.table,
                                        *state.health, state.load, state.decisions,
                                        partition::lastGoodOf(state.pools.get())});
}

// The same world with other owners: only the decisions of zones that changed are made again.
std::shared_ptr<const dns::ServingState> StatePublisher::withTable(const MapSnapshot& next) const {
  const auto before = published_.current();
  auto state = std::make_shared<dns::ServingState>(*before);
  state->map = next;
  const auto changed = changedZones(*next.topology, *before->map.table, *next.table);
  state->health = afterSwitches(*before, next, changed);
  decideAgain(*state, [&](std::size_t zone) { return changed.contains(zone); });
  state->identity = dns::identityOf(*state->settings, next.table->rev);
  return state;
}

void StatePublisher::setCookies(std::shared_ptr<const dns::CookieSecrets> cookies) {
  dns::AnswerSettings settings = *settings_;
  settings.cookies = std::move(cookies);
  publishSettings(settings);
}

void StatePublisher::setTsigKeys(std::shared_ptr<const dns::TsigKeys> keys) {
  dns::AnswerSettings settings = *settings_;
  settings.tsig_keys = std::move(keys);
  publishSettings(settings);
}

void StatePublisher::setZonePolicies(std::shared_ptr<const dns::ZonePolicies> policies) {
  dns::AnswerSettings settings = *settings_;
  settings.zone_policies = std::move(policies);
  publishSettings(settings);
}

void StatePublisher::publishSettings(const dns::AnswerSettings& settings) {
  settings_ = std::make_shared<const dns::AnswerSettings>(settings);
  const auto before = published_.current();
  if (before == nullptr) return;
  auto state = std::make_shared<dns::ServingState>(*before);
  state->settings = settings_;
  publish(state);
}

void StatePublisher::setHealth(const partition::SiteHealth& health) {
  const auto before = published_.current();
  const bool same_endpoints = health.endpoints_down == before->health->endpoints_down &&
                              health.endpoints_unknown == before->health->endpoints_unknown;
  if (health.datacenters == before->health->datacenters && same_endpoints) return;
  auto state = std::make_shared<dns::ServingState>(*before);
  const partition::Topology& topology = *state->map.topology;
  partition::SiteHealth next = health;
  next.reads = before->health->reads;
  state->health = std::make_shared<const partition::SiteHealth>(std::move(next));
  decideAgain(*state, [&](std::size_t i) {
    return touches(topology, topology.zones[i], *before->health, health);
  });
  decidePoolsAgain(*state);
  publish(std::move(state));
}

void StatePublisher::setReads(const std::vector<partition::ReadCopies>& reads) {
  const auto before = published_.current();
  const std::vector<partition::ReadCopies>& old = before->health->reads;
  if (reads == old) return;
  auto state = std::make_shared<dns::ServingState>(*before);
  partition::SiteHealth next = *before->health;
  next.reads = reads;
  state->health = std::make_shared<const partition::SiteHealth>(std::move(next));
  decideAgain(*state, [&](std::size_t i) { return reads[i] != old[i]; });
  publish(std::move(state));
  logReads(*before->map.topology, old, reads);
}

void StatePublisher::setLoad(const partition::SiteLoad& load) {
  const auto before = published_.current();
  if (load == before->load) return;
  auto state = std::make_shared<dns::ServingState>(*before);
  state->load = load;
  const partition::Topology& topology = *state->map.topology;
  decideAgain(*state,
              [&](std::size_t i) { return touches(topology.zones[i], before->load, load); });
  decidePoolsAgain(*state);
  publish(std::move(state));
}

// Services are compiled again only where a zone that holds some has changed, or a zone came or went
// (one that is closer to a service takes it over).
Checked<std::function<void()>> StatePublisher::prepareZones(
    const std::shared_ptr<const dns::ZoneSet>& next) {
  const auto before = published_.current();
  auto state = std::make_shared<dns::ServingState>(*before);
  state->zones = next;
  if (touchesServices(*before, *next)) {
    auto services = dns::ServiceSet::build(*before->map.topology, *next);
    if (!services) return tl::unexpected(services.error());
    state->services = std::move(*services);
    signServices(*state);
  }
  return [this, state = std::move(state)] {
    zones_ = state->zones;
    publish(state);
  };
}

}  // namespace meridian::server
