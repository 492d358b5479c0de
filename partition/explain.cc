#include "partition/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "geo/geohash.h"

namespace meridian::partition {
namespace {

// Lower-cased, without the final dot: how names are compared here.
std::string normalised(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// Whether a name as it was written is this normalised one; topologies may have very many.
bool isName(std::string_view written, std::string_view asked) {
  const bool final_dot = !written.empty() && written.back() == '.';
  return written.size() - (final_dot ? 1 : 0) == asked.size() && normalised(written) == asked;
}

struct FrontLabel {
  std::string bytes;      // escapes undone (RFC 1035 §5.1)
  std::string_view rest;  // behind the dot that ends it; empty: nothing more
};

// The first label of a name in presentation form. nullopt: an escape that is none.
std::optional<FrontLabel> frontLabel(std::string_view name) {
  const auto digit = [&](std::size_t at) {
    return at < name.size() && name[at] >= '0' && name[at] <= '9' ? name[at] - '0' : -1;
  };
  FrontLabel out;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '.') {
      out.rest = name.substr(at + 1);
      break;
    }
    if (name[at] != '\\') {
      out.bytes += name[at];
    } else if (digit(at + 1) < 0) {
      if (++at == name.size()) return std::nullopt;
      out.bytes += name[at];
    } else {
      const int code = digit(at + 1) * 100 + digit(at + 2) * 10 + digit(at + 3);
      if (digit(at + 2) < 0 || digit(at + 3) < 0 || code > 255) return std::nullopt;
      out.bytes += static_cast<char>(code);
      at += 3;
    }
  }
  return out;
}

// The labels in front of the service's name: "", "rw", "sus-tx.shard", "9vk.g", …
Result<ServiceQuestion> questionOf(const Topology& topology, ServiceIx ix, std::string_view front) {
  ServiceQuestion out;
  out.service = ix;
  const Service& service = topology.services[ix.index()];
  const ZoneKind kind = topology.zones[service.zone.index()].kind;
  if (front.empty()) return out;
  if (kind == ZoneKind::kGlobal && (front == "rw" || front == "ro")) {
    out.read_write = front == "rw";
    return out;
  }
  const std::optional<FrontLabel> first = frontLabel(front);
  if (kind == ZoneKind::kSharding && first && !first->bytes.empty()) {
    const auto& [label, rule] = *first;
    if (rule == "g") out.place = ByGeohash{label};
    if (rule == "city") out.place = ByCity{label};
    if (rule == "poi") out.place = ByPoi{label};
    if (rule == "key") out.place = ByKey{label};
    if (rule == "shard" && label.front() == 's') out.place = ByShard{label.substr(1)};
  }
  if (!std::holds_alternative<std::monostate>(out.place)) return out;
  return fail(ErrorKind::kInvalid, fmt::format("{} is no name of the {} service {}", front,
                                               zoneKindName(kind), service.name));
}

const geo::CatalogueEntry* findEntry(const std::vector<geo::CatalogueEntry>& entries,
                                     std::string_view id) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const auto& entry) { return entry.id == id; });
  return found == entries.end() ? nullptr : &*found;
}

// Turns each kind of place into a locus, noting on the way how.
class PlaceResolver {
 public:
  PlaceResolver(const ExplainState& state, ZoneIx zone, Explanation& out)
      : state_(state),
        zone_(state.topology.zones[zone.index()]),
        zone_ix_(zone),
        placement_(*state.placements[zone.index()]),
        out_(out) {}

  Result<Locus> operator()(std::monostate) const {
    return fail(ErrorKind::kInvalid, "this name is answered by place: a client address is needed");
  }

  Result<Locus> operator()(const IpAddress& address) const {
    const Placement::AddressMatch match = placement_.ofAddress(address);
    out_.place = "address " + address.text();
    out_.scope = match.scope;
    if (state_.sources == nullptr) return match.locus;
    const auto finding = state_.sources->addresses->find(address);
    if (!finding) return tl::unexpected(finding.error().within("evidence of " + address.text()));
    out_.source = finding->source;
    out_.network = finding->network.text();
    out_.location = finding->evidence.location;
    out_.placed_by = placedByName(placement_.ofEvidence(finding->evidence).by);
    return match.locus;
  }

