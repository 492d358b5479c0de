// Explain and resolve: the decision with its steps, and the HTTP locator.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "partition/explain.h"
#include "partition/hold/hold_book.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::Explanation;
using partition::Place;

partition::ExplainState stateOf(const ServingView& view) {
  return {*view.map.topology,
          *view.map.table,
          *view.placements,
          *view.health,
          view.sources.get(),
          &view.load,
          view.decisions.empty() ? nullptr : &view.decisions,
          view.pools.get()};
}

Result<double> degrees(const ApiCall& call, std::string_view name, double limit) {
  const std::string text = call.parameter(name).value_or("");
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // The comparison is false for NaN.
  const bool fits = value >= -limit && value <= limit;
  if (error != std::errc{} || end != text.data() + text.size() || !fits) {
    return fail(ErrorKind::kInvalid, std::string(name) + "=\"" + text +
                                         "\": must be degrees from -" + std::to_string(limit) +
                                         " to " + std::to_string(limit));
  }
  return value;
}

Result<Place> pointOf(const ApiCall& call) {
  const auto lat = degrees(call, "lat", 90);
  if (!lat) return tl::unexpected(lat.error());
  const auto lon = degrees(call, "lon", 180);
  if (!lon) return tl::unexpected(lon.error());
  return geo::GeoPoint{*lat, *lon};
}

Result<Place> addressOf(const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address) return tl::unexpected(address.error().within("client"));
  return *address;
}

// Exactly one way to say where; none is fine where the place does not matter.
Result<Place> placeOf(const ApiCall& call) {
  Result<Place> place = Place{};
  int given = 0;
  if (const auto client = call.parameter("client")) ++given, place = addressOf(*client);
  if (call.parameter("lat") || call.parameter("lon")) ++given, place = pointOf(call);
  if (const auto label = call.parameter("geohash")) ++given, place = partition::ByGeohash{*label};
  if (const auto label = call.parameter("city")) ++given, place = partition::ByCity{*label};
  if (const auto label = call.parameter("poi")) ++given, place = partition::ByPoi{*label};
  if (const auto key = call.parameter("key")) ++given, place = partition::ByKey{*key};
  if (given > 1) {
    return fail(ErrorKind::kInvalid,
                "give one of client, lat and lon, geohash, city, poi, key; not several");
  }
  return place;
}

// Who a name without a place of its own is asked by.
Result<partition::Asker> askerOf(const ApiCall& call) {
  partition::Asker asker;
  if (const auto text = call.parameter("client")) {
    const auto address = IpAddress::parse(*text);
    if (!address) return tl::unexpected(address.error().within("client"));
    asker.client = *address;
  }
  if (const auto text = call.parameter("subnet")) {
    const auto subnet = IpPrefix::parse(*text);
    if (!subnet) return tl::unexpected(subnet.error().within("subnet"));
    asker.subnet = *subnet;
  }
  return asker;
}

// What bears on the next move of what was asked for: replication from the owner to each other site,
// who holds it, and the change that is on the way.
void addPresent(const Context& context, const Explanation& explained, Json& out) {
  for (Json& each : out.at("candidates")) {
    const std::string dc = each.at("dc").get<std::string>();
    if (dc == explained.dc || explained.kind == partition::ZoneKind::kStateless) continue;
    const partition::LinkView link = context.links.link(explained.dc, dc);
    each["link"] = {
        {"state", partition::linkStateName(link.state)},
        {"freshness", partition::freshnessName(link.freshness)},
        {"effective_lag_ms", link.effective_lag_ms ? Json(*link.effective_lag_ms) : Json(nullptr)}};
  }
  const bool global = explained.kind == partition::ZoneKind::kGlobal;
  const std::string& subject = global ? explained.zone : explained.partition;
  Json holds = Json::array();
  if (context.holds != nullptr && !subject.empty()) {
    const partition::HeldMove stays{subject, explained.zone, explained.dc, explained.dc};
    for (const partition::Hold* hold : context.holds->on(stays, context.clock.wallNow())) {
      holds.push_back(partition::describeHold(*hold));
    }
  }
  out["holds"] = std::move(holds);
  out["change"] = nullptr;
  const auto number = partition::changeNumberOf(context.changes.activeChange(subject));
  const partition::Change* change = number ? context.changes.find(*number) : nullptr;
  if (change == nullptr) return;
  out["change"] = {{"id", partition::changeId(change->number)},
                   {"state", partition::changeStateName(change->state)},
                   {"note", change->note}};
}

