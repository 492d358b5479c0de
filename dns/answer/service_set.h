// ServiceSet: the topology's services as the answer path sees them: names, and records rendered
// ahead.
//
// Names of a service S (design.md §2): S and its aliases; in sharding zones s<partition>.shard.S
// and the parents g.S, city.S, poi.S, key.S whose children are computed; in global zones rw.S and
// ro.S. Names that only lead to others are empty non-terminals. DNS zones are asked separately; the
// answerer joins both (dns/answer/answerer.cc). Threads: immutable; lookups from any thread, no
// allocation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "dns/wire/name.h"
#include "dns/wire/rrset_view.h"
#include "dns/zone/zone_set.h"
#include "partition/ids.h"
#include "partition/model.h"

namespace meridian::dns {

inline constexpr std::uint32_t kShardAliasTtl =
    3600;  // s; fences change rarely, assignments often (domain.md §4a)

struct ServiceNode {
  enum class Kind : std::uint8_t {
    kService,    // S, or an alias of it
    kPooled,     // the same, with endpoints of their own health (partition/pool.h)
    kReadWrite,  // rw.S
    kReadOnly,   // ro.S
    kShard,      // s<partition>.shard.S
    kEmpty,      // an empty non-terminal
    kGeohash,    // g.S, whose children are geohashes
    kCity,       // city.S
    kPoi,        // poi.S
    kKey,        // key.S
  };
  Kind kind = Kind::kEmpty;
  std::uint8_t labels = 0;
  partition::ServiceIx service;
  partition::Locus locus;  // kShard
  Name name;               // lower-cased

  // Records that an eZone has, whole.
  bool ownsRecords() const {
    return kind == Kind::kService || kind == Kind::kReadWrite || kind == Kind::kReadOnly ||
           kind == Kind::kShard;
  }
};

class ServiceSet {
 public:
  // Every error at once: names that are no names, outside every DNS zone, below a cut or a DNAME,
  // or taken by zone data; endpoint records that do not parse or do not go together.
  static Checked<std::shared_ptr<const ServiceSet>> build(const partition::Topology& topology,
                                                          const ZoneSet& zones);

  // nullptr: no such name here. REQUIRES: `lowered` is lower-cased, hash == hashName(lowered).
  const ServiceNode* find(NameView lowered, std::uint64_t hash) const noexcept;
  // The longest ancestor of the name, itself included, that is here; nullptr: none.
  const ServiceNode* encloser(NameView lowered) const noexcept;
  // Whether any service lies in this zone: spares others the walk of encloser().
  bool touches(const Zone& zone) const noexcept;

  partition::ZoneIx zoneOf(partition::ServiceIx service) const {
    return services_[service.index()].zone;
  }
  NameView nameOf(partition::ServiceIx service) const {
    return services_[service.index()].name.view();
  }
  // s<partition>.shard.S. REQUIRES: the service's zone is sharding.
  const ServiceNode& shardNode(partition::ServiceIx service, partition::Locus locus) const {
    return nodes_[services_[service.index()].first_shard + locus.index()];
  }
  std::span<const ServiceNode> nodes() const { return nodes_; }
  // Where in nodes() it stands. REQUIRES: it is of this set.
  std::size_t indexOf(const ServiceNode& node) const {
    return static_cast<std::size_t>(&node - nodes_.data());
  }
  // Of an RRset that rrsets() gave. Those of a service without pools stand together.
  std::size_t indexOf(const RrsetView& rrset) const {
    return static_cast<std::size_t>(&rrset - rrsets_.data());
  }
  // How many eZones the topology has.
  std::size_t ezoneCount(partition::ServiceIx service) const {
    return services_[service.index()].by_ezone.size();
  }
  // That any eZone has, ascending.
  std::span<const RrType> typesOf(partition::ServiceIx service) const {
    return services_[service.index()].types;
  }
  // Whether any eZone has this type (or a CNAME) for the service: if not, place does not matter to
  // the answer.
  bool offers(partition::ServiceIx service, RrType type) const noexcept;
  // Ascending by type; empty when the service has no endpoint in the eZone. `prepared`: with at
  // most partition::kPreparedTtl.
  std::span<const RrsetView> rrsets(partition::ServiceIx service, partition::EZoneIx ezone,
                                    bool prepared = false) const noexcept;
  // The same of one endpoint of a pool. All of a pool have the same types.
  std::span<const RrsetView> rrsets(partition::EndpointIx endpoint, bool prepared) const noexcept {
    return rrsetsOf(pool_[endpoint.index()], prepared);
  }

  // The records of this type (or the CNAME) that these endpoints of one pool have, as one RRset
  // whose bytes are written to `out`; empty: they have none. Of ANY: of their first type.
  RrsetView merged(std::span<const partition::EndpointIx> endpoints, bool prepared, RrType type,
                   std::vector<std::uint8_t>& out) const;

 private:
  struct Endpoint {
    std::uint32_t first = 0;  // in rrsets_
    std::uint32_t count = 0;  // twice: with the service's TTL, then with the prepared one
  };
  struct Service {
    Name name;
    partition::ZoneIx zone;
    std::uint32_t first_shard = 0;  // in nodes_
    std::vector<RrType> types;      // sorted
    std::vector<Endpoint> by_ezone;
  };
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t node = 0;  // index + 1; 0 = free
  };
  class Builder;

  std::span<const RrsetView> rrsetsOf(const Endpoint& endpoint, bool prepared) const noexcept {
    return std::span<const RrsetView>(rrsets_).subspan(
        endpoint.first + (prepared ? endpoint.count : 0), endpoint.count);
  }

  std::vector<Service> services_;
  std::vector<Endpoint> pool_;  // by EndpointIx
  std::vector<ServiceNode> nodes_;
  std::vector<Slot> slots_;  // open addressing, size a power of two
  std::vector<RrsetView> rrsets_;
  std::vector<std::vector<std::uint8_t>> rendered_;  // what rrsets_ point into
  // Sorted. Compared, never followed: they may be gone.
  std::vector<const Zone*> zones_;
};

}  // namespace meridian::dns
