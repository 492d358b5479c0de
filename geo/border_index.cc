#include "geo/border_index.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "geo/distance.h"

namespace meridian::geo {
namespace {

// Smaller cubes would be more, each with hardly a piece.
constexpr double kLeastCubeMetres = 40'000;

}  // namespace

// A chord is never longer than its geodesic, and a piece starts at most its length from its nearest
// point: what is in reach starts in the point's own cube or one beside it.
BorderIndex::BorderIndex(const std::vector<const Fence*>& fences, double reach_m)
    : reach_m_(reach_m), cube_m_(std::max(kLeastCubeMetres, reach_m + kMaxPieceMetres)) {
  addPieces(fences);
  for (const auto& [key, stretch] : stretchesByCube()) {
    if (cubes_.empty() || cubes_.back().key != key) {
      cubes_.push_back({key, static_cast<std::uint32_t>(stretches_.size())});
    }
    stretches_.push_back(stretch);
  }
  cubes_.push_back({~std::uint64_t{0}, static_cast<std::uint32_t>(stretches_.size())});
}

void BorderIndex::addPieces(const std::vector<const Fence*>& fences) {
  for (std::uint32_t fence = 0; fence < fences.size(); ++fence) {
    forEachEdge(*fences[fence], [&](GeoPoint a, GeoPoint b) {
      forEachBorderPiece(a, b, [&](const BorderPiece& way) {
        pieces_.push_back({way, keyOf(way.space_from, 0, 0, 0), fence});
      });
    });
  }
  std::stable_sort(pieces_.begin(), pieces_.end(),
                   [](const Piece& a, const Piece& b) { return a.cube < b.cube; });
}

std::vector<std::pair<std::uint64_t, BorderIndex::Stretch>> BorderIndex::stretchesByCube() const {
  std::vector<std::pair<std::uint64_t, Stretch>> out;
  for (std::uint32_t begin = 0; begin < pieces_.size();) {
    std::uint32_t end = begin;
    while (end < pieces_.size() && pieces_[end].cube == pieces_[begin].cube) ++end;
    for (int around = 0; around < 27; ++around) {
      const std::uint64_t key =
          keyOf(pieces_[begin].way.space_from, around / 9 - 1, around / 3 % 3 - 1, around % 3 - 1);
      out.push_back({key, {begin, end}});
    }
    begin = end;
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

std::uint64_t BorderIndex::keyOf(const SpacePoint& point, int dx, int dy, int dz) const noexcept {
  // 20 bits an axis: the Earth is 320 of the smallest cubes wide.
  const auto cell = [this](double metres, int step) {
    return static_cast<std::uint64_t>(std::floor(metres / cube_m_) + 524288 + step);
  };
  return cell(point.x, dx) << 40U | cell(point.y, dy) << 20U | cell(point.z, dz);
}

std::optional<BorderIndex::Nearest> BorderIndex::nearest(GeoPoint point) const noexcept {
  if (pieces_.empty()) return std::nullopt;
  const SpacePoint here = spacePoint(point);
  const std::uint64_t key = keyOf(here, 0, 0, 0);
  const auto cube = std::lower_bound(
      cubes_.begin(), cubes_.end(), key,
      [](const Cube& candidate, std::uint64_t wanted) { return candidate.key < wanted; });
  if (cube->key != key) return std::nullopt;
  const auto forEachPiece = [&](auto&& visit) {
    for (std::uint32_t i = cube->first_stretch; i < (cube + 1)->first_stretch; ++i) {
      for (std::uint32_t k = stretches_[i].begin; k < stretches_[i].end; ++k) visit(pieces_[k]);
    }
  };
  double least_chord = reach_m_ + kPieceSlackMetres;
  forEachPiece([&](const Piece& piece) {
    least_chord = std::min(least_chord, chordMetres(piece.way, here));
  });
  // The piece with the least chord is at most `limit` away on the surface, and no piece is nearer
  // than by its chord.
  const double limit = surfaceBound(least_chord);
  std::optional<Nearest> best;
  forEachPiece([&](const Piece& piece) {
    if (chordMetres(piece.way, here) - kPieceSlackMetres > limit) return;
    const double metres = pieceMetres(piece.way, point, here);
    if (metres > reach_m_) return;
    const bool nearer =
        !best || metres < best->metres || (metres == best->metres && piece.fence < best->fence);
    if (nearer) best = Nearest{piece.fence, metres};
  });
  return best;
}

std::size_t BorderIndex::bytes() const {
  return pieces_.capacity() * sizeof(pieces_[0]) + cubes_.capacity() * sizeof(cubes_[0]) +
         stretches_.capacity() * sizeof(stretches_[0]);
}

}  // namespace meridian::geo