// The longest that a resolver may keep the answer.
std::uint32_t ttlOf(const partition::Topology& topology, const partition::Service& service,
                    const Explanation& found) {
  const partition::Zone& zone = topology.zones[service.zone.index()];
  std::uint32_t ttl = service.ttl;
  if (!found.known) ttl = std::min(ttl, zone.placement.unknown_ttl);
  if (found.prepared) ttl = std::min(ttl, partition::kPreparedTtl);
  return ttl;
}

HttpReply explainName(const Context& context, const ApiCall& call) {
  const auto name = call.parameter("name");
  if (!name) return errorReply(ErrorKind::kInvalid, "name is missing: a service's name");
  const ServingView view = context.view();
  const partition::Topology& topology = *view.map.topology;
  const auto question = partition::parseServiceName(topology, *name);
  if (!question) return errorReply(question.error());
  const auto asker = askerOf(call);
  if (!asker) return errorReply(asker.error());
  auto explained = partition::explainQuestion(stateOf(view), *question, *asker);
  if (!explained) return errorReply(explained.error());
  const partition::Service& service = topology.services[question->service.index()];
  Json out = explanationJson(*explained);
  out["ttl"] = ttlOf(topology, service, *explained);
  addPresent(context, *explained, out);
  std::vector<std::string> records = std::move(explained->records);
  if (const auto type = call.parameter("type")) {
    std::erase_if(records, [&](const std::string& text) {
      return !std::equal(
          type->begin(), type->end(), text.begin(),
          text.begin() + static_cast<std::ptrdiff_t>(std::min(text.find(' '), text.size())),
          [](char a, char b) { return (a | 0x20) == (b | 0x20); });
    });
  }
  out["records"] = std::move(records);
  return jsonReply(out);
}

HttpReply resolve(const Context& context, const ApiCall& call) {
  const auto name = call.parameter("service");
  if (!name) return errorReply(ErrorKind::kInvalid, "service is missing: a service's name");
  const std::string access = call.parameter("access").value_or("rw");
  if (access != "rw" && access != "ro") {
    return errorReply(ErrorKind::kInvalid, "access=\"" + access + "\": must be rw or ro");
  }
  const ServingView view = context.view();
  const partition::Topology& topology = *view.map.topology;
  const auto question = partition::parseServiceName(topology, *name);
  if (!question) return errorReply(question.error());
  if (!std::holds_alternative<std::monostate>(question->place)) {
    return errorReply(
        ErrorKind::kInvalid,
        "service=\"" + *name + "\" says where by itself; give the service's own name");
  }
  const auto place = placeOf(call);
  if (!place) return errorReply(place.error());
  const partition::Service& service = topology.services[question->service.index()];
  const partition::Zone& zone = topology.zones[service.zone.index()];
  const auto found = partition::explainService(stateOf(view), question->service, *place,
                                               access == "rw" && question->read_write);
  if (!found) return errorReply(found.error());
  const bool sharding = !found->partition.empty();
  return jsonReply(
      {{"service", service.name},
       {"zone", zone.id},
       {"known", found->known},
       {"partition", nullable(found->partition)},
       {"ezone", found->ezone},
       {"dc", found->dc},
       {"epoch", found->epoch},
       {"rev", found->rev},
       {"ttl", ttlOf(topology, service, *found)},
       {"pool", poolJson(*found)},
       {"records", found->records},
       {"shard_name",
        sharding ? Json("s" + found->partition + ".shard." + service.name) : Json(nullptr)}});
}

}  // namespace

void addExplainRoutes(Router& router, const Context& context) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/explain",
              .query = {"name", "client", "type", "subnet"},
              .handler = [&context](const ApiCall& call, const auto&) {
                return explainName(context, call);
              }});
  router.add(
      {.method = HttpMethod::kGet,
       .path = "/v1/resolve",
       .query = {"service", "client", "lat", "lon", "geohash", "city", "poi", "key", "access"},
       .handler = [&context](const ApiCall& call, const auto&) { return resolve(context, call); }});
}

}  // namespace meridian::admin
