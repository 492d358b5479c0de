// BorderIndex: the fence whose border is nearest to a point, among those within a fixed reach.
//
// Border pieces stand in cubes of space as wide as the reach; a lookup finds the cubes around its
// point that have any in one list. Distances through the Earth sort
// out all but the few pieces that need a geodesic. Threads: immutable; nearest() from any thread,
// no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "geo/border.h"
#include "geo/fence.h"

namespace meridian::geo {

class BorderIndex {
 public:
  struct Nearest {
    std::uint32_t fence = 0;
    double metres = 0;
  };

  BorderIndex() = default;  // no fences: nearest() is always nullopt
  // `fences[i]` answers with `i`. REQUIRES: 0 <= reach_m <= 500'000.
  BorderIndex(const std::vector<const Fence*>& fences, double reach_m);

  // The nearest border at most reach_m away, by geodesic; ties go to the smaller index. For a point
  // inside a fence this is the way to a border all the same.
  std::optional<Nearest> nearest(GeoPoint point) const noexcept;
  std::size_t bytes() const;

 private:
  struct Piece {
    BorderPiece way;
    std::uint64_t cube = 0;  // of its start
    std::uint32_t fence = 0;
  };
  // A cube with pieces in it or beside it.
  struct Cube {
    std::uint64_t key = 0;
    std::uint32_t first_stretch = 0;  // up to the next cube's
  };
  struct Stretch {
    std::uint32_t begin = 0, end = 0;  // of pieces_
  };

  std::uint64_t keyOf(const SpacePoint& point, int dx, int dy, int dz) const noexcept;
  void addPieces(const std::vector<const Fence*>& fences);
  std::vector<std::pair<std::uint64_t, Stretch>> stretchesByCube() const;

  double reach_m_ = 0;
  double cube_m_ = 1;
  std::vector<Piece> pieces_;  // by their own cube
  std::vector<Cube> cubes_;    // ascending by key, with a last one that ends the list
  std::vector<Stretch> stretches_;
};

}  // namespace meridian::geo
