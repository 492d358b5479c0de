// Placement: the compiled road from a place to a locus, one per zone of the model (docs/topology.md
// "Evidence order").
//
// Building happens when a topology, a fence, a catalogue, an override or a database changes;
// everything after is lookups in immutable tables. Threads: immutable; all lookups from any thread,
// without allocation but where said.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/diagnostics.h"
#include "geo/address_evidence.h"
#include "geo/border_index.h"
#include "geo/catalogue.h"
#include "geo/cell_index.h"
#include "geo/distance.h"
#include "geo/fence.h"
#include "geo/prefix_table.h"
#include "partition/ids.h"
#include "partition/model.h"
#include "partition/place_rules.h"
#include "partition/site_orders.h"

namespace meridian::partition {

// Everything placements are compiled from, loaded once (server/config names the files).
struct GeoSources {
  std::shared_ptr<const geo::AddressEvidence> addresses;
  std::vector<geo::Fence> fences;
  std::vector<geo::CatalogueEntry> pois;
  std::vector<geo::CatalogueEntry> cities;
};

// How a point or evidence became a locus: shown by explain.
enum class PlacedBy : std::uint8_t {
  kOverride,
  kFence,
  kRule,
  kFenceSnap,
  kAnchor,
  kDefault,
  kDistance
};
std::string_view placedByName(PlacedBy by);

struct Placed {
  Locus locus;
  PlacedBy by = PlacedBy::kDefault;
};

class Placement {
 public:
  struct AddressMatch {
    Locus locus;  // of the fallback when !locus_known
    std::uint8_t scope = 0;
    bool locus_known = true;  // false: a private network without an override; the address says
                              // nothing about a place
  };

  // The hot path: one table walk.
  AddressMatch ofAddress(const IpAddress& address) const noexcept;
  // A geohash label's centre through the cell index; nullopt: no geohash. Outside every fence the
  // borders in reach are measured by geodesic.
  std::optional<Locus> ofGeohash(std::string_view label) const noexcept;
  Placed ofPoint(geo::GeoPoint point) const noexcept;
  Placed ofEvidence(const geo::Evidence& evidence) const;
  // Labels in either case. nullopt: not in the catalogue.
  std::optional<Locus> ofPoi(std::string_view label) const noexcept;
  std::optional<Locus> ofCity(std::string_view label) const noexcept;
  // Rendezvous over partitions (docs/topology.md "Keys"); one SHA-256 a partition. REQUIRES: the
  // zone's kind is sharding.
  Locus ofKey(std::string_view key) const;
  // What an unknown geohash, city or POI gets.
  Locus fallback() const { return fallback_; }

  std::size_t locusCount() const;
  // Stateless and global zones: eZones, nearest first. REQUIRES: the zone's kind is not sharding.
  const std::vector<EZoneIx>& siteOrder(Locus locus) const;
  // Which of these are equally near (SiteOrders::reach). REQUIRES: as siteOrder().
  std::span<const std::uint8_t> siteReach(Locus locus) const { return sites_.reach(locus); }

  // Values are loci, or noPlace(): a private network of which nothing is known. It is a value of
  // its own so that no scope reaches from it into the public Internet.
  const geo::PrefixTable& table() const { return *table_; }
  std::uint32_t noPlace() const { return no_place_; }

  // Every error at once: unknown fences, overlapping fences of one zone, …
  static Checked<std::shared_ptr<const Placement>> build(const Topology& topology, ZoneIx zone,
                                                         const GeoSources& sources);

 private:
  friend class PlacementCompiler;
  friend class PlacementComparer;
  Placement() = default;

  struct LabelHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view label) const noexcept {
      return std::hash<std::string_view>{}(label);
    }
  };
  using LabelMap = std::unordered_map<std::string, Locus, LabelHash, std::equal_to<>>;

  static std::optional<Locus> findLabel(const LabelMap& map, std::string_view label) noexcept;
  std::optional<Placed> byFence(geo::GeoPoint point) const noexcept;
  Placed byNearness(geo::GeoPoint point) const noexcept;
  Placed bySites(geo::GeoPoint point) const noexcept;

  ZoneKind kind_ = ZoneKind::kSharding;
  Locus fallback_;
  std::uint32_t no_place_ = 0;  // the first number that is no locus
  std::shared_ptr<const geo::PrefixTable> table_;
  LabelMap pois_, cities_;  // by lower-case id

  // Sharding zones.
  std::vector<std::string> partitions_;  // by locus
  LabelMap partition_loci_;
  geo::CellIndex fences_;
  geo::BorderIndex borders_;
  std::vector<Locus> fence_loci_;  // by index in fences_ and borders_
  PlaceRules rules_;
  geo::NearestPoints anchors_{{}};
  std::vector<Locus> anchor_loci_;

  SiteOrders sites_;  // other zones
};

// One per Topology::zones, all compiled from the same evidence; errors of all zones together.
using PlacementSet = std::vector<std::shared_ptr<const Placement>>;
Checked<PlacementSet> buildPlacements(const Topology& topology, const GeoSources& sources);

// How much moves between two placements of the same zone: shown before a new database or fence is
// adopted.
//
// Each number has one to be compared with. POIs and cities: the labels that both catalogues place
// in this zone. IPv4 addresses: all 2^32. IPv6: no percentage of the whole space says anything,
// since hardly any of it is in use, and a country's networks are far below 1 % of it; so the /48s
// of which something is known count, those that one of the placements has elsewhere than at its
// fallback.
struct PlacementDiff {
  std::uint64_t ipv4_addresses = 0;  // that change partition
  std::uint64_t ipv6_48s = 0;
  std::uint64_t pois = 0, cities = 0;
  std::uint64_t ipv6_48s_placed = 0;  // at least ipv6_48s
  std::uint64_t pois_compared = 0, cities_compared = 0;
};
PlacementDiff diffPlacements(const Topology& before, const Placement& old_placement,
                             const Topology& after, const Placement& new_placement, ZoneIx old_zone,
                             ZoneIx new_zone);

}  // namespace meridian::partition
