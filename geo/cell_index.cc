#include "geo/cell_index.h"

#include <algorithm>

#include "geo/cell_grid.h"

namespace meridian::geo {
namespace {

constexpr std::uint32_t kNoFence = 0x7fffffff;
constexpr std::uint32_t kBoundary = 0x80000000;
// A table over the first kRootBits of a cell's number narrows the search to a few cells.
constexpr unsigned kRootBits = 15;
constexpr unsigned kTailBits = kCellBits - kRootBits;

}  // namespace

CellIndex::CellIndex(const std::vector<const Fence*>& fences) {
  forEachCell(fences, [this](const Cell& cell) { add(cell); });
  roots_.reserve((std::size_t{1} << kRootBits) + 1);
  std::uint32_t next = 0;  // first range that starts behind the root
  for (std::uint64_t root = 0; root <= std::uint64_t{1} << kRootBits; ++root) {
    while (next < starts_.size() && starts_[next] <= root << kTailBits) ++next;
    roots_.push_back(next - 1);
  }
}

void CellIndex::add(const Cell& cell) {
  const std::uint32_t cover = cell.covering.empty() ? kNoFence : cell.covering.front();
  if (cell.parts.empty()) {
    // Neighbours with one answer are one range.
    if (!answers_.empty() && answers_.back() == cover) return;
    starts_.push_back(cell.first);
    answers_.push_back(cover);
    return;
  }
  starts_.push_back(cell.first);
  answers_.push_back(kBoundary | static_cast<std::uint32_t>(boundaries_.size()));
  boundaries_.push_back({cell.meridian, static_cast<std::uint32_t>(parts_.size()), 0, cover});
  for (const CellPart& part : cell.parts) {
    if (part.fence > cover) break;  // never asked
    parts_.push_back({part.fence, static_cast<std::uint32_t>(edges_.size()),
                      static_cast<std::uint32_t>(part.edges.size()), part.constant});
    edges_.insert(edges_.end(), part.edges.begin(), part.edges.end());
    ++boundaries_.back().part_count;
  }
}

std::optional<std::uint32_t> CellIndex::find(GeoPoint point) const noexcept {
  const bool in_range =
      point.lat >= -90 && point.lat <= 90 && point.lon >= -180 && point.lon <= 180;
  if (starts_.empty() || !in_range) return std::nullopt;
  const GeoPoint here = canonicalPoint(point);
  const std::uint64_t cell = cellNumber(here);
  const std::uint64_t root = cell >> kTailBits;
  const auto first = starts_.begin() + roots_[root];
  const auto last = starts_.begin() + roots_[root + 1] + 1;
  const auto range = std::upper_bound(first + 1, last, cell) - starts_.begin() - 1;
  std::uint32_t answer = answers_[static_cast<std::size_t>(range)];
  if ((answer & kBoundary) != 0) answer = findInBoundary(boundaries_[answer & ~kBoundary], here);
  return answer == kNoFence ? std::nullopt : std::optional(answer);
}

std::uint32_t CellIndex::findInBoundary(const Boundary& cell, GeoPoint point) const noexcept {
  for (std::uint32_t i = 0; i < cell.part_count; ++i) {
    const Part& part = parts_[cell.first_part + i];
    bool inside = part.constant;
    for (std::uint32_t k = 0; k < part.edge_count; ++k) {
      inside ^= flips(edges_[part.first_edge + k], cell.meridian, point);
    }
    if (inside) return part.fence;
  }
  return cell.cover;
}

std::size_t CellIndex::bytes() const {
  return starts_.capacity() * sizeof(starts_[0]) + answers_.capacity() * sizeof(answers_[0]) +
         roots_.capacity() * sizeof(roots_[0]) + boundaries_.capacity() * sizeof(boundaries_[0]) +
         parts_.capacity() * sizeof(parts_[0]) + edges_.capacity() * sizeof(edges_[0]);
}

}  // namespace meridian::geo
