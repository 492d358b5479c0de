#include "geo/fence_rings.h"

#include <GeographicLib/Geodesic.hpp>
#include <GeographicLib/GeodesicLine.hpp>
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "geo/border.h"
#include "geo/distance.h"
#include "geo/gcj02.h"
#include "geo/planar.h"

namespace meridian::geo {
namespace {

bool precedes(GeoPoint a, GeoPoint b) {
  return a.lon != b.lon ? a.lon < b.lon : a.lat < b.lat;
}

// The short way from a's meridian to b's, as the document means it (RFC 7946 §3.1.9).
double eastward(GeoPoint a, GeoPoint b) {
  const double step = b.lon - a.lon;
  if (step > 180.0) return step - 360.0;
  if (step < -180.0) return step + 360.0;
  return step;
}

// Points strictly between two vertices, always computed from the one that precedes: neighbours
// that run along the same edge in opposite directions must get the same points, bit for bit.
class EdgeSplitter {
 public:
  EdgeSplitter(GeoPoint from, GeoPoint to, EdgeModel model)
      : reversed_(precedes(to, from)),
        first_(reversed_ ? to : from),
        last_(reversed_ ? from : to),
        model_(model) {
    if (model == EdgeModel::kGeodesic) {
      line_.emplace(GeographicLib::Geodesic::WGS84().InverseLine(first_.lat, first_.lon, last_.lat,
                                                                 last_.lon));
    }
    const double metres = line_ ? line_->Distance() : geodesicMetres(first_, last_);
    // A straight line in lon/lat is at most the way along the parallel and the meridian.
    const double bound = line_
                             ? metres
                             : std::max(metres, geodesicMetres(first_, {last_.lat, first_.lon}) +
                                                    111'400.0 * std::fabs(eastward(first_, last_)));
    parts_ = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(bound / kMaxEdgeMetres)));
  }

  std::size_t inner() const { return parts_ - 1; }
  // The i-th point on the way, 1 <= i <= inner().
  GeoPoint at(std::size_t i) const {
    const std::size_t step = reversed_ ? parts_ - i : i;
    const double share = static_cast<double>(step) / static_cast<double>(parts_);
    if (model_ == EdgeModel::kPlanar) {
      double lon = first_.lon + share * eastward(first_, last_);
      if (lon > 180.0) lon -= 360.0;
      if (lon < -180.0) lon += 360.0;
      return {first_.lat + share * (last_.lat - first_.lat), lon};
    }
    GeoPoint point;
    line_->Position(share * line_->Distance(), point.lat, point.lon);
    return point;
  }

 private:
  bool reversed_;
  GeoPoint first_, last_;
  EdgeModel model_;
  std::optional<GeographicLib::GeodesicLine> line_;
  std::size_t parts_ = 1;
};

void append(SourceRing& ring, GeoPoint point, const RingVertex& source, Crs crs) {
  if (crs == Crs::kGcj02) point = gcj02ToWgs84(point);
  point = {flushTiny(point.lat), flushTiny(point.lon)};
  if (!ring.empty() && ring.back().point == point) return;
  ring.push_back({point, source.line, source.column});
}

// Reverses the ring; each vertex takes the document's place of the edge that now leaves it.
void turnRound(SourceRing& ring) {
  std::reverse(ring.begin(), ring.end());
  const RingVertex first = ring.front();
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const RingVertex& next = i + 1 == ring.size() ? first : ring[i + 1];
    ring[i].line = next.line;
    ring[i].column = next.column;
  }
}

// The longitude turns of each vertex, so that lon + 360 * frame runs on without a jump.
tl::expected<std::vector<int>, RingProblem> unroll(const SourceRing& ring) {
  std::vector<int> frames(ring.size(), 0);
  double west = ring[0].point.lon;
  double east = west;
  int frame = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const RingVertex& from = ring[i];
    const RingVertex& to = ring[(i + 1) % ring.size()];
    const double step = to.point.lon - from.point.lon;
    if (std::fabs(step) == 360.0) {
      return tl::unexpected(RingProblem{
          from, "runs from longitude 180 to -180: cut the polygon so that no edge does"});
    }
    if (step < -180.0) ++frame;
    if (step > 180.0) --frame;
    if (i + 1 == ring.size()) break;
    frames[i + 1] = frame;
    west = std::min(west, to.point.lon + 360.0 * frame);
    east = std::max(east, to.point.lon + 360.0 * frame);
  }
  if (frame != 0) return tl::unexpected(RingProblem{ring[0], "goes around a pole"});
  if (east - west >= 360.0 && *std::max_element(frames.begin(), frames.end()) !=
                                  *std::min_element(frames.begin(), frames.end())) {
    return tl::unexpected(RingProblem{ring[0], "goes around the world and over itself"});
  }
  return frames;
}

