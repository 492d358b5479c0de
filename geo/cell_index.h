// CellIndex: which fence holds a point, without touching a polygon in most cells.
//
// Fences are compiled into geohash cells (Morton prefixes of 5 bits a level, levels 3–7): a cell
// that lies in one fence or in none is a leaf; a boundary cell keeps the few edges that cross it
// and, for each of their fences, what the edges elsewhere add up to (geo/cell_grid.h). One sorted
// array, one longest-prefix search a lookup.
// Equal to contains() of geo/fence.h for every point (tested). Threads: immutable; find() from any
// thread, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "geo/fence.h"
#include "geo/location.h"
#include "geo/planar.h"

namespace meridian::geo {

struct Cell;

class CellIndex {
 public:
  CellIndex() = default;  // no fences: find() is always nullopt
  // `fences[i]` answers with `i`. Where fences overlap (findOverlaps() is the caller's check) the
  // smaller index wins.
  explicit CellIndex(const std::vector<const Fence*>& fences);

  std::optional<std::uint32_t> find(GeoPoint point) const noexcept;
  std::size_t cellCount() const { return starts_.size(); }  // neighbours with one answer are one
  std::size_t bytes() const;

 private:
  // Edges of one fence in a boundary cell.
  struct Part {
    std::uint32_t fence = 0;
    std::uint32_t first_edge = 0;
    std::uint32_t edge_count = 0;
    bool constant = false;
  };
  struct Boundary {
    double meridian = 0;
    std::uint32_t first_part = 0;
    std::uint32_t part_count = 0;
    std::uint32_t cover = 0;  // the answer where no part holds the point
  };

  void add(const Cell& cell);
  std::uint32_t findInBoundary(const Boundary& cell, GeoPoint point) const noexcept;

  std::vector<std::uint64_t> starts_;   // Morton numbers, ascending from 0
  std::vector<std::uint32_t> answers_;  // by range: a fence, none, or a boundary cell
  std::vector<std::uint32_t> roots_;    // by the first bits of a number: the range they start in
  std::vector<Boundary> boundaries_;
  std::vector<Part> parts_;
  std::vector<Edge> edges_;  // copied cell by cell, so that a lookup reads one stretch
};

}  // namespace meridian::geo
