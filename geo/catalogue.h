// POI and city catalogues: id → point (docs/topology.md "Catalogues").
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "geo/location.h"

namespace meridian::geo {

enum class CatalogueKind : std::uint8_t { kPoi, kCity };

struct CatalogueSource {
  CatalogueKind kind = CatalogueKind::kPoi;
  std::filesystem::path path;
};

struct CatalogueEntry {
  std::string id;         // one DNS label, lower case: 1–63 of a-z 0-9 '-'
  GeoPoint point;         // WGS84; GCJ-02 is converted at load
  std::string partition;  // override; empty = by place
  SourcePlace place;
};

inline constexpr std::size_t kMaxCatalogueFileBytes = std::size_t{256} << 20;
inline constexpr std::size_t kMaxCatalogueLineBytes = 4096;

// In document order; the same id twice is an error.
Checked<std::vector<CatalogueEntry>> parseCatalogue(std::string_view text, const std::string& file);
Checked<std::vector<CatalogueEntry>> loadCatalogue(const std::filesystem::path& file);

}  // namespace meridian::geo