// Where an edge between two frames meets the antimeridian, computed from its eastern-hemisphere
// end whatever its direction.
double crossingLatitude(GeoPoint a, GeoPoint b) {
  const GeoPoint before = a.lon > b.lon ? a : b;  // lon > 0: just west of the antimeridian
  const GeoPoint behind = a.lon > b.lon ? b : a;
  const double whole = (behind.lon + 360.0) - before.lon;
  const double lat = before.lat + (behind.lat - before.lat) * ((180.0 - before.lon) / whole);
  return std::clamp(lat, std::min(a.lat, b.lat), std::max(a.lat, b.lat));
}

bool onRim(GeoPoint point) {
  return std::fabs(point.lon) == 180.0;
}

// Leaves out what runs along the antimeridian itself; false when nothing else is there.
bool trimmed(std::vector<RingVertex>& chain) {
  const auto inner = [](const RingVertex& vertex) { return !onRim(vertex.point); };
  const auto first = std::find_if(chain.begin(), chain.end(), inner);
  if (first == chain.end()) return false;
  const auto last = std::find_if(chain.rbegin(), chain.rend(), inner).base();  // behind it
  chain.erase(last + 1, chain.end());
  chain.erase(chain.begin(), first - 1);
  return true;
}

std::vector<RingChain> chainsOf(const SourceRing& ring, const std::vector<int>& frames) {
  const std::size_t size = ring.size();
  const auto crosses = [&](std::size_t i) { return frames[i] != frames[(i + 1) % size]; };
  std::size_t first = 0;
  while (first < size && !crosses(first)) ++first;
  if (first == size) return {{ring, true}};
  std::vector<RingChain> chains;
  std::vector<RingVertex> chain;
  for (std::size_t step = 0; step <= size; ++step) {
    const std::size_t i = (first + step) % size;
    if (step > 0) chain.push_back(ring[i]);
    if (!crosses(i)) continue;
    const std::size_t next = (i + 1) % size;
    const double lat = flushTiny(crossingLatitude(ring[i].point, ring[next].point));
    const double rim = frames[next] > frames[i] ? 180.0 : -180.0;
    RingVertex crossing = ring[i];
    crossing.point = {lat, rim};
    if (step > 0) {
      chain.push_back(crossing);
      if (trimmed(chain)) chains.push_back({std::move(chain), false});
    }
    crossing.point.lon = -rim;
    chain.assign(1, crossing);
  }
  return chains;
}

// Twice the signed area in square degrees, by the unrolled ring.
double signedArea(const SourceRing& ring, const std::vector<int>& frames) {
  double sum = 0;
  const auto lonOf = [&](std::size_t i) {
    return ring[i].point.lon + 360.0 * frames[i] - ring[0].point.lon;
  };
  const double base = ring[0].point.lat;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const std::size_t next = (i + 1) % ring.size();
    sum += lonOf(i) * (ring[next].point.lat - base) - lonOf(next) * (ring[i].point.lat - base);
  }
  return sum;
}

// Whether the point lies in a ring, by the rule of geo/planar.h.
bool ringContains(const Ring& ring, GeoPoint point) {
  bool inside = false;
  forEachEdge(ring, [&](GeoPoint a, GeoPoint b) {
    if (crossesEastOf(edgeBetween(a, b), point)) inside = !inside;
  });
  return inside;
}

Ring ringOf(const std::vector<RingVertex>& vertices) {
  Ring ring;
  ring.points.reserve(vertices.size());
  for (const RingVertex& vertex : vertices) ring.points.push_back(vertex.point);
  return ring;
}

