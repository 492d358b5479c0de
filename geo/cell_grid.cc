#include "geo/cell_grid.h"

#include <algorithm>
#include <cmath>

#include "geo/border.h"

namespace meridian::geo {
namespace {

constexpr unsigned kLonBits = (kCellBits + 1) / 2;
constexpr unsigned kLatBits = kCellBits / 2;
// Cells are taken this much larger, in degrees, than they are: cellNumber() rounds, and a point
// just beyond a side may still get the cell's number.
constexpr double kMargin = 1e-9;

// Spreads the low 18 bits to the even places.
std::uint64_t spread(std::uint64_t bits) noexcept {
  bits = (bits | bits << 16U) & 0x0000ffff0000ffffU;
  bits = (bits | bits << 8U) & 0x00ff00ff00ff00ffU;
  bits = (bits | bits << 4U) & 0x0f0f0f0f0f0f0f0fU;
  bits = (bits | bits << 2U) & 0x3333333333333333U;
  return (bits | bits << 1U) & 0x5555555555555555U;
}

std::uint64_t axisCell(double fraction, unsigned bits) noexcept {
  const auto last = (std::uint64_t{1} << bits) - 1;
  return std::min(last, static_cast<std::uint64_t>(std::ldexp(fraction, static_cast<int>(bits))));
}

void setBox(Cell& cell) {
  std::uint64_t lon = 0;
  std::uint64_t lat = 0;
  const unsigned bits = kBitsPerCellLevel * cell.level;
  for (unsigned i = 0; i < bits; ++i) {
    std::uint64_t& axis = i % 2 == 0 ? lon : lat;
    axis = axis << 1U | (cell.first >> (kCellBits - 1 - i) & 1U);
  }
  const double width = std::ldexp(360.0, -static_cast<int>((bits + 1) / 2));
  const double height = std::ldexp(180.0, -static_cast<int>(bits / 2));
  cell.south_west = {static_cast<double>(lat) * height - 90.0,
                     static_cast<double>(lon) * width - 180.0};
  cell.north_east = {cell.south_west.lat + height, cell.south_west.lon + width};
  cell.meridian = cell.south_west.lon + width / 2;
}

GeoPoint centreOf(const Cell& cell) {
  return {(cell.south_west.lat + cell.north_east.lat) / 2, cell.meridian};
}

// Whether the edge meets the cell or its margin; exact but for the margin.
bool meets(const Edge& edge, const Cell& cell) {
  const GeoPoint low{cell.south_west.lat - kMargin, cell.south_west.lon - kMargin};
  const GeoPoint high{cell.north_east.lat + kMargin, cell.north_east.lon + kMargin};
  if (edge.upper.lat < low.lat || edge.lower.lat > high.lat) return false;
  if (std::max(edge.lower.lon, edge.upper.lon) < low.lon) return false;
  if (std::min(edge.lower.lon, edge.upper.lon) > high.lon) return false;
  int sum = 0;
  for (const GeoPoint corner :
       {low, GeoPoint{low.lat, high.lon}, high, GeoPoint{high.lat, low.lon}}) {
    sum += orientation(edge.lower, edge.upper, corner);
  }
  return std::abs(sum) != 4;
}

Cell childOf(const Cell& parent, std::uint64_t digit) {
  Cell child;
  child.level = parent.level + 1;
  child.first = parent.first | digit << (kCellBits - kBitsPerCellLevel * child.level);
  setBox(child);
  child.covering = parent.covering;
  const GeoPoint centre = centreOf(child);
  for (const CellPart& part : parent.parts) {
    CellPart kept{part.fence, holds(part, parent.meridian, centre), {}};
    for (const Edge& edge : part.edges) {
      if (!meets(edge, child)) continue;
      kept.edges.push_back(edge);
      if (flips(edge, child.meridian, centre)) kept.constant = !kept.constant;
    }
    if (!kept.edges.empty()) {
      child.parts.push_back(std::move(kept));
    } else if (kept.constant) {
      child.covering.push_back(part.fence);
    }
  }
  std::sort(child.covering.begin(), child.covering.end());
  return child;
}

// Depth: kMaxCellLevel.
void split(const Cell& cell, const std::function<void(const Cell& cell)>& visit) {
  std::size_t edges = 0;
  for (const CellPart& part : cell.parts) edges += part.edges.size();
  const bool few = edges <= kFewEdges && cell.level >= kMinCellLevel;
  if (edges == 0 || few || cell.level == kMaxCellLevel) {
    visit(cell);
    return;
  }
  for (std::uint64_t digit = 0; digit < std::uint64_t{1} << kBitsPerCellLevel; ++digit) {
    split(childOf(cell, digit), visit);
  }
}

}  // namespace

std::uint64_t cellNumber(GeoPoint point) noexcept {
  const std::uint64_t lon = axisCell((point.lon + 180.0) / 360.0, kLonBits);
  const std::uint64_t lat = axisCell((point.lat + 90.0) / 180.0, kLatBits);
  static_assert(kLonBits == kLatBits + 1, "the last bit is one of longitude");
  return spread(lon) | spread(lat) << 1U;
}

bool holds(const CellPart& part, double meridian, GeoPoint point) noexcept {
  bool inside = part.constant;
  for (const Edge& edge : part.edges) inside ^= flips(edge, meridian, point);
  return inside;
}

void forEachCell(const std::vector<const Fence*>& fences,
                 const std::function<void(const Cell& cell)>& visit) {
  Cell world;
  setBox(world);
  for (std::uint32_t i = 0; i < fences.size(); ++i) {
    CellPart part{i, false, {}};
    forEachEdge(*fences[i],
                [&](GeoPoint a, GeoPoint b) { part.edges.push_back(edgeBetween(a, b)); });
    if (!part.edges.empty()) world.parts.push_back(std::move(part));
  }
  split(world, visit);
}

}  // namespace meridian::geo
