// SiteOrders: the loci of global and stateless zones. Each is an order of the zone's eZones,
// nearest first; places with the same order share one. Where the zone has a distance slack, a locus
// also says which of its eZones are equally near, and places share it that agree about that too.
//
// Threads: built by one thread, then immutable; find() from any thread, no allocation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
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
  // By position in the order: the position behind the last eZone that is no farther than this one
  // and the slack. Empty: the zone has no slack. In an unknown place every eZone reaches all.
  std::span<const std::uint8_t> reach(Locus locus) const {
    return slack_metres_ ? std::span<const std::uint8_t>(reaches_[locus.index()])
                         : std::span<const std::uint8_t>();
  }
  std::size_t size() const { return orders_.size(); }

 private:
  // Indices of ezones_, nearest first; with a slack their reach follows.
  using Ranking = std::span<const std::uint8_t>;
  struct RankingLess {
    using is_transparent = void;
    bool operator()(Ranking a, Ranking b) const noexcept {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };

  // Of the zone as seen from the point, in `buffer`.
  Ranking rank(geo::GeoPoint from, std::span<std::uint8_t> buffer) const;
  Locus add(Ranking ranking);

  std::vector<EZoneIx> ezones_;
  std::vector<geo::GeoPoint> sites_;  // of ezones_
  std::optional<double> slack_metres_;
  geo::NearestPoints points_{{}};
  std::map<std::vector<std::uint8_t>, Locus, RankingLess> loci_;
  std::vector<std::vector<EZoneIx>> orders_;
  std::vector<std::vector<std::uint8_t>> reaches_;  // empty without a slack
};

}  // namespace meridian::partition
