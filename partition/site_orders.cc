#include "partition/site_orders.h"

#include <array>
#include <iterator>
#include <numeric>

namespace meridian::partition {
namespace {

using RankingBuffer = std::array<std::uint8_t, 2 * geo::NearestPoints::kMaxOrdered>;
constexpr double kMetresPerKm = 1000;

std::size_t commonStart(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                  a.begin());
}

std::vector<geo::GeoPoint> pointsOf(const Topology& topology, const Zone& zone) {
  std::vector<geo::GeoPoint> points;
  for (const EZoneIx ezone : zone.ezones) points.push_back(topology.dcOf(ezone).point);
  return points;
}

}  // namespace

SiteOrders::SiteOrders(const Topology& topology, const Zone& zone)
    : ezones_(zone.ezones), sites_(pointsOf(topology, zone)), points_(sites_) {
  std::vector<std::uint8_t> document(ezones_.size());
  std::iota(document.begin(), document.end(), std::uint8_t{0});
  if (zone.stateless.distance_slack_km) {
    slack_metres_ = *zone.stateless.distance_slack_km * kMetresPerKm;
    document.resize(2 * ezones_.size(), static_cast<std::uint8_t>(ezones_.size()));
  }
  add(document);
  // Orders for questions by point that no address, POI or city leads to: those at the sites, so
  // that each is the nearest in one, and those on a grid over the world.
  for (const geo::GeoPoint& point : sites_) intern(point);
  constexpr int kSteps = 32;
  for (int i = 0; i < kSteps; ++i) {
    for (int k = 0; k < kSteps; ++k) {
      intern({-90 + (i + 0.5) * 180 / kSteps, -180 + (k + 0.5) * 360 / kSteps});
    }
  }
}

Locus SiteOrders::add(Ranking ranking) {
  const Locus locus(static_cast<Locus::Representation>(orders_.size()));
  std::vector<EZoneIx> order;
  for (const std::uint8_t index : ranking.first(ezones_.size())) order.push_back(ezones_[index]);
  orders_.push_back(std::move(order));
  if (slack_metres_) {
    const Ranking reach = ranking.subspan(ezones_.size());
    reaches_.emplace_back(reach.begin(), reach.end());
  }
  loci_.emplace(std::vector<std::uint8_t>(ranking.begin(), ranking.end()), locus);
  return locus;
}

SiteOrders::Ranking SiteOrders::rank(geo::GeoPoint from, std::span<std::uint8_t> buffer) const {
  const std::size_t count = ezones_.size();
  points_.order(from, buffer);
  if (!slack_metres_) return buffer.first(count);
  std::array<double, geo::NearestPoints::kMaxOrdered> metres{};
  for (std::size_t i = 0; i < count; ++i) {
    metres[i] = geo::geodesicMetres(from, sites_[buffer[i]]);
  }
  std::size_t end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    while (end < count && metres[end] <= metres[i] + *slack_metres_) ++end;
    buffer[count + i] = static_cast<std::uint8_t>(end);
  }
  return buffer.first(2 * count);
}

Locus SiteOrders::intern(geo::GeoPoint from) {
  RankingBuffer buffer;
  const Ranking ranking = rank(from, buffer);
  const auto known = loci_.find(ranking);
  return known == loci_.end() ? add(ranking) : known->second;
}

Locus SiteOrders::find(geo::GeoPoint from) const noexcept {
  RankingBuffer buffer;
  const Ranking ranking = rank(from, buffer);
  // Among sorted sequences the longest common start is that of a neighbour.
  const auto next = loci_.lower_bound(ranking);
  if (next == loci_.end()) return std::prev(next)->second;
  if (next == loci_.begin()) return next->second;
  const auto before = std::prev(next);
  return commonStart(before->first, ranking) > commonStart(next->first, ranking) ? before->second
                                                                                 : next->second;
}

}  // namespace meridian::partition
