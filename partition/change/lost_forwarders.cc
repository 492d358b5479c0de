#include "partition/change/lost_forwarders.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace meridian::partition {
namespace {

std::string_view zoneIdOf(const Topology& topology, std::string_view subject) {
  const auto partition = topology.findPartition(subject);
  if (!partition) return subject;  // a global zone is its own subject
  return topology.zones[topology.partitions[partition->index()].zone.index()].id;
}

const Endpoint* endpointAt(const Topology& topology, const Service& service,
                           std::string_view ezone) {
  for (const Endpoint& endpoint : service.endpoints) {
    if (topology.ezones[endpoint.ezone.index()].id == ezone) return &endpoint;
  }
  return nullptr;
}

const Service* findService(const Topology& topology, std::string_view name) {
  const auto found = std::find_if(topology.services.begin(), topology.services.end(),
                                  [&](const Service& each) { return each.name == name; });
  return found == topology.services.end() ? nullptr : &*found;
}

std::vector<std::string> recordsGone(const Endpoint& before, const Endpoint* after) {
  std::vector<std::string> gone;
  for (const EndpointRecord& record : before.records) {
    const bool stays =
        after != nullptr && std::any_of(after->records.begin(), after->records.end(),
                                        [&](const auto& each) { return each.text == record.text; });
    if (!stays) gone.push_back(record.text);
  }
  return gone;
}

}  // namespace

std::string LostForwarder::text() const {
  std::string out = fmt::format("eZone {} must forward what comes for {} until {}, and ",
                                forwarder.from, forwarder.subject, rfc3339(forwarder.until));
  if (service.empty()) return out + "is not in this topology";
  return out + fmt::format("{} has lost there: {}", service, fmt::join(records, ", "));
}

std::vector<LostForwarder> lostForwarders(const std::vector<Forwarder>& open,
                                          const Topology& before, const Topology& after) {
  std::vector<LostForwarder> out;
  for (const Forwarder& each : open) {
    if (!after.findEZone(each.from)) {
      out.push_back({each, {}, {}});
      continue;
    }
    const std::string_view zone = zoneIdOf(before, each.subject);
    for (const Service& service : before.services) {
      if (before.zones[service.zone.index()].id != zone) continue;
      const Endpoint* was = endpointAt(before, service, each.from);
      if (was == nullptr) continue;
      const Service* now = findService(after, service.name);
      std::vector<std::string> gone =
          recordsGone(*was, now == nullptr ? nullptr : endpointAt(after, *now, each.from));
      if (!gone.empty()) out.push_back({each, service.name, std::move(gone)});
    }
  }
  return out;
}

}  // namespace meridian::partition