  Result<Locus> operator()(geo::GeoPoint point) const {
    out_.place = fmt::format("point {},{}", point.lat, point.lon);
    return atPoint(point, "the request");
  }

  Result<Locus> operator()(const ByGeohash& by) const {
    out_.place = "geohash " + by.label;
    const auto locus = placement_.ofGeohash(by.label);
    if (!locus) return unknown("not a geohash");
    if (const auto centre = geo::geohashCentre(by.label)) atPoint(*centre, "centre of the geohash");
    return *locus;
  }

  Result<Locus> operator()(const ByCity& by) const {
    out_.place = "city " + by.label;
    return inCatalogue(placement_.ofCity(by.label), &GeoSources::cities, by.label);
  }

  Result<Locus> operator()(const ByPoi& by) const {
    out_.place = "poi " + by.label;
    return inCatalogue(placement_.ofPoi(by.label), &GeoSources::pois, by.label);
  }

  Result<Locus> operator()(const ByKey& by) const {
    if (zone_.kind != ZoneKind::kSharding) return notSharding("a key");
    out_.place = "key " + by.key;
    out_.placed_by = "key-hash";
    return placement_.ofKey(by.key);
  }

  Result<Locus> operator()(const ByShard& by) const {
    if (zone_.kind != ZoneKind::kSharding) return notSharding("a shard name");
    out_.place = "shard " + by.partition;
    out_.placed_by = "shard-name";
    const auto partition = state_.topology.findPartition(by.partition);
    if (!partition || state_.topology.partitions[partition->index()].zone != zone_ix_) {
      return fail(ErrorKind::kNotFound,
                  fmt::format("zone {} has no partition {}", zone_.id, by.partition));
    }
    return Locus(partition->value - zone_.first_partition.value);
  }

 private:
  Locus atPoint(geo::GeoPoint point, std::string source) const {
    const Placed placed = placement_.ofPoint(point);
    out_.location.point = point;
    out_.source = std::move(source);
    out_.placed_by = placedByName(placed.by);
    return placed.locus;
  }

  Result<Locus> inCatalogue(std::optional<Locus> locus,
                            std::vector<geo::CatalogueEntry> GeoSources::*entries,
                            std::string_view label) const {
    if (!locus) return unknown("not in the catalogue");
    if (state_.sources == nullptr) return *locus;
    if (const geo::CatalogueEntry* entry = findEntry(state_.sources->*entries, normalised(label))) {
      atPoint(entry->point, "catalogue " + entry->place.text());
      // An override holds in the zones that have its partition only; elsewhere the point decided.
      const auto partition = state_.topology.findPartition(entry->partition);
      if (partition && state_.topology.partitions[partition->index()].zone == zone_ix_) {
        out_.placed_by = placedByName(PlacedBy::kOverride);
      }
    }
    return *locus;
  }

  Locus unknown(std::string source) const {
    out_.known = false;
    out_.source = std::move(source);
    out_.placed_by = placedByName(PlacedBy::kDefault);
    return placement_.fallback();
  }

  tl::unexpected<Error> notSharding(std::string_view what) const {
    return fail(ErrorKind::kInvalid, fmt::format("{} places nothing in zone {}, which is {}", what,
                                                 zone_.id, zoneKindName(zone_.kind)));
  }

  const ExplainState& state_;
  const Zone& zone_;
  ZoneIx zone_ix_;
  const Placement& placement_;
  Explanation& out_;
};

void addSubject(const ExplainState& state, const Zone& zone, Locus locus, Explanation& out) {
  if (zone.kind == ZoneKind::kStateless) return;
  std::string subject = zone.id;
  if (zone.kind == ZoneKind::kSharding) {
    subject = state.topology.partitions[zone.first_partition.index() + locus.index()].id;
    out.partition = subject;
  }
  const auto found = state.table.find(subject);
  if (!found) return;
  const Assignment& assignment = state.table.assignments[found->index()];
  out.epoch = assignment.epoch;
  out.write_state = assignment.write_state;
  out.prepared = assignment.prepared;
  const bool moving = assignment.prepared || assignment.write_state != WriteState::kOpen;
  if (moving) out.change_id = assignment.change_id;
}

