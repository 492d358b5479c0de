#include "geo/fence_check.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "geo/planar.h"

namespace meridian::geo {
namespace {

bool sweepsBefore(GeoPoint a, GeoPoint b) {
  return a.lon != b.lon ? a.lon < b.lon : a.lat < b.lat;
}

struct Segment {
  GeoPoint left, right;  // in the order of the sweep
  bool encloses_above = false;
  std::uint32_t ring = 0;
};

Segment segmentOf(const BorderEdge& edge, bool outer) {
  const bool forward = sweepsBefore(edge.from.point, edge.to.point);
  Segment out;
  out.left = forward ? edge.from.point : edge.to.point;
  out.right = forward ? edge.to.point : edge.from.point;
  out.encloses_above = forward == outer;
  out.ring = edge.ring;
  return out;
}

// Whether the closed segments share a point that is not an end of both, or a stretch.
enum class Meeting : std::uint8_t { kNone, kPoint, kStretch };
Meeting meetingOf(const Segment& s, const Segment& t) {
  const int t_left = orientation(s.left, s.right, t.left);
  const int t_right = orientation(s.left, s.right, t.right);
  if (t_left == 0 && t_right == 0) {
    const GeoPoint from = sweepsBefore(s.left, t.left) ? t.left : s.left;
    const GeoPoint to = sweepsBefore(s.right, t.right) ? s.right : t.right;
    return sweepsBefore(from, to) ? Meeting::kStretch : Meeting::kNone;
  }
  const int s_left = orientation(t.left, t.right, s.left);
  const int s_right = orientation(t.left, t.right, s.right);
  if (t_left * t_right > 0 || s_left * s_right > 0) return Meeting::kNone;
  const bool common_end =
      s.left == t.left || s.left == t.right || s.right == t.left || s.right == t.right;
  return common_end ? Meeting::kNone : Meeting::kPoint;
}

class Sweep {
 public:
  Sweep(const std::vector<BorderEdge>& edges, const std::vector<bool>& ring_is_outer)
      : edges_(edges), status_(Below{&segments_}), parents_(ring_is_outer.size()) {
    segments_.reserve(edges.size());
    for (const BorderEdge& edge : edges) {
      segments_.push_back(segmentOf(edge, ring_is_outer[edge.ring]));
    }
    where_.resize(edges.size(), status_.end());
    placed_.resize(ring_is_outer.size(), false);
  }

  RingSweepResult run() {
    RingSweepResult result;
    const std::vector<Event> events = sortedEvents();
    for (std::size_t i = 0; i < events.size() && !conflict_;) {
      std::size_t end = i;
      while (end < events.size() && events[end].at == events[i].at) ++end;
      for (std::size_t k = i; k < end && !conflict_; ++k) {
        events[k].opens ? open(events[k].segment) : close(events[k].segment);
      }
      if (!conflict_) placeRings(events, i, end);
      i = end;
    }
    result.conflict = conflict_;
    result.parents = std::move(parents_);
    return result;
  }

 private:
  // Order of the segments under the sweep line, from south to north.
  struct Below {
    const std::vector<Segment>* segments;
    bool operator()(std::uint32_t a, std::uint32_t b) const {
      if (a == b) return false;
      const Segment& s = (*segments)[a];
      const Segment& t = (*segments)[b];
      int side = 0;  // of the later one against the earlier one
      const bool s_first = !sweepsBefore(t.left, s.left);
      const Segment& early = s_first ? s : t;
      const Segment& late = s_first ? t : s;
      side = orientation(early.left, early.right, late.left);
      if (side == 0) side = orientation(early.left, early.right, late.right);
      if (side == 0) return a < b;  // one line: their neighbourhood is found a conflict
      return (side > 0) == s_first;
    }
  };
  using Status = std::set<std::uint32_t, Below>;

  struct Event {
    GeoPoint at;
    bool opens = false;
    std::uint32_t segment = 0;
  };

  std::vector<Event> sortedEvents() const {
    std::vector<Event> events;
    events.reserve(2 * segments_.size());
    for (std::uint32_t i = 0; i < segments_.size(); ++i) {
      events.push_back({segments_[i].left, true, i});
      events.push_back({segments_[i].right, false, i});
    }
    std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
      if (a.at != b.at) return sweepsBefore(a.at, b.at);
      return a.opens != b.opens ? b.opens : a.segment < b.segment;
    });
    return events;
  }

  void open(std::uint32_t segment) {
    const auto at = status_.insert(segment).first;
    where_[segment] = at;
    if (at != status_.begin()) check(*std::prev(at), segment);
    if (std::next(at) != status_.end()) check(segment, *std::next(at));
  }

