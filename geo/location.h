// Where a client is, as far as the evidence says. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace meridian::geo {

inline constexpr double kRadiansPerDegree = 3.14159265358979323846 / 180.0;

// WGS84 degrees. lat in [-90, 90], lon in [-180, 180].
struct GeoPoint {
  double lat = 0;
  double lon = 0;
  friend bool operator==(const GeoPoint&, const GeoPoint&) = default;
};

struct Location {
  std::optional<GeoPoint> point;
  std::string country;      // ISO 3166-1 alpha-2, upper case; empty = unknown
  std::string subdivision;  // as the database names it, e.g. "Texas"
  std::string city;
  std::uint32_t asn = 0;  // 0 = unknown
  friend bool operator==(const Location&, const Location&) = default;
};

}  // namespace meridian::geo
