#include "geo/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/config_reader.h"
#include "base/file.h"
#include "geo/gcj02.h"

namespace meridian::geo {
namespace {

bool isLabel(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<CatalogueEntry> readEntry(const ConfigNode& node, const std::string& file,
                                        Diagnostics& problems) {
  const std::size_t before = problems.size();
  ObjectReader in(node, "", file, problems);
  CatalogueEntry out;
  out.id = in.string("id", {.required = true});
  if (in.has("id") && !isLabel(out.id)) {
    in.error("id", "is no lower-case DNS label: 1 to 63 of a-z, 0-9 and '-'");
  }
  out.point.lat = in.number("lat", {.required = true, .min = -90, .max = 90});
  out.point.lon = in.number("lon", {.required = true, .min = -180, .max = 180});
  const std::string crs = in.string("crs", {.fallback = "WGS84", .one_of = {"WGS84", "GCJ02"}});
  if (in.has("partition")) out.partition = in.string("partition", {.id = true});
  in.finish();
  if (problems.size() != before) return std::nullopt;
  if (crs == "GCJ02") out.point = gcj02ToWgs84(out.point);
  return out;
}

std::optional<CatalogueEntry> readLine(std::string_view line, const SourcePlace& place,
                                       Diagnostics& problems) {
  if (line.size() > kMaxCatalogueLineBytes) {
    problems.add(place, "", line, fmt::format("is longer than {} bytes", kMaxCatalogueLineBytes));
    return std::nullopt;
  }
  const auto node = parseJson(line, place.file);
  Diagnostics found;
  std::optional<CatalogueEntry> out;
  if (node) {
    out = readEntry(*node, place.file, found);
  } else {
    found = node.error();
  }
  // The parser counts lines from the start of the text it was given: this line.
  for (const Diagnostic& entry : found.entries()) {
    problems.add({place.file, place.line, entry.place.column}, entry.field, entry.value,
                 entry.reason);
  }
  if (out) out->place = {place.file, place.line, node->column};
  return out;
}

}  // namespace

Checked<std::vector<CatalogueEntry>> parseCatalogue(std::string_view text,
                                                    const std::string& file) {
  std::vector<CatalogueEntry> out;
  Diagnostics problems;
  std::unordered_map<std::string, std::uint32_t> lines;  // by id
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto entry = readLine(line, {file, number, 0}, problems);
    if (!entry) continue;
    const auto [first, fresh] = lines.try_emplace(entry->id, number);
    if (fresh) {
      out.push_back(std::move(*entry));
    } else {
      problems.add(entry->place, "id", entry->id,
                   fmt::format("stands already in line {}", first->second));
    }
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return out;
}

Checked<std::vector<CatalogueEntry>> loadCatalogue(const std::filesystem::path& file) {
  const auto text = readFile(file, kMaxCatalogueFileBytes);
  if (!text) {
    Diagnostics problems;
    problems.add({}, "", "", text.error().message);  // names the file
    return tl::unexpected(std::move(problems));
  }
  return parseCatalogue(*text, file.string());
}

}  // namespace meridian::geo