  void close(std::uint32_t segment) {
    const auto next = status_.erase(where_[segment]);
    if (next != status_.end() && next != status_.begin()) check(*std::prev(next), *next);
  }

  void check(std::uint32_t a, std::uint32_t b) {
    if (conflict_) return;
    const Meeting meeting = meetingOf(segments_[a], segments_[b]);
    if (meeting == Meeting::kNone) return;
    conflict_ =
        EdgeConflict{edges_[std::min(a, b)], edges_[std::max(a, b)], meeting == Meeting::kStretch};
  }

  // At a ring's westernmost vertex, what lies below its edges there is what it lies in. Rings that
  // start in the same vertex are placed from south to north, so that each finds a placed one below.
  void placeRings(const std::vector<Event>& events, std::size_t begin, std::size_t end) {
    std::vector<std::uint32_t> opened;
    for (std::size_t k = begin; k < end; ++k) {
      if (events[k].opens && !placed_[segments_[events[k].segment].ring]) {
        opened.push_back(events[k].segment);
      }
    }
    std::sort(opened.begin(), opened.end(), Below{&segments_});
    for (const std::uint32_t segment : opened) placeRing(segment);
  }

  void placeRing(std::uint32_t segment) {
    const std::uint32_t ring = segments_[segment].ring;
    if (placed_[ring]) return;
    placed_[ring] = true;
    const auto at = where_[segment];
    if (at == status_.begin()) return;
    const Segment& below = segments_[*std::prev(at)];
    parents_[ring] = below.encloses_above ? std::optional(below.ring) : parents_[below.ring];
  }

  const std::vector<BorderEdge>& edges_;
  std::vector<Segment> segments_;
  Status status_;
  std::vector<Status::iterator> where_;  // by segment, while it is under the sweep line
  std::vector<std::optional<std::uint32_t>> parents_;
  std::vector<bool> placed_;
  std::optional<EdgeConflict> conflict_;
};

// One way out of a vertex.
struct Ray {
  GeoPoint to;
  std::uint32_t visit = 0;
};

// Whether ray a comes before ray b, counter-clockwise from due east.
bool turnsBefore(GeoPoint centre, GeoPoint a, GeoPoint b) {
  const auto isUpper = [&](GeoPoint to) {
    return to.lat > centre.lat || (to.lat == centre.lat && to.lon > centre.lon);
  };
  if (isUpper(a) != isUpper(b)) return isUpper(a);
  return orientation(centre, a, b) > 0;
}

// Passages that keep to their sides nest like brackets around the vertex. Returns two that do not.
std::optional<std::pair<std::uint32_t, std::uint32_t>> unnested(GeoPoint centre,
                                                                std::vector<Ray> rays) {
  std::sort(rays.begin(), rays.end(),
            [&](const Ray& a, const Ray& b) { return turnsBefore(centre, a.to, b.to); });
  std::vector<std::uint32_t> open;
  std::set<std::uint32_t> seen;
  for (const Ray& ray : rays) {
    if (seen.insert(ray.visit).second) {
      open.push_back(ray.visit);
    } else if (open.back() == ray.visit) {
      open.pop_back();
    } else {
      return std::pair{open.back(), ray.visit};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<EdgeConflict> crossingVisits(std::vector<VertexVisit> visits) {
  std::stable_sort(visits.begin(), visits.end(), [](const VertexVisit& a, const VertexVisit& b) {
    return sweepsBefore(a.at.point, b.at.point);
  });
  for (std::uint32_t begin = 0, end = 0; begin < visits.size(); begin = end) {
    std::vector<Ray> rays;
    for (end = begin; end < visits.size() && visits[end].at.point == visits[begin].at.point;
         ++end) {
      rays.push_back({visits[end].before.point, end});
      rays.push_back({visits[end].after.point, end});
    }
    if (end - begin < 2) continue;
    if (const auto crossing = unnested(visits[begin].at.point, std::move(rays))) {
      const VertexVisit& first = visits[std::min(crossing->first, crossing->second)];
      const VertexVisit& second = visits[std::max(crossing->first, crossing->second)];
      return EdgeConflict{
          {first.before, first.at, first.ring}, {second.before, second.at, second.ring}, false};
    }
  }
  return std::nullopt;
}

RingSweepResult sweepRings(const std::vector<BorderEdge>& edges,
                           const std::vector<bool>& ring_is_outer) {
  return Sweep(edges, ring_is_outer).run();
}

}  // namespace meridian::geo
