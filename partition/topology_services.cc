// The "services" section of a topology: names, endpoints, pools, and whether they cover their zone.
#include <fmt/format.h>

#include <algorithm>

#include "partition/shares.h"
#include "partition/topology_decoder.h"

namespace meridian::partition {
namespace {

constexpr std::size_t kMaxServices = 10000;
constexpr std::size_t kMaxEndpointBytes = 4096;
constexpr std::size_t kMaxNameBytes = 253;  // RFC 1035 §2.3.4, in presentation form, no final dot
constexpr std::size_t kMaxLabelBytes = 63;

std::string_view withoutFinalDot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

// Names compare without case (RFC 4343) and without the final dot.
std::string canonicalName(std::string_view name) {
  std::string out(withoutFinalDot(name));
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

bool isUsualNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// What is wrong with a service name, or empty. The dns layer checks what depends on DNS zones.
std::string nameProblem(std::string_view written) {
  const std::string_view name = withoutFinalDot(written);
  if (name.size() > kMaxNameBytes) return fmt::format("is longer than {} bytes", kMaxNameBytes);
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return "has an empty label";
      label = 0;
    } else if (!isUsualNameByte(c)) {
      return "holds a byte other than letters, digits, '-', '_' and '.'";
    } else if (++label > kMaxLabelBytes) {
      return fmt::format("has a label longer than {} bytes", kMaxLabelBytes);
    }
  }
  return label == 0 ? "has an empty label" : std::string();
}

void decodeRecords(TopologyDecoder& decoder, const ConfigNode::Array& records,
                   const std::string& path, Endpoint& endpoint) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    const ConfigNode& record = records[i];
    const std::string record_path = elementPath(path, i);
    const std::string* text = decoder.text(record, record_path);
    if (text == nullptr) continue;
    if (text->empty() || text->size() > kMaxEndpointBytes) {
      decoder.report(record, record_path,
                     fmt::format("must have 1 to {} bytes", kMaxEndpointBytes));
      continue;
    }
    endpoint.records.push_back({*text, {decoder.file, record.line, record.column}});
  }
}

// Endpoints with ids of one eZone. Ids are unique here: overrides and clients' shares go by them.
void decodePool(TopologyDecoder& decoder, const ConfigNode& node, const ConfigNode::Array& elements,
                const std::string& path, Endpoint& endpoint) {
  IdIndex<EndpointIx> ids("endpoint");
  bool any = false;
  endpoint.first_of_pool = EndpointIx(static_cast<std::uint32_t>(decoder.out.endpoint_count));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    ObjectReader in = decoder.reader(elements[i], elementPath(path, i));
    PoolEndpoint each;
    each.id = in.string("id", {.required = true, .id = true});
    decoder.registerId(in, ids, each.id, EndpointIx(static_cast<std::uint32_t>(i)));
    each.hash = endpointHash(decoder.out.ezones[endpoint.ezone.index()].id, each.id);
    each.weight =
        static_cast<std::uint16_t>(in.integer("weight", {.min = 0, .max = 10000, .fallback = 1}));
    each.check = in.string("check", {.id = true});
    each.first_record = endpoint.records.size();
    if (const auto* records = in.array("records", {.required = true, .min = 1})) {
      decodeRecords(decoder, *records, in.pathOf("records"), endpoint);
    }
    each.record_count = endpoint.records.size() - each.first_record;
    in.finish();
    any = any || each.weight > 0;
    endpoint.pool.push_back(std::move(each));
  }
  decoder.out.endpoint_count += elements.size();
  if (!any) decoder.report(node, path, "gives no endpoint a weight above 0");
  if (elements.size() > kMaxPool) {
    decoder.report(node, path, fmt::format("has more than {} endpoints", kMaxPool));
  }
}

Endpoint decodeEndpoint(TopologyDecoder& decoder, const ConfigNode& node, const std::string& path,
                        EZoneIx ezone) {
  Endpoint endpoint;
  endpoint.ezone = ezone;
  const auto* elements = std::get_if<ConfigNode::Array>(&node.value);
  if (elements == nullptr) {
    decoder.report(node, path, fmt::format("must be an array, is {}", node.typeName()));
    return endpoint;
  }
  if (elements->empty()) decoder.report(node, path, "needs at least one record");
  // What the first is, all must be.
  if (!elements->empty() && std::holds_alternative<ConfigNode::Object>(elements->front().value)) {
    decodePool(decoder, node, *elements, path, endpoint);
  } else {
    decodeRecords(decoder, *elements, path, endpoint);
  }
  return endpoint;
}

void decodePoolRules(TopologyDecoder& decoder, ObjectReader& in, const Zone* zone,
                     Service& service) {
  service.min_up_share = static_cast<std::uint16_t>(
      in.integer("min_up_share", {.min = 0, .max = kWholeShare, .fallback = 5000}));
  const std::int64_t count = in.integer("answer_count", {.min = 1, .max = kMaxAnswered});
  service.answer_count = in.has("answer_count") ? static_cast<std::size_t>(count) : 0;
  if (!service.pooled()) {
    for (const std::string_view key : {"min_up_share", "answer_count"}) {
      if (in.has(key)) in.error(key, "means nothing without endpoints that have ids");
    }
    return;
  }
  if (zone != nullptr && zone->kind != ZoneKind::kStateless) {
    in.error("endpoints", fmt::format("have ids, which is for stateless zones; zone {} is {}",
                                      zone->id, zoneKindName(zone->kind)));
  }
  if (decoder.out.endpoint_count > kMaxEndpoints) {
    in.error("endpoints",
             fmt::format("are with those before more than {} that have ids", kMaxEndpoints));
  }
}

