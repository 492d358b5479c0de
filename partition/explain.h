// Explain: one decision, step by step, as a value made of names. The same value serves REST
// /v1/explain and /v1/resolve, `meridianctl explain --config`, and the TXT answers of _explain.
//
// Pure: reads one consistent state, looks everything up the plain way, and ends in the very
// functions that answer queries (Placement, explainDecision), so that it cannot tell another story.
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "geo/location.h"
#include "partition/decision.h"
#include "partition/ids.h"
#include "partition/model.h"
#include "partition/placement.h"
#include "partition/pool.h"
#include "partition/table.h"

namespace meridian::partition {

// Where a question comes from.
struct ByGeohash {
  std::string label;
};
struct ByCity {
  std::string label;
};
struct ByPoi {
  std::string label;
};
struct ByKey {
  std::string key;
};
struct ByShard {
  std::string partition;  // id
};
// monostate: by the client's address, which is not known yet.
using Place = std::variant<std::monostate, IpAddress, geo::GeoPoint, ByGeohash, ByCity, ByPoi,
                           ByKey, ByShard>;

// What a name asks for (docs/topology.md; design "What a client asks").
struct ServiceQuestion {
  ServiceIx service;
  Place place;             // monostate for S, rw.S, ro.S
  bool read_write = true;  // ro.S: false
};

// "us-tx" of "sus-tx.shard.S", "_explain.S", "9vk.g.S", "rw.S", … in presentation form, any case,
// final dot optional. kNotFound: no service has this name. kInvalid: below a service, but none of
// its names.
Result<ServiceQuestion> parseServiceName(const Topology& topology, std::string_view name);

// What a decision is made from. All must come from the same published state.
struct ExplainState {
  const Topology& topology;
  const AssignmentTable& table;
  const PlacementSet& placements;
  const SiteHealth& health;
  // Evidence and catalogues; with nullptr location, source and placed_by stay empty.
  const GeoSources* sources = nullptr;
  const SiteLoad* load = nullptr;          // nullptr: nobody spills
  const DecisionSet* decisions = nullptr;  // what is served; nullptr: nothing was before
  // explainService() needs it: nullptr means that no service has a pool.
  const PoolSet* pools = nullptr;
};

// A service's endpoints inside the choice, where they have ids (partition/pool.h).
struct ExplainedPool {
  std::vector<std::string> answered;  // ids of those that this client gets, in their order
  std::size_t endpoints = 0;
  std::size_t candidates = 0;
  std::uint16_t up_share = 0, min_up_share = 0;  // basis points
};

struct Explanation {
  struct Candidate {
    std::string ezone, dc;
    RejectedFor why = RejectedFor::kChosen;
    AdminState admin_state = AdminState::kInService;
    Health health = Health::kUp;
    // Stateless zones, and 0 for who may not answer (Verdict).
    std::uint8_t distance_class = 0;
    std::uint16_t weight = 0;
    std::uint16_t spill = 0;
  };

  std::string service;  // empty when asked by zone only
  std::string zone;
  ZoneKind kind = ZoneKind::kSharding;
  bool known = true;    // false: an unknown geohash, city or POI, which gets the default
  std::string place;    // "address 192.0.2.1", "geohash 9vk", …
  std::string source;   // of the location: "override FILE:LINE", "database FILE", "nothing", …
  std::string network;  // that matched; addresses only
  std::optional<std::uint8_t> scope;  // ECS scope; addresses only
  geo::Location location;
  std::string placed_by;              // placedByName(), or "shard-name", "key-hash"
  std::string partition;              // sharding only
  std::string ezone, dc;              // the choice
  std::vector<Candidate> candidates;  // every eZone of the zone, the choice included
  Epoch epoch = 0;                    // of the subject; 0 in stateless zones
  WriteState write_state = WriteState::kOpen;
  bool prepared = false;  // about to move, or all sites down: answers carry the short TTL
  bool shared = false;    // stateless: other networks of this place may get another eZone
  std::string change_id;  // of the change that is moving it; empty: none has touched the table yet
  std::string basis;      // stateless: "usable", or "all-down POLICY"
  std::optional<ExplainedPool> pool;  // by explainService() only, as is the next
  std::vector<std::string> records;   // what the client gets, of every type, in presentation form
  Rev rev = 0;                        // of the table

  // Whether other networks of this place may get another answer, which the scope shows.
  bool byClient() const { return shared || (pool && pool->answered.size() < pool->candidates); }
};

// `client`: whose share is asked for, where the place is no address; nullopt: the place's own.
// kInvalid: the place does not fit the zone's kind, or is not given; kNotFound: no such partition.
Result<Explanation> explain(const ExplainState& state, ZoneIx zone, const Place& place,
                            bool read_write, std::optional<IpAddress> client = std::nullopt);

// What a service answers: its zone's decision, or its own where its endpoints have health of their
// own, and of the chosen eZone's endpoints those that this client gets. As explain().
Result<Explanation> explainService(const ExplainState& state, ServiceIx service, const Place& place,
                                   bool read_write, std::optional<IpAddress> client = std::nullopt);

// The same for a name that DNS is asked for: a name that does not say where is answered by the
// client subnet, unless it is a private network of which nothing is known, else by the address of
// the client or its resolver. The scope is the one of an answer to that subnet
// (dns/answer/place.h).
struct Asker {
  std::optional<IpAddress> client;
  std::optional<IpPrefix> subnet;
};
Result<Explanation> explainQuestion(const ExplainState& state, const ServiceQuestion& question,
                                    const Asker& asker);

// For TXT: "key=value" lines, each at most 255 bytes.
std::vector<std::string> explanationLines(const Explanation& explanation);

}  // namespace meridian::partition
