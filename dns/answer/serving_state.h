// ServingState: everything an answer needs, immutable, published as one pointer (base/published.h).
//
// Parts are shared between successive states: a remap replaces one ZoneDecisions and the map,
// nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"
#include "dns/answer/service_set.h"
#include "dns/answer/service_signatures.h"
#include "dns/wire/cookie.h"
#include "dns/wire/tsig.h"
#include "dns/zone/zone_policy.h"
#include "dns/zone/zone_set.h"
#include "partition/decision.h"
#include "partition/map_service.h"
#include "partition/placement.h"
#include "partition/pool.h"

namespace meridian::dns {

// From the configuration, and the same for the life of the process but for secrets.
struct AnswerSettings {
  std::string node_id;
  std::string version;
  std::uint16_t udp_payload_max = 1232;
  bool minimal_responses = false;  // nothing in the additional section but glue and EDNS
  std::uint16_t location_option_code = 65001;
  IpPrefixList explain_from;
  IpPrefixList location_option_from;
  std::uint16_t tcp_keepalive = 100;             // TCP's idle time-out, in units of 100 ms
  std::shared_ptr<const CookieSecrets> cookies;  // nullptr: cookies are ignored
  std::shared_ptr<const TsigKeys> tsig_keys;     // nullptr: none
  std::shared_ptr<const ZonePolicies> zone_policies = std::make_shared<const ZonePolicies>();
};

struct ServingState {
  std::shared_ptr<const AnswerSettings> settings;
  std::shared_ptr<const ZoneSet> zones;
  std::shared_ptr<const ServiceSet> services;
  std::shared_ptr<const ServiceSignatures> signatures;  // of the services; nullptr: none is signed
  partition::MapSnapshot map;
  std::shared_ptr<const partition::PlacementSet> placements;  // by ZoneIx
  partition::DecisionSet decisions;
  std::shared_ptr<const partition::PoolSet> pools;  // nullptr: no service has any
  std::shared_ptr<const partition::SiteHealth> health;
  partition::SiteLoad load;
  std::shared_ptr<const partition::GeoSources> sources;  // for explanations only
  std::vector<std::uint8_t> identity;                    // "NODE rev=N": NSID and id.server
};

// "NODE rev=N": what NSID and id.server say, so that `dig +nsid` proves which table a node serves.
std::vector<std::uint8_t> identityOf(const AnswerSettings& settings, partition::Rev rev);

}  // namespace meridian::dns
