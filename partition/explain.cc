#include "partition/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "geo/geohash.h"

namespace meridian::partition {
namespace {

constexpr std::size_t kMaxTxtString = 255;  // RFC 1035 §3.3

// Lower-cased, without the final dot: how names are compared here.
std::string normalised(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
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

// What made this eZone the choice or not, in a stateless zone.
std::string shareText(const Explanation::Candidate& candidate) {
  if (candidate.distance_class == 0) return {};
  std::string out = fmt::format(" class={} weight={}", candidate.distance_class, candidate.weight);
  if (candidate.spill > 0) out += fmt::format(" spill={}", candidate.spill);
  return out;
}

std::string locationText(const geo::Location& location) {
  std::string out;
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) out += fmt::format("{}{}={}", out.empty() ? "" : " ", key, value);
  };
  if (location.point) {
    add("point", fmt::format("{:.4f},{:.4f}", location.point->lat, location.point->lon));
  }
  add("country", location.country);
  add("subdivision", location.subdivision);
  add("city", location.city);
  if (location.asn != 0) add("asn", std::to_string(location.asn));
  return out.empty() ? "location=unknown" : out;
}

// Cut at a character's start, so that what is left stays UTF-8.
std::string shortened(std::string line) {
  if (line.size() <= kMaxTxtString) return line;
  std::size_t end = kMaxTxtString;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  line.resize(end);
  return line;
}

}  // namespace

Result<ServiceQuestion> parseServiceName(const Topology& topology, std::string_view name) {
  constexpr std::string_view kExplain = "_explain.";
  std::string asked = normalised(name);
  if (asked.starts_with(kExplain)) asked.erase(0, kExplain.size());
  std::optional<ServiceIx> best;
  std::size_t best_size = 0;
  for (std::size_t i = 0; i < topology.services.size(); ++i) {
    const std::string service = normalised(topology.services[i].name);
    const bool below = asked.size() > service.size() && asked.ends_with(service) &&
                       asked[asked.size() - service.size() - 1] == '.';
    if ((asked == service || below) && service.size() > best_size) {
      best = ServiceIx(static_cast<std::uint32_t>(i));
      best_size = service.size();
    }
  }
  if (!best) return fail(ErrorKind::kNotFound, "no service has the name " + asked);
  const std::size_t front = asked.size() - best_size;
  return questionOf(topology, *best, std::string_view(asked).substr(0, front == 0 ? 0 : front - 1));
}

Result<Explanation> explain(const ExplainState& state, ZoneIx zone, const Place& place,
                            bool read_write, std::optional<IpAddress> client) {
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
  std::optional<std::uint64_t> hash;
  if (client) hash = clientHash(*client);
  const DecisionStory story =
      explainDecision(state.topology, zone, placement, state.table, state.health, locus, read_write,
                      inputsOf(state, zone), hash);
  addCandidates(state, story.verdicts, out);
  out.basis = story.basis;
  out.shared = story.shared;
  if (out.scope && out.shared && client) {
    out.scope = std::max(*out.scope, stickyBits(client->family()));
  }
  return out;
}

std::vector<std::string> explanationLines(const Explanation& e) {
  std::vector<std::string> out;
  const std::string service = e.service.empty() ? "" : "service=" + e.service + " ";
  out.push_back(fmt::format("{}zone={} kind={}", service, e.zone, zoneKindName(e.kind)));
  std::string place = "place=" + e.place;
  if (!e.source.empty()) place += " source=" + e.source;
  if (!e.network.empty()) place += " network=" + e.network;
  if (e.scope) place += fmt::format(" scope={}", *e.scope);
  out.push_back(std::move(place));
  if (!e.source.empty()) out.push_back(locationText(e.location));
  if (!e.partition.empty()) {
    out.push_back(
        fmt::format("partition={} placed-by={} epoch={}", e.partition, e.placed_by, e.epoch));
  }
  out.push_back(fmt::format("ezone={} dc={} rev={}", e.ezone, e.dc, e.rev));
  if (!e.change_id.empty()) {
    out.push_back(fmt::format("change={} write={}{}", e.change_id, writeStateName(e.write_state),
                              e.prepared ? fmt::format(" ttl<={}", kPreparedTtl) : ""));
  }
  if (!e.basis.empty()) {
    out.push_back(fmt::format("choice={} among={}", e.shared ? "share" : "nearest", e.basis));
  }
  for (const Explanation::Candidate& each : e.candidates) {
    out.push_back(fmt::format("{} {}: {} {} {}{}", each.why == RejectedFor::kChosen ? "is" : "not",
                              each.ezone, rejectedForName(each.why),
                              adminStateName(each.admin_state), healthName(each.health),
                              shareText(each)));
  }
  std::transform(out.begin(), out.end(), out.begin(), shortened);
  return out;
}

}  // namespace meridian::partition
