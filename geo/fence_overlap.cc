// findOverlaps() of geo/fence.h: the common area of two fences, summed over the cells of the grid.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "geo/cell_grid.h"
#include "geo/fence.h"

namespace meridian::geo {
namespace {

constexpr double kMetresPerDegree = 111'200;
constexpr std::size_t kMaxPairs = 1000;

double longitudeAt(const Edge& edge, double lat) {
  const double share = (lat - edge.lower.lat) / (edge.upper.lat - edge.lower.lat);
  return edge.lower.lon + share * (edge.upper.lon - edge.lower.lon);
}

struct Common {
  double area_m2 = 0;
  double widest_m2 = 0;
  GeoPoint example;  // in the widest strip so far

  void add(double area, GeoPoint middle) {
    area_m2 += area;
    if (area <= widest_m2) return;
    widest_m2 = area;
    example = middle;
  }
};

// Between two latitudes with no vertex and no crossing in between, both fences are strips whose
// widths are linear in the latitude: the width in the middle times the height is the exact area.
class CellOverlap {
 public:
  CellOverlap(const Cell& cell, const CellPart& first, const CellPart& second)
      : cell_(cell), first_(first), second_(second) {}

  void addTo(Common& common) const {
    const std::vector<double> lats = slabs();
    for (std::size_t i = 0; i + 1 < lats.size(); ++i) addSlab(lats[i], lats[i + 1], common);
  }

 private:
  std::vector<double> slabs() const {
    std::vector<double> lats{cell_.south_west.lat, cell_.north_east.lat};
    const auto add = [&](double lat) {
      if (lat > cell_.south_west.lat && lat < cell_.north_east.lat) lats.push_back(lat);
    };
    for (const CellPart* part : {&first_, &second_}) {
      for (const Edge& edge : part->edges) {
        add(edge.lower.lat);
        add(edge.upper.lat);
      }
    }
    for (const Edge& a : first_.edges) {
      for (const Edge& b : second_.edges) addCrossing(a, b, add);
    }
    std::sort(lats.begin(), lats.end());
    return lats;
  }

  template <class Add>
  static void addCrossing(const Edge& a, const Edge& b, const Add& add) {
    const double low = std::max(a.lower.lat, b.lower.lat);
    const double high = std::min(a.upper.lat, b.upper.lat);
    if (!(low < high)) return;
    const double gap_low = longitudeAt(a, low) - longitudeAt(b, low);
    const double gap_high = longitudeAt(a, high) - longitudeAt(b, high);
    if (gap_low * gap_high < 0) add(low + (high - low) * (gap_low / (gap_low - gap_high)));
  }

  void addSlab(double low, double high, Common& common) const {
    const double middle = low + (high - low) / 2;
    const GeoPoint west{middle, cell_.south_west.lon};
    std::vector<std::pair<double, int>> turns;  // longitude, which fence
    bool inside[2] = {};
    int which = 0;
    for (const CellPart* part : {&first_, &second_}) {
      inside[which] = holds(*part, cell_.meridian, west);
      for (const Edge& edge : part->edges) {
        if (crossesEastOf(edge, west)) turns.emplace_back(longitudeAt(edge, middle), which);
      }
      ++which;
    }
    turns.emplace_back(cell_.north_east.lon, 2);  // nothing counts behind the cell
    std::sort(turns.begin(), turns.end());
    const double square =
        kMetresPerDegree * kMetresPerDegree * std::cos(middle * kRadiansPerDegree) * (high - low);
    double at = west.lon;
    for (const auto& [lon, fence] : turns) {
      if (inside[0] && inside[1] && lon > at) {
        common.add((lon - at) * square, {middle, at + (lon - at) / 2});
      }
      at = std::max(at, lon);
      if (fence == 2) break;
      inside[fence] = !inside[fence];
    }
  }

  const Cell& cell_;
  const CellPart& first_;
  const CellPart& second_;
};

}  // namespace

std::vector<FenceOverlap> findOverlaps(const std::vector<const Fence*>& fences) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, Common> pairs;
  forEachCell(fences, [&](const Cell& cell) {
    std::vector<CellPart> parts = cell.parts;
    for (const std::uint32_t fence : cell.covering) parts.push_back({fence, true, {}});
    std::sort(parts.begin(), parts.end(),
              [](const CellPart& a, const CellPart& b) { return a.fence < b.fence; });
    for (std::size_t i = 0; i < parts.size() && pairs.size() < kMaxPairs; ++i) {
      for (std::size_t k = i + 1; k < parts.size(); ++k) {
        Common common;
        CellOverlap(cell, parts[i], parts[k]).addTo(common);
        if (common.area_m2 == 0) continue;
        Common& all = pairs[{parts[i].fence, parts[k].fence}];
        all.add(common.area_m2, common.example);
      }
    }
  });
  std::vector<FenceOverlap> overlaps;
  for (const auto& [pair, common] : pairs) {
    if (common.area_m2 <= kOverlapToleranceM2) continue;
    overlaps.push_back({pair.first, pair.second, common.area_m2, common.example});
  }
  return overlaps;
}

}  // namespace meridian::geo