void addCandidates(const ExplainState& state, const std::vector<Verdict>& verdicts,
                   Explanation& out) {
  for (const Verdict& verdict : verdicts) {
    const EZone& ezone = state.topology.ezones[verdict.ezone.index()];
    const Datacenter& dc = state.topology.datacenters[ezone.dc.index()];
    out.candidates.push_back({ezone.id, dc.id, verdict.why, dc.admin_state,
                              state.health.datacenters[ezone.dc.index()], verdict.distance_class,
                              verdict.weight, verdict.spill});
    if (verdict.why == RejectedFor::kChosen) {
      out.ezone = ezone.id;
      out.dc = dc.id;
    }
  }
}

SiteInputs inputsOf(const ExplainState& state, ZoneIx zone) {
  SiteInputs inputs;
  if (state.load != nullptr) inputs.load = *state.load;
  if (state.decisions != nullptr) {
    inputs.last_good = (*state.decisions)[zone.index()]->last_good;
  }
  return inputs;
}

// explain(), with the hash of the client that was asked for: the place's own, if there is none.
Result<Explanation> explainWithHash(const ExplainState& state, ZoneIx zone, const Place& place,
                                    bool read_write, std::optional<IpAddress> client,
                                    std::uint64_t& hash) {
  const Zone& of = state.topology.zones[zone.index()];
  const Placement& placement = *state.placements[zone.index()];
  Explanation out;
  out.zone = of.id;
  out.kind = of.kind;
  out.rev = state.table.rev;
  Locus locus = placement.fallback();
  if (of.kind == ZoneKind::kGlobal && read_write) {
    out.place = "anywhere";  // the primary answers everybody
  } else {
    const auto found = std::visit(PlaceResolver(state, zone, out), place);
    if (!found) return tl::unexpected(found.error());
    locus = *found;
  }
  addSubject(state, of, locus, out);
  if (const auto* address = std::get_if<IpAddress>(&place)) client = *address;
  std::optional<std::uint64_t> given;
  if (client) given = clientHash(*client);
  const DecisionStory story =
      explainDecision(state.topology, zone, placement, state.table, state.health, locus, read_write,
                      inputsOf(state, zone), given);
  hash = story.client;
  addCandidates(state, story.verdicts, out);
  out.basis = story.basis;
  out.shared = story.shared;
  if (story.all_down) out.prepared = true;
  return out;
}

// The endpoints inside the eZone that answers, and which of them this client gets.
void addPool(const ExplainState& state, const Service& service, const ServicePools& pools,
             const Endpoint& endpoint, std::uint64_t client, Explanation& out) {
  ExplainedPool& pool = out.pool.emplace();
  pool.endpoints = endpoint.pool.size();
  pool.candidates = pools.by_ezone[endpoint.ezone.index()].count;
  pool.up_share = upShare(endpoint, state.health);
  pool.min_up_share = service.min_up_share;
  for (const EndpointIx each : answeredOf(pools, endpoint.ezone, client)) {
    const PoolEndpoint& answered = endpoint.pool[each.index() - endpoint.first_of_pool.index()];
    pool.answered.push_back(answered.id);
    for (std::size_t i = 0; i < answered.record_count; ++i) {
      out.records.push_back(endpoint.records[answered.first_record + i].text);
    }
  }
}

void addEndpoint(const ExplainState& state, const Service& service, const ServicePools* pools,
                 std::uint64_t client, Explanation& out) {
  const auto ezone = state.topology.findEZone(out.ezone);
  for (const Endpoint& endpoint : service.endpoints) {
    if (!ezone || endpoint.ezone != *ezone) continue;
    if (pools != nullptr && !endpoint.pool.empty()) {
      addPool(state, service, *pools, endpoint, client, out);
    } else {
      for (const EndpointRecord& record : endpoint.records) out.records.push_back(record.text);
    }
  }
}

