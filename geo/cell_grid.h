// The world cut into geohash cells until few borders cross each: what the cell index and the search
// for overlaps are made of. Internal to geo/.
//
// How a cell knows its points without the edges elsewhere. contains() is the parity, over all edges
// e of a fence, of H(e, p) = "the ray east from p crosses e". Fix a meridian X through the cell and
// let T(v, p) = "vertex v is east of X and north of p". Each vertex ends two edges, so the parity
// of all T is even, and G(e, p) = H(e, p) ^ T(e.lower, p) ^ T(e.upper, p) has the parity of H. For
// an edge that does not meet the cell, G is the same for every p in it: east of X it is 0 (H is
// then "one end north of p, one not"), west of X it is 0 (H and T are), above the cell it is 1, and
// below it 0. So contains(p) is the parity of G over the edges that meet the cell, plus a
// constant for the cell, taken once at its centre. All of it is exact.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "geo/fence.h"
#include "geo/planar.h"

namespace meridian::geo {

inline constexpr unsigned kBitsPerCellLevel = 5;
inline constexpr unsigned kMaxCellLevel = 7;
inline constexpr unsigned kMinCellLevel = 3;  // of a cell that a border crosses
inline constexpr unsigned kCellBits = kBitsPerCellLevel * kMaxCellLevel;
// A cell with no more edges than this is not split: testing them costs less than a longer search.
inline constexpr std::size_t kFewEdges = 12;

// The cell of kMaxCellLevel that holds the point, as its Morton number (longitude first, as in a
// geohash). REQUIRES: the point is in range and canonical.
std::uint64_t cellNumber(GeoPoint point) noexcept;

// G(e, p) of above.
inline bool flips(const Edge& edge, double meridian, GeoPoint point) noexcept {
  return crossesEastOf(edge, point) != ((edge.lower.lon > meridian && edge.lower.lat > point.lat) !=
                                        (edge.upper.lon > meridian && edge.upper.lat > point.lat));
}

// One fence in a cell that its border crosses.
struct CellPart {
  std::uint32_t fence = 0;
  bool constant = false;
  std::vector<Edge> edges;
};

struct Cell {
  std::uint64_t first = 0;  // Morton number of its first cell of kMaxCellLevel
  unsigned level = 0;
  GeoPoint south_west, north_east;
  double meridian = 0;                  // X of above
  std::vector<std::uint32_t> covering;  // fences that hold all of it, ascending
  std::vector<CellPart> parts;          // by fence, ascending
};

bool holds(const CellPart& part, double meridian, GeoPoint point) noexcept;

// Visits cells that together are the world, in Morton order.
void forEachCell(const std::vector<const Fence*>& fences,
                 const std::function<void(const Cell& cell)>& visit);

}  // namespace meridian::geo
