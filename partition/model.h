// The model as plain values: a decoded, cross-checked topology document (docs/topology.md).
//
// Everything refers to everything by index into this object's vectors; ids (strings) are for people
// and documents.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "geo/location.h"
#include "partition/ids.h"

namespace meridian::partition {

enum class AdminState : std::uint8_t { kInService, kDraining, kOutOfService };
enum class Health : std::uint8_t { kUp, kDegraded, kDown, kUnknown };
enum class ZoneKind : std::uint8_t { kSharding, kGlobal, kStateless };

std::string_view adminStateName(AdminState state);  // "IN_SERVICE", …
std::string_view healthName(Health health);         // "UP", …
std::string_view zoneKindName(ZoneKind kind);       // "sharding", …

struct Datacenter {
  std::string id, region;
  geo::GeoPoint point;
  std::optional<double> capacity_units;
  AdminState admin_state = AdminState::kInService;
};

struct EZone {
  std::string id;
  DcIx dc;
  std::uint8_t slot = 0;  // 0–63, unique, never reused
};

// All members that are given must match.
struct PlaceRule {
  std::string country, subdivision;  // empty = any
  std::uint32_t asn = 0;             // 0 = any
};

struct FenceRef {
  std::string id;  // "us-states/tx"
  SourcePlace place;
};

struct Partition {
  std::string id;
  ZoneIx zone;
  EZoneIx home;
  std::vector<EZoneIx> allowed;  // sorted; never empty; contains home
  double weight_units = 1;
  std::vector<FenceRef> fences;
  std::vector<PlaceRule> rules;
  std::vector<geo::GeoPoint> anchors;
};

struct PlacementRules {
  std::optional<PartitionIx> default_partition;  // set in sharding zones
  double fence_snap_km = 50;
  std::uint32_t unknown_ttl = 5;  // s
};

// What a stateless zone answers when none of its eZones is in service and not DOWN. There is no
// policy that answers nothing: a name never goes away because of health.
enum class AllDown : std::uint8_t {
  kAsIfUp,    // as if health were not known
  kNearest,   // the nearest in service, whatever weights and slack say
  kFallback,  // StatelessRules::fallback
  kLastGood   // the eZones that were usable when one last was; before any were, as kAsIfUp
};
std::string_view allDownName(AllDown policy);  // "as-if-up", …

// How a stateless zone chooses (docs/topology.md "Stateless zones").
struct StatelessRules {
  std::vector<std::uint16_t> weights;  // basis points, by position in Zone::ezones; empty: none
  // eZones that are no farther than the nearest and this much are equally near. nullopt: all are
  // where there are weights, none is where there are none.
  std::optional<double> distance_slack_km;
  AllDown all_down = AllDown::kAsIfUp;
  EZoneIx fallback;  // kFallback
};

// Who answers the read-only name of a global zone when no copy is fresh enough
// (partition/read_choice.h).
enum class ReadFallback : std::uint8_t { kPrimary, kLeastStale };
std::string_view readFallbackName(ReadFallback fallback);  // "primary", "least_stale"

struct Zone {
  std::string id;
  ZoneKind kind = ZoneKind::kSharding;
  PartitionIx first_partition;  // sharding: its partitions stand together in Topology::partitions
  std::uint32_t partition_count = 0;  // sharding
  PlacementRules placement;
  std::uint32_t min_in_service = 1;  // sharding
  EZoneIx primary;                   // global: before the first switch
  // global: copies farther behind are not read; nullopt: no lag is looked at.
  std::optional<std::int64_t> read_max_lag_ms = {};
  ReadFallback read_fallback = ReadFallback::kPrimary;
  StatelessRules stateless;  // stateless
  // sharding: all eZones any partition may go to; global: primary and replicas; stateless: its
  // members. Document order.
  std::vector<EZoneIx> ezones;
};

// One record in presentation form; the dns layer turns it into wire form and reports what is wrong
// with it.
struct EndpointRecord {
  std::string text;  // "A 192.0.2.1"
  SourcePlace place;
};

// One of several endpoints inside an eZone (docs/topology.md "Endpoints inside a site").
struct PoolEndpoint {
  std::string id;            // unique in its pool
  std::uint64_t hash = 0;    // endpointHash()
  std::uint16_t weight = 1;  // 0–10000; 0: a standby
  std::string check;         // id of one of the server's checks; empty: none, it counts as up
  std::size_t first_record = 0, record_count = 0;  // in Endpoint::records
};
struct Endpoint {
  EZoneIx ezone;
  std::vector<EndpointRecord> records;  // of the whole eZone
  std::vector<PoolEndpoint> pool = {};  // empty: all records are always answered
  EndpointIx first_of_pool = {};        // the pool's are numbered from here
};
// One more name that answers what a service answers, such as a DNS zone's apex.
struct ServiceAlias {
  std::string name;  // as written
  SourcePlace place;
};

struct Service {
  std::string name;  // as written, without the final dot unless written
  ZoneIx zone;
  std::uint32_t ttl = 30;  // s
  std::vector<Endpoint> endpoints;
  std::vector<ServiceAlias> aliases;
  SourcePlace place;  // of the name
  // Of its pools; stateless zones only.
  std::uint16_t min_up_share = 5000;  // basis points of the weight that must be up
  std::size_t answer_count = 0;       // endpoints in one answer; 0: all
  bool pooled() const;                // some eZone has a pool
};

inline constexpr std::size_t kMaxPool = 64;             // endpoints of one service at one eZone
inline constexpr std::size_t kMaxEndpoints = 16'384;    // with ids, in the topology
inline constexpr std::size_t kMaxAliasNames = 100'000;  // in the topology

struct Topology {
  std::vector<Datacenter> datacenters;
  std::vector<EZone> ezones;
  std::vector<Zone> zones;
  std::vector<Partition> partitions;
  std::vector<Service> services;
  std::size_t endpoint_count = 0;  // EndpointIx are below
  std::string document;  // the JSON text it was decoded from: what the journal keeps and GET
                         // /v1/topology returns

  // Linear or hashed as the implementation likes; nullopt when unknown.
  std::optional<DcIx> findDatacenter(std::string_view id) const;
  std::optional<EZoneIx> findEZone(std::string_view id) const;
  std::optional<ZoneIx> findZone(std::string_view id) const;
  std::optional<PartitionIx> findPartition(std::string_view id) const;
  // The datacenter's id by the eZone's; empty when there is no such eZone.
  std::string dcIdOf(std::string_view ezone) const;
  const Datacenter& dcOf(EZoneIx ezone) const {
    return datacenters[ezones[ezone.index()].dc.index()];
  }
};

// TTL, in seconds, of answers for a subject that is about to move (AssignmentTable, `prepared`).
// Resolvers commonly raise anything lower to about this.
inline constexpr std::uint32_t kPreparedTtl = 5;

inline constexpr std::size_t kMaxTopologyBytes = std::size_t{16} << 20;

// Text → model, or every error at once. `file` names the source in errors ("request" for a REST
// body). Checks everything that needs no other file: ids, references, ranges, slots, covers of
// endpoints.
Checked<Topology> decodeTopology(std::string_view text, const std::string& file);

}  // namespace meridian::partition