// The scope of an address of which the answer depends on the network too.
void widenScope(const std::optional<IpAddress>& client, Explanation& out) {
  if (!out.scope || !client || !out.byClient()) return;
  out.scope = std::max(*out.scope, stickyBits(client->family()));
}

std::optional<IpAddress> addressOf(const Place& place, std::optional<IpAddress> client) {
  const auto* address = std::get_if<IpAddress>(&place);
  return address != nullptr ? *address : client;
}

}  // namespace

Result<ServiceQuestion> parseServiceName(const Topology& topology, std::string_view name) {
  constexpr std::string_view kExplain = "_explain.";
  std::string asked = normalised(name);
  if (asked.starts_with(kExplain)) asked.erase(0, kExplain.size());
  std::optional<ServiceIx> best;
  std::size_t best_size = 0;
  for (std::size_t i = 0; i < topology.services.size(); ++i) {
    const std::vector<ServiceAlias>& aliases = topology.services[i].aliases;
    const ServiceIx ix(static_cast<std::uint32_t>(i));
    if (std::any_of(aliases.begin(), aliases.end(),
                    [&](const ServiceAlias& alias) { return isName(alias.name, asked); })) {
      return questionOf(topology, ix, "");
    }
    const std::string service = normalised(topology.services[i].name);
    const bool below = asked.size() > service.size() && asked.ends_with(service) &&
                       asked[asked.size() - service.size() - 1] == '.';
    if ((asked == service || below) && service.size() > best_size) {
      best = ix;
      best_size = service.size();
    }
  }
  if (!best) return fail(ErrorKind::kNotFound, "no service has the name " + asked);
  const std::size_t front = asked.size() - best_size;
  return questionOf(topology, *best, std::string_view(asked).substr(0, front == 0 ? 0 : front - 1));
}

Result<Explanation> explain(const ExplainState& state, ZoneIx zone, const Place& place,
                            bool read_write, std::optional<IpAddress> client) {
  std::uint64_t hash = 0;
  auto out = explainWithHash(state, zone, place, read_write, client, hash);
  if (out) widenScope(addressOf(place, client), *out);
  return out;
}

Result<Explanation> explainService(const ExplainState& state, ServiceIx ix, const Place& place,
                                   bool read_write, std::optional<IpAddress> client) {
  const Service& service = state.topology.services[ix.index()];
  const ServicePools* pools = state.pools == nullptr ? nullptr : (*state.pools)[ix.index()].get();
  // What the rule of the zone goes by for this service.
  const SiteHealth health = pools == nullptr ? SiteHealth{} : healthFor(service, state.health);
  DecisionSet decisions(pools == nullptr ? 0 : state.topology.zones.size());
  if (pools != nullptr) decisions[service.zone.index()] = pools->decisions;
  const ExplainState own{state.topology, state.table, state.placements, health,
                         state.sources,  state.load,  &decisions};
  std::uint64_t hash = 0;
  auto out = explainWithHash(pools == nullptr ? state : own, service.zone, place, read_write,
                             client, hash);
  if (!out) return out;
  out->service = service.name;
  addEndpoint(state, service, pools, hash, *out);
  widenScope(addressOf(place, client), *out);
  return out;
}

Result<Explanation> explainQuestion(const ExplainState& state, const ServiceQuestion& question,
                                    const Asker& asker) {
  Place place = question.place;
  std::optional<std::uint8_t> private_scope;
  if (std::holds_alternative<std::monostate>(place)) {
    if (asker.client) place = *asker.client;
    // A length of 0 asks for no tailoring, and says nothing.
    if (asker.subnet && asker.subnet->length > 0) {
      const Service& service = state.topology.services[question.service.index()];
      const auto match = state.placements[service.zone.index()]->ofAddress(asker.subnet->address);
      if (match.locus_known) {
        place = asker.subnet->address;
      } else {
        private_scope = match.scope;
      }
    }
  }
  auto out = explainService(state, question.service, place, question.read_write);
  if (out && out->scope && private_scope) out->scope = private_scope;
  return out;
}

}  // namespace meridian::partition
