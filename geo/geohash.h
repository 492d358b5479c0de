// Geohash labels: 1–12 characters of base 32, either case (after Niemeyer 2008; encoding by
// GeographicLib's rules).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "geo/location.h"

namespace meridian::geo {

inline constexpr std::size_t kMaxGeohash = 12;

// The cell's centre; nullopt when the text is no geohash of 1 to 12 characters. No allocation, no
// exception.
std::optional<GeoPoint> geohashCentre(std::string_view text) noexcept;
// REQUIRES: point in range, 1 <= length <= kMaxGeohash.
std::string geohashOf(GeoPoint point, std::size_t length);

}  // namespace meridian::geo
