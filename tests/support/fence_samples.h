// Fences for tests: GeoJSON texts, and subdivisions of the plane whose cells share borders bit for
// bit.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geo/fence.h"

namespace meridian::test {

// One feature on each line; the first stands on line 2.
inline std::string featureCollection(
    const std::vector<std::pair<std::string, std::string>>& geometries) {
  std::string text = "{\"type\":\"FeatureCollection\",\"features\":[\n";
  for (std::size_t i = 0; i < geometries.size(); ++i) {
    text += fmt::format(R"({{"type":"Feature","id":"{}","properties":{{}},"geometry":{}}})",
                        geometries[i].first, geometries[i].second);
    text += i + 1 < geometries.size() ? ",\n" : "\n";
  }
  return text + "]}\n";
}
inline std::string polygonText(std::string_view rings) {
  return fmt::format(R"({{"type":"Polygon","coordinates":[{}]}})", rings);
}
inline std::string boxText(double west, double south, double east, double north) {
  return polygonText(
      fmt::format("[[{0},{1}],[{2},{1}],[{2},{3}],[{0},{3}],[{0},{1}]]", west, south, east, north));
}

inline geo::FenceSource fenceSource(geo::EdgeModel model = geo::EdgeModel::kPlanar) {
  return {"test", "fences.json", "", geo::Crs::kWgs84, model};
}

// rows × columns quadrilaterals over [-10, 10]²; inner vertices are moved at random.
inline std::vector<geo::Fence> shakenGrid(int rows, int columns, double shake,
                                          std::mt19937_64& random) {
  std::uniform_real_distribution<double> move(-shake, shake);
  std::vector<std::vector<geo::GeoPoint>> corners;
  for (int r = 0; r <= rows; ++r) {
    corners.emplace_back();
    for (int c = 0; c <= columns; ++c) {
      const bool inner = r > 0 && r < rows && c > 0 && c < columns;
      corners.back().push_back({-10 + (r + (inner ? move(random) : 0)) * 20 / rows,
                                -10 + (c + (inner ? move(random) : 0)) * 20 / columns});
    }
  }
  std::vector<geo::Fence> fences;
  for (std::size_t r = 0; r + 1 < corners.size(); ++r) {
    for (std::size_t c = 0; c + 1 < corners[r].size(); ++c) {
      geo::Ring ring{{corners[r][c], corners[r][c + 1], corners[r + 1][c + 1], corners[r + 1][c]}};
      if ((r + c) % 2 == 1) std::swap(ring.points[1], ring.points[3]);  // the other direction
      fences.push_back({fmt::format("test/{}-{}", r, c), {{std::move(ring), {}}}, {}});
    }
  }
  return fences;
}

inline std::vector<const geo::Fence*> pointersTo(const std::vector<geo::Fence>& fences) {
  std::vector<const geo::Fence*> pointers;
  for (const geo::Fence& fence : fences) pointers.push_back(&fence);
  return pointers;
}

// Where a rule is easily wrong: vertices, places on edges, and all of these one bit beside.
inline std::vector<geo::GeoPoint> delicatePoints(const std::vector<geo::Fence>& fences) {
  std::vector<geo::GeoPoint> points;
  const auto add = [&](geo::GeoPoint p) {
    for (const int dy : {-1, 0, 1}) {
      for (const int dx : {-1, 0, 1}) {
        points.push_back({dy == 0 ? p.lat : std::nextafter(p.lat, dy * 1000.0),
                          dx == 0 ? p.lon : std::nextafter(p.lon, dx * 1000.0)});
      }
    }
  };
  for (const geo::Fence& fence : fences) {
    for (const geo::Polygon& polygon : fence.polygons) {
      const auto& ring = polygon.outer.points;
      for (std::size_t i = 0; i < ring.size(); ++i) {
        const geo::GeoPoint& a = ring[i];
        const geo::GeoPoint& b = ring[(i + 1) % ring.size()];
        add(a);
        for (const double t : {0.5, 0.25, 0.71}) {
          add({a.lat + t * (b.lat - a.lat), a.lon + t * (b.lon - a.lon)});
        }
      }
    }
  }
  return points;
}

}  // namespace meridian::test