// Every eZone that the zone's subjects may go to must have an endpoint: a remap must never find a
// name without records.
void checkCover(TopologyDecoder& decoder, ObjectReader& in, const Zone& zone,
                const EZoneSet& covered) {
  const auto check = [&](EZoneIx needed) {
    if (needed.index() < covered.size() && covered.test(needed.index())) return;
    in.error("endpoints", fmt::format("has nothing for eZone {}, which zone {} may use",
                                      decoder.out.ezones[needed.index()].id, zone.id));
  };
  std::for_each(zone.ezones.begin(), zone.ezones.end(), check);
  const EZoneIx fallback = zone.stateless.fallback;
  const bool member =
      std::find(zone.ezones.begin(), zone.ezones.end(), fallback) != zone.ezones.end();
  if (zone.stateless.all_down == AllDown::kFallback && !member) check(fallback);
}

EZoneSet decodeEndpoints(TopologyDecoder& decoder, ObjectReader& in, Service& service) {
  EZoneSet covered;
  const ConfigNode* endpoints = in.object("endpoints", true);
  if (endpoints == nullptr) return covered.set();  // reported; no second error for the cover
  for (const ConfigNode::Member& member : std::get<ConfigNode::Object>(endpoints->value)) {
    const std::string path = in.pathOf("endpoints") + "." + member.key;
    const std::optional<EZoneIx> ezone = decoder.ezones.find(member.key);
    if (!ezone) {
      decoder.problems.add({decoder.file, member.line, member.column}, path, "",
                           decoder.unknownReason(decoder.ezones, member.key));
      continue;
    }
    service.endpoints.push_back(decodeEndpoint(decoder, member.node, path, *ezone));
    if (ezone->index() < covered.size()) covered.set(ezone->index());
  }
  return covered;
}

// Names of services and their aliases, each only once in a topology.
struct ServiceNames {
  IdIndex<ServiceIx> index{"service"};
  std::size_t aliases = 0;
};

// Of the service to come, which `holder` is the path of; what is wrong is reported at `field`.
// False: it is not a name, or not new.
bool addName(TopologyDecoder& decoder, const ConfigNode& node, const std::string& field,
             const std::string& holder, const std::string& name, ServiceNames& names) {
  std::string problem = nameProblem(name);
  if (problem.empty()) {
    const ServiceIx ix(static_cast<std::uint32_t>(decoder.out.services.size()));
    const std::string_view earlier = names.index.add(canonicalName(name), ix, holder);
    if (!earlier.empty()) problem = fmt::format("is the name of {} already", earlier);
  }
  if (problem.empty()) return true;
  decoder.report(node, field, std::move(problem));
  return false;
}

void decodeAliases(TopologyDecoder& decoder, ObjectReader& in, Service& service,
                   ServiceNames& names) {
  const ConfigNode::Array* aliases = in.array("aliases", {.max = kMaxAliasNames});
  if (aliases == nullptr) return;
  names.aliases += aliases->size();
  if (names.aliases > kMaxAliasNames) {
    in.error("aliases", fmt::format("are with those before more than {}", kMaxAliasNames));
    return;
  }
  for (std::size_t i = 0; i < aliases->size(); ++i) {
    const ConfigNode& node = (*aliases)[i];
    const std::string path = elementPath(in.pathOf("aliases"), i);
    const std::string* name = decoder.text(node, path);
    if (name == nullptr || !addName(decoder, node, path, path, *name, names)) continue;
    service.aliases.push_back({*name, {decoder.file, node.line, node.column}});
  }
}

void decodeService(TopologyDecoder& decoder, const ConfigNode& node, const std::string& path,
                   ServiceNames& names) {
  ObjectReader in = decoder.reader(node, path);
  Service service;
  const std::size_t before = decoder.problems.size();
  service.name = in.string("name", {.required = true});
  const ConfigNode* name = node.find("name");
  if (name != nullptr && decoder.problems.size() == before) {
    service.place = {decoder.file, name->line, name->column};
    addName(decoder, *name, in.pathOf("name"), path, service.name, names);
  }
  decodeAliases(decoder, in, service, names);
  const std::optional<ZoneIx> zone = decoder.reference(in, "zone", decoder.zones);
  service.ttl =
      static_cast<std::uint32_t>(in.integer("ttl", {.min = 0, .max = 86400, .fallback = 30}));
  const EZoneSet covered = decodeEndpoints(decoder, in, service);
  decodePoolRules(decoder, in, zone ? &decoder.out.zones[zone->index()] : nullptr, service);
  in.finish();
  if (zone) {
    service.zone = *zone;
    checkCover(decoder, in, decoder.out.zones[zone->index()], covered);
  }
  decoder.out.services.push_back(std::move(service));
}

}  // namespace

void TopologyDecoder::decodeServices(ObjectReader& root) {
  const ConfigNode::Array* services = root.array("services", {.max = kMaxServices});
  if (services == nullptr) return;
  ServiceNames names;
  out.services.reserve(services->size());
  for (std::size_t i = 0; i < services->size(); ++i) {
    decodeService(*this, (*services)[i], elementPath("services", i), names);
  }
}

}  // namespace meridian::partition
