// decodeTopology on any bytes: decodes, or says where it is wrong; what decodes holds together.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "partition/model.h"
#include "partition/table.h"

namespace {

using namespace meridian::partition;

bool holdsTogether(const Topology& topology, const Zone& zone) {
  const StatelessRules& rules = zone.stateless;
  if (rules.all_down == AllDown::kFallback && rules.fallback.index() >= topology.ezones.size()) {
    return false;
  }
  if (rules.weights.empty()) return true;
  return rules.weights.size() == zone.ezones.size() &&
         std::any_of(rules.weights.begin(), rules.weights.end(),
                     [](std::uint16_t weight) { return weight > 0; });
}

bool holdsTogether(const Topology& topology, const Endpoint& endpoint) {
  if (endpoint.pool.empty()) return true;
  if (endpoint.first_of_pool.index() + endpoint.pool.size() > topology.endpoint_count) return false;
  std::size_t next = 0;
  bool weighs = false;
  for (const PoolEndpoint& each : endpoint.pool) {
    if (each.first_record != next || each.record_count == 0) return false;
    next += each.record_count;
    weighs = weighs || each.weight > 0;
  }
  return weighs && next == endpoint.records.size();
}

// Every index must be good: all that come after trust them.
bool holdsTogether(const Topology& topology) {
  for (const EZone& ezone : topology.ezones) {
    if (ezone.dc.index() >= topology.datacenters.size() || ezone.slot >= kEpochSlots) return false;
  }
  for (const Zone& zone : topology.zones) {
    if (!holdsTogether(topology, zone)) return false;
  }
  for (const Subject& subject : subjectsOf(topology)) {
    if (subject.zone.index() >= topology.zones.size()) return false;
    bool home_allowed = false;
    for (const EZoneIx allowed : *subject.allowed) {
      if (allowed.index() >= topology.ezones.size()) return false;
      home_allowed = home_allowed || allowed == subject.home;
    }
    if (!home_allowed) return false;
  }
  for (const Service& service : topology.services) {
    if (service.zone.index() >= topology.zones.size()) return false;
    for (const Endpoint& endpoint : service.endpoints) {
      if (endpoint.ezone.index() >= topology.ezones.size() || endpoint.records.empty())
        return false;
      if (!holdsTogether(topology, endpoint)) return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto topology = decodeTopology(text, "fuzz");
  if (topology ? !holdsTogether(*topology) : topology.error().empty()) std::abort();
  return 0;
}
