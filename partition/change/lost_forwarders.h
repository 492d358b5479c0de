// LostForwarders: what a new topology takes away from eZones that must still forward
// (partition/change/forwarders.h). Clients whose resolvers kept an old answer come to an address
// that nobody may take care of any more; the operator is told, and decides.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "partition/change/forwarders.h"
#include "partition/model.h"

namespace meridian::partition {

struct LostForwarder {
  Forwarder forwarder;
  std::string service;               // empty: the eZone itself is gone
  std::vector<std::string> records;  // of the service at that eZone, gone: "A 192.0.2.1"
  // "eZone dal must forward what comes for us-tx until 2026-…, and is not in this topology"
  std::string text() const;
};

// In the order of `open`, then of the services in `before`. A service's record that another service
// has at the eZone afterwards is lost all the same: it is asked for by name.
std::vector<LostForwarder> lostForwarders(const std::vector<Forwarder>& open,
                                          const Topology& before, const Topology& after);

}  // namespace meridian::partition
