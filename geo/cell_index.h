// CellIndex: which fence holds a point, without touching a polygon in most cells.
//
// Fences are compiled into geohash cells (Morton prefixes of 5 bits a level, levels 3–7): a cell
// that lies in one fence or in none is a leaf; a boundary cell keeps the few edges that cross it
// and the answer at its reference corner. One sorted array, one longest-prefix search a lookup.
// Equal to contains() of geo/fence.h for every point (tested). Threads: immutable; find() from any
// thread, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "geo/fence.h"
#include "geo/location.h"

namespace meridian::geo {

class CellIndex {
 public:
  CellIndex() = default;  // no fences: find() is always nullopt
  // `fences[i]` answers with `i`. Where fences overlap (findOverlaps() is the caller's check) the
  // smaller index wins.
  explicit CellIndex(const std::vector<const Fence*>& fences);

  std::optional<std::uint32_t> find(GeoPoint point) const noexcept;
  std::size_t cellCount() const;
  std::size_t bytes() const;

 private:
};

}  // namespace meridian::geo
