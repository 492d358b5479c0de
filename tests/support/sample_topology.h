// A small good topology with every member in use: tests change one thing of it.
#pragma once

#include <string_view>

namespace meridian::test {

inline constexpr std::string_view kSampleTopology = R"({
  "format": 1,
  "datacenters": [
    {"id": "dal", "region": "us-central", "lat": 32.78, "lon": -96.80, "slot": 0, "capacity_units": 1000},
    {"id": "iad", "region": "us-east", "lat": 38.95, "lon": -77.45, "slot": 1, "admin_state": "IN_SERVICE"},
    {"id": "fra", "region": "eu", "lat": 50.03, "lon": 8.57, "slot": 2, "admin_state": "DRAINING"}
  ],
  "ezones": [
    {"id": "dal-b", "dc": "dal", "slot": 7}
  ],
  "zones": [
    {"id": "order", "kind": "sharding",
     "partitions": [
       {"id": "us-tx", "home": "dal", "allowed": ["iad", "dal"], "weight_units": 2.5,
        "fences": ["us-states/tx"],
        "rules": [{"country": "US", "subdivision": "Texas"}, {"asn": 64500}],
        "anchors": [{"lat": 31, "lon": -99.0}]},
       {"id": "rest", "home": "iad", "allowed": ["dal", "iad", "fra"]}
     ],
     "placement": {"default_partition": "rest", "fence_snap_km": 25, "unknown_ttl": 9},
     "min_in_service": 2},
    {"id": "account", "kind": "global", "primary": "iad", "replicas": ["dal"]},
    {"id": "web", "kind": "stateless", "ezones": ["fra", "dal"]}
  ],
  "services": [
    {"name": "order.shop.example", "zone": "order", "ttl": 60,
     "endpoints": {
       "dal": ["A 192.0.2.1", "AAAA 2001:db8::1"],
       "iad": ["A 192.0.2.2"],
       "fra": ["A 192.0.2.3"]
     }},
    {"name": "account.shop.example.", "zone": "account",
     "endpoints": {"iad": ["A 192.0.2.12"], "dal": ["A 192.0.2.11"]}},
    {"name": "www.shop.example", "zone": "web",
     "endpoints": {"fra": ["CNAME web.fra.example."], "dal": ["A 192.0.2.21"]}}
  ]
})";

}  // namespace meridian::test