// For the end of each open chain the chain that goes on from there. On either side of the
// antimeridian the interior lies between the first and the second end from the south, the third
// and the fourth, and so on.
tl::expected<std::vector<std::size_t>, RingProblem> successors(
    const std::vector<const RingChain*>& open) {
  struct End {
    RingVertex vertex;
    std::size_t chain = 0;
    bool starts = false;
  };
  std::vector<End> ends;
  for (std::size_t i = 0; i < open.size(); ++i) {
    ends.push_back({open[i]->vertices.front(), i, true});
    ends.push_back({open[i]->vertices.back(), i, false});
  }
  std::sort(ends.begin(), ends.end(),
            [](const End& a, const End& b) { return precedes(a.vertex.point, b.vertex.point); });
  std::vector<std::size_t> next(open.size(), 0);
  for (std::size_t i = 0; i < ends.size(); i += 2) {
    const End& south = ends[i];
    const End& north = ends[i + 1];
    if (south.starts == north.starts || south.vertex.point.lon != north.vertex.point.lon) {
      return tl::unexpected(
          RingProblem{south.vertex, "touches itself on the antimeridian: cut the polygon there"});
    }
    next[south.starts ? north.chain : south.chain] = south.starts ? south.chain : north.chain;
  }
  return next;
}

}  // namespace

tl::expected<SourceRing, RingProblem> densified(const SourceRing& ring, const FenceSource& source,
                                                std::size_t& budget) {
  const bool split = source.edge_model == EdgeModel::kGeodesic || source.crs == Crs::kGcj02;
  SourceRing out;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const RingVertex& from = ring[i];
    const RingVertex& to = ring[(i + 1) % ring.size()];
    append(out, from.point, from, source.crs);
    std::size_t inner = 0;
    if (split) {
      if (source.edge_model == EdgeModel::kGeodesic &&
          std::fabs(eastward(from.point, to.point)) == 180.0) {
        return tl::unexpected(RingProblem{from, "is a geodesic over a pole"});
      }
      const EdgeSplitter splitter(from.point, to.point, source.edge_model);
      inner = splitter.inner();
      if (inner + 1 <= budget) {
        for (std::size_t k = 1; k <= inner; ++k) append(out, splitter.at(k), from, source.crs);
      }
    }
    if (inner + 1 > budget) {
      return tl::unexpected(RingProblem{from, "makes the file's fences too large"});
    }
    budget -= inner + 1;
  }
  while (out.size() > 1 && out.front().point == out.back().point) out.pop_back();
  return out;
}

tl::expected<PreparedRing, RingProblem> cutAtAntimeridian(SourceRing ring, bool outer) {
  auto frames = unroll(ring);
  if (!frames) return tl::unexpected(frames.error());
  // 0 only for rings that meet themselves, which are found out later.
  if ((signedArea(ring, *frames) > 0) != outer) {
    turnRound(ring);
    std::reverse(frames->begin(), frames->end());
  }
  PreparedRing out{chainsOf(ring, *frames)};
  if (out.chains.empty()) return tl::unexpected(RingProblem{ring[0], "encloses no area"});
  return out;
}

tl::expected<std::vector<Polygon>, RingProblem> closePolygons(
    const std::vector<PreparedRing>& rings) {
  std::vector<Polygon> polygons;
  std::vector<Ring> holes;
  std::vector<const RingChain*> open;
  for (std::size_t i = 0; i < rings.size(); ++i) {
    for (const RingChain& chain : rings[i].chains) {
      if (!chain.closed) {
        open.push_back(&chain);
      } else if (i == 0) {
        polygons.push_back({ringOf(chain.vertices), {}});
      } else {
        holes.push_back(ringOf(chain.vertices));
      }
    }
  }
  const auto next = successors(open);
  if (!next) return tl::unexpected(next.error());
  std::vector<bool> used(open.size(), false);
  for (std::size_t start = 0; start < open.size(); ++start) {
    if (used[start]) continue;
    Polygon polygon;
    for (std::size_t i = start; !used[i]; i = (*next)[i]) {
      used[i] = true;
      const Ring part = ringOf(open[i]->vertices);
      polygon.outer.points.insert(polygon.outer.points.end(), part.points.begin(),
                                  part.points.end());
    }
    polygons.push_back(std::move(polygon));
  }
  for (Ring& hole : holes) {
    const auto owner = std::find_if(polygons.begin(), polygons.end(), [&](const Polygon& polygon) {
      return ringContains(polygon.outer, hole.points.front());
    });
    (owner == polygons.end() ? polygons.front() : *owner).holes.push_back(std::move(hole));
  }
  return polygons;
}

}  // namespace meridian::geo
