// GCJ-02, the shifted datum of Chinese map services, to WGS84 (domain.md §4a "Datum").
#pragma once

#include "geo/location.h"

namespace meridian::geo {

// Forward shift by the usual public formula; outside mainland China's rectangle the two are equal.
GeoPoint wgs84ToGcj02(GeoPoint wgs);
// The inverse by fixed-point iteration; the round trip is within 1e-7 degrees.
GeoPoint gcj02ToWgs84(GeoPoint gcj);

}  // namespace meridian::geo
