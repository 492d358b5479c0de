// Geofences: polygons read from GeoJSON (RFC 7946), checked, and ready for the cell index.
//
// Every ring is closed, simple and free of the poles; parts that cross the antimeridian are split
// at ±180°; GCJ-02 coordinates are converted to WGS84; geodesic edges are densified to
// kMaxEdgeMetres. After that one planar test in lon/lat serves every fence (RFC 7946 §3.1.1: edges
// are straight in lon/lat).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "geo/location.h"

namespace meridian::geo {

enum class Crs : std::uint8_t { kWgs84, kGcj02 };
enum class EdgeModel : std::uint8_t { kPlanar, kGeodesic };

struct FenceSource {
  std::string id;  // the name before the slash in "us-states/tx"
  std::filesystem::path path;
  std::string id_property;  // empty: the feature's member "id"
  Crs crs = Crs::kWgs84;
  EdgeModel edge_model = EdgeModel::kPlanar;
};

struct Ring {
  std::vector<GeoPoint> points;  // closed implicitly: the first point is not repeated
};
struct Polygon {
  Ring outer;
  std::vector<Ring> holes;
};
struct Fence {
  std::string id;  // "us-states/tx"
  std::vector<Polygon> polygons;
  SourcePlace place;
};

inline constexpr double kMaxEdgeMetres = 10'000;
inline constexpr std::size_t kMaxFenceFileBytes = std::size_t{64} << 20;

// All fences of one text / file, or everything that is wrong with it: syntax, types, ranges, a ring
// that crosses itself (with both edges named), rings that cross each other within a fence, too few
// points, duplicate ids.
Checked<std::vector<Fence>> parseFences(std::string_view text, const FenceSource& source);
Checked<std::vector<Fence>> loadFences(const FenceSource& source);

// Whether the point lies in the fence, by the half-open crossing rule on exact edges: a point on a
// border that two fences share bit for bit lies in exactly one of them. The slow, plain form;
// CellIndex is the fast one.
bool contains(const Fence& fence, GeoPoint point);

// Geodesic metres from the point to the nearest border of the fence; 0 inside.
double distanceMetres(const Fence& fence, GeoPoint point);

// Area that two fences of one placement have in common beyond their borders is an error. Fences
// that share a border bit for bit have none; the tolerance is for borders whose vertices were
// rounded.
inline constexpr double kOverlapToleranceM2 = 1;
struct FenceOverlap {
  std::size_t first = 0;
  std::size_t second = 0;  // > first
  double area_m2 = 0;      // within a percent
  GeoPoint example;        // a point in both
};
// The pairs that overlap by more than the tolerance, found by the cell grid; with very many the
// first thousand or so.
std::vector<FenceOverlap> findOverlaps(const std::vector<const Fence*>& fences);

}  // namespace meridian::geo
