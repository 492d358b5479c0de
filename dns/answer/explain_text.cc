#include "dns/answer/explain_text.h"

#include <optional>
#include <variant>

#include "dns/answer/place.h"
#include "partition/explain.h"

namespace meridian::dns {
namespace {

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
    case PlaceSource::kName:
    case PlaceSource::kNone:
      break;
  }
  shown = "evidence=resolver " + client.address.text();
  return client.address;
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
  std::optional<ClientPlace> place;
  std::optional<IpAddress> sharer;
  const partition::ZoneIx zone = state.services->zoneOf(node.service);
  if (std::holds_alternative<std::monostate>(question->place)) {
    place = placeOf(query, client, state, *(*state.placements)[zone.index()]);
    sharer = *place->sharer;
    out.lines.emplace_back();
    question->place = evidenceOf(query, client, place->source, out.lines.back());
  }
  const partition::ExplainState source{*state.map.topology, *state.map.table,    *state.placements,
                                       *state.health,       state.sources.get(), &state.load,
                                       &state.decisions,    state.pools.get()};
  auto explanation = partition::explainService(source, node.service, question->place,
                                               question->read_write, sharer);
  if (!explanation) {
    if (place) out.scope = place->scope;
    out.lines.push_back("error=" + explanation.error().message);
    return out;
  }
  explanation->service.clear();  // the question names it
  if (place) out.scope = explanation->byClient() ? sharedScope(*place, query) : place->scope;
  for (std::string& line : partition::explanationLines(*explanation))
    out.lines.push_back(std::move(line));
  return out;
}

}  // namespace meridian::dns
