// SiteOrders: the loci of global and stateless zones. Each is an order of the zone's eZones,
// nearest first; places with the same order share one.
//
// Threads: built by one thread, then immutable; find() from any thread, no allocation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "geo/distance.h"
#include "partition/ids.h"
#include "partition/model.h"

namespace meridian::partition {

class SiteOrders {
 public:
  // The order of the document, for places nobody knows.
  static constexpr Locus kUnknownPlace{0};

  SiteOrders() = default;
  // REQUIRES: zone.ezones.size() <= geo::NearestPoints::kMaxOrdered (there are 64 slots).
  SiteOrders(const Topology& topology, const Zone& zone);

  // The order as seen from the point, made if it is new.
  Locus intern(geo::GeoPoint from);
  // The order as seen from the point. One that building did not meet is not made: the known one
  // that agrees with it for longest stands in, which always agrees about the nearest eZone.
  Locus find(geo::GeoPoint from) const noexcept;

  const std::vector<EZoneIx>& at(Locus locus) const { return orders_[locus.index()]; }
  std::size_t size() const { return orders_.size(); }

 private:
  using Ranking = std::span<const std::uint8_t>;  // indices of ezones_, nearest first
  struct RankingLess {
    using is_transparent = void;
    bool operator()(Ranking a, Ranking b) const noexcept {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };

  Locus add(Ranking ranking);

  std::vector<EZoneIx> ezones_;
  geo::NearestPoints points_{{}};
  std::map<std::vector<std::uint8_t>, Locus, RankingLess> loci_;
  std::vector<std::vector<EZoneIx>> orders_;
};

}  // namespace meridian::partition
