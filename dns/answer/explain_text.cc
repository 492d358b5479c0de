#include "dns/answer/explain_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <variant>

#include "dns/answer/place.h"
#include "partition/explain.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kMaxTxtString = 255;  // RFC 1035 §3.3

std::string geohashText(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

// The place that placeOf() went by, as explain() takes it, and how to call it.
partition::Place evidenceOf(const Query& query, const Client& client, PlaceSource source,
                            std::string& shown) {
  switch (source) {
    case PlaceSource::kLocationOption:
      shown = "evidence=edns-location-option";
      return partition::ByGeohash{geohashText(query.edns.location_option)};
    case PlaceSource::kClientSubnet:
      shown = "evidence=client-subnet " + query.edns.subnet.address.text() + "/" +
              std::to_string(query.edns.subnet.source_length);
      return query.edns.subnet.address;
    case PlaceSource::kResolver:
      break;
  }
  shown = "evidence=resolver " + client.address.text();
  return client.address;
}

// A pooled service as the rule of its zone sees it: with its own health and decisions.
struct PooledView {
  partition::SiteHealth health;
  partition::DecisionSet decisions;
};
PooledView pooledView(const ServingState& state, partition::ServiceIx service) {
  const partition::Service& source = state.map.topology->services[service.index()];
  PooledView out{partition::healthFor(source, *state.health), state.decisions};
  out.decisions[source.zone.index()] = (*state.pools)[service.index()]->decisions;
  return out;
}

// The endpoints inside the eZone that answers, and the scope that they need.
void addPool(const ServingState& state, partition::ServiceIx service, const ClientPlace& place,
             const Query& query, ExplainedText& out) {
  const partition::Topology& topology = *state.map.topology;
  const partition::Service& source = topology.services[service.index()];
  const partition::ServicePools& pools = *(*state.pools)[service.index()];
  const std::uint64_t client = partition::clientHash(*place.sharer);
  const auto shares = pools.decisions->sharesOf(place.locus);
  const partition::EZoneIx ezone = shares.empty() ? pools.decisions->by_locus[place.locus.index()]
                                                  : partition::chooseShare(shares, client);
  const partition::PoolChoice& choice = pools.by_ezone[ezone.index()];
  if (choice.answered < choice.count) out.scope = sharedScope(place, query);
  for (const partition::Endpoint& endpoint : source.endpoints) {
    if (endpoint.ezone != ezone || endpoint.pool.empty()) continue;
    out.lines.push_back(
        fmt::format("pool endpoints={} candidates={} answered={} up-share={} min={}",
                    endpoint.pool.size(), choice.count, choice.answered,
                    partition::upShare(endpoint, *state.health), source.min_up_share));
    std::string names = "endpoints";
    for (const partition::EndpointIx each : partition::answeredOf(pools, ezone, client)) {
      names += " " + endpoint.pool[each.index() - endpoint.first_of_pool.index()].id;
    }
    names.resize(std::min(names.size(), kMaxTxtString));
    out.lines.push_back(std::move(names));
  }
}

}  // namespace

ExplainedText explainText(const Query& query, const Client& client, const ServingState& state,
                          const ServiceNode& node, NameView subject) {
  ExplainedText out;
  auto question = partition::parseServiceName(*state.map.topology, subject.text());
  if (!question) {
    out.exists = false;
    return out;
  }
  std::optional<IpAddress> sharer;
  ExplainedText pool;
  const partition::ZoneIx zone = state.services->zoneOf(node.service);
  const bool pooled = node.kind == ServiceNode::Kind::kPooled;
  const PooledView view = pooled ? pooledView(state, node.service) : PooledView{};
  const partition::DecisionSet& decisions = pooled ? view.decisions : state.decisions;
  if (std::holds_alternative<std::monostate>(question->place)) {
    const ClientPlace place = placeOf(query, client, state, *(*state.placements)[zone.index()]);
    const bool shared = !decisions[zone.index()]->sharesOf(place.locus).empty();
    out.scope = shared ? sharedScope(place, query) : place.scope;
    sharer = *place.sharer;
    if (pooled) addPool(state, node.service, place, query, pool);
    out.lines.emplace_back();
    question->place = evidenceOf(query, client, place.source, out.lines.back());
  }
  const partition::ExplainState source{*state.map.topology, *state.map.table,
                                       *state.placements,   pooled ? view.health : *state.health,
                                       state.sources.get(), &state.load,
                                       &decisions};
  const auto explanation =
      partition::explain(source, zone, question->place, question->read_write, sharer);
  if (!explanation) {
    out.lines.push_back("error=" + explanation.error().message);
    return out;
  }
  for (std::string& line : partition::explanationLines(*explanation))
    out.lines.push_back(std::move(line));
  for (std::string& line : pool.lines) out.lines.push_back(std::move(line));
  out.scope = std::max(out.scope, pool.scope);
  return out;
}

}  // namespace meridian::dns
