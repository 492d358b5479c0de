#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>

#include "base/config_node.h"
#include "base/file.h"
#include "geo/fence.h"
#include "geo/fence_check.h"
#include "geo/fence_rings.h"
#include "geo/planar.h"

namespace meridian::geo {
namespace {

constexpr std::size_t kMaxFences = 65'536;
constexpr std::size_t kMaxIdBytes = 128;

std::optional<double> numberOf(const ConfigNode& node) {
  if (const auto* whole = std::get_if<std::int64_t>(&node.value)) {
    return static_cast<double>(*whole);
  }
  if (const auto* real = std::get_if<double>(&node.value)) return *real;
  return std::nullopt;
}

// A polygon as the document has it; ring 0 is the outer one.
struct SourcePolygon {
  std::vector<SourceRing> rings;
};

// Reads one document into fences; goes on after an error, fence by fence and ring by ring.
class FenceReader {
 public:
  FenceReader(const FenceSource& source, const std::string& file) : source_(source), file_(file) {}

  Checked<std::vector<Fence>> read(const ConfigNode& root) {
    const ConfigNode* features = collection(root);
    if (features != nullptr) {
      const auto& elements = std::get<ConfigNode::Array>(features->value);
      for (std::size_t i = 0; i < elements.size(); ++i) {
        feature(elements[i], fmt::format("features[{}]", i));
      }
    }
    if (!problems_.empty()) return tl::unexpected(problems_);
    return std::move(fences_);
  }

 private:
  void error(const ConfigNode& at, const std::string& field, std::string reason) {
    problems_.add({file_, at.line, at.column}, field, at.shownValue(), std::move(reason));
  }
  void error(const RingVertex& at, const std::string& field, std::string reason) {
    problems_.add({file_, at.line, at.column}, field, shown(at.point), std::move(reason));
  }
  static std::string shown(GeoPoint point) { return fmt::format("[{},{}]", point.lon, point.lat); }
  std::string edgeText(const BorderEdge& edge) const {
    return fmt::format("{}–{} ({})", shown(edge.from.point), shown(edge.to.point),
                       SourcePlace{file_, edge.from.line, edge.from.column}.text());
  }

  bool hasType(const ConfigNode& node, const std::string& field, std::string_view wanted) {
    const ConfigNode* type = node.find("type");
    const auto* name = type == nullptr ? nullptr : std::get_if<std::string>(&type->value);
    if (name != nullptr && *name == wanted) return true;
    error(type == nullptr ? node : *type, field.empty() ? "type" : field + ".type",
          fmt::format("must be \"{}\"", wanted));
    return false;
  }

  const ConfigNode* collection(const ConfigNode& root) {
    if (!hasType(root, "", "FeatureCollection")) return nullptr;
    // RFC 7946 §4 took "crs" out; a file that still names another datum must not be misread.
    if (const ConfigNode* crs = root.find("crs")) checkCrs(*crs);
    const ConfigNode* features = root.find("features");
    const auto* elements =
        features == nullptr ? nullptr : std::get_if<ConfigNode::Array>(&features->value);
    if (elements == nullptr) {
      error(features == nullptr ? root : *features, "features", "must be an array");
      return nullptr;
    }
    if (elements->size() > kMaxFences) {
      error(*features, "features", fmt::format("has more than {} elements", kMaxFences));
      return nullptr;
    }
    return features;
  }

  void checkCrs(const ConfigNode& crs) {
    const ConfigNode* properties = crs.find("properties");
    const ConfigNode* name = properties == nullptr ? nullptr : properties->find("name");
    const auto* text = name == nullptr ? nullptr : std::get_if<std::string>(&name->value);
    if (text != nullptr && (*text == "urn:ogc:def:crs:OGC:1.3:CRS84" || *text == "EPSG:4326")) {
      return;
    }
    error(name == nullptr ? crs : *name, "crs",
          "only WGS84 longitudes and latitudes are read (RFC 7946 §4)");
  }

  void feature(const ConfigNode& node, const std::string& path) {
    if (!hasType(node, path, "Feature")) return;
    const std::optional<std::string> id = idOf(node, path);
    const ConfigNode* geometry = node.find("geometry");
    const ConfigNode* type = geometry == nullptr ? nullptr : geometry->find("type");
    const auto* kind = type == nullptr ? nullptr : std::get_if<std::string>(&type->value);
    const std::string field = path + ".geometry";
    if (kind == nullptr || (*kind != "Polygon" && *kind != "MultiPolygon")) {
      error(type == nullptr ? node : *type, field, "must be a Polygon or a MultiPolygon");
      return;
    }
    const std::size_t problems_before = problems_.size();
    const std::vector<SourcePolygon> polygons =
        polygonsOf(*geometry, field + ".coordinates", *kind == "MultiPolygon");
    if (!id || problems_.size() != problems_before) return;
    Fence fence{source_.id + "/" + *id, {}, {file_, node.line, node.column}};
    if (assemble(polygons, field, fence)) fences_.push_back(std::move(fence));
  }

  std::optional<std::string> idOf(const ConfigNode& node, const std::string& path) {
    const ConfigNode* holder = source_.id_property.empty() ? &node : node.find("properties");
    const std::string key = source_.id_property.empty() ? "id" : source_.id_property;
    const std::string field =
        source_.id_property.empty() ? path + ".id" : path + ".properties." + key;
    const ConfigNode* id = holder == nullptr ? nullptr : holder->find(key);
    const bool usable = id != nullptr && (std::holds_alternative<std::string>(id->value) ||
                                          std::holds_alternative<std::int64_t>(id->value));
    if (!usable) {
      error(id == nullptr ? node : *id, field, "must be a string or a whole number");
      return std::nullopt;
    }
    std::string text = id->shownValue();
    if (text.empty() || text.size() > kMaxIdBytes) {
      error(*id, field, fmt::format("must have 1 to {} bytes", kMaxIdBytes));
      return std::nullopt;
    }
    const auto [first, fresh] = ids_.emplace(text, id->line);
    if (!fresh) {
      error(*id, field, fmt::format("stands already in line {}", first->second));
      return std::nullopt;
    }
    return text;
  }

  const ConfigNode::Array* arrayAt(const ConfigNode* node, const ConfigNode& parent,
                                   const std::string& field) {
    const auto* elements = node == nullptr ? nullptr : std::get_if<ConfigNode::Array>(&node->value);
    if (elements == nullptr || elements->empty()) {
      error(node == nullptr ? parent : *node, field, "must be an array that is not empty");
      return nullptr;
    }
    return elements;
  }

  std::vector<SourcePolygon> polygonsOf(const ConfigNode& geometry, const std::string& path,
                                        bool multi) {
    std::vector<SourcePolygon> out;
    const ConfigNode* coordinates = geometry.find("coordinates");
    if (!multi) {
      out.push_back(polygon(coordinates, geometry, path));
      return out;
    }
    const auto* elements = arrayAt(coordinates, geometry, path);
    if (elements == nullptr) return out;
    for (std::size_t i = 0; i < elements->size(); ++i) {
      out.push_back(polygon(&(*elements)[i], geometry, fmt::format("{}[{}]", path, i)));
    }
    return out;
  }

  SourcePolygon polygon(const ConfigNode* node, const ConfigNode& parent, const std::string& path) {
    SourcePolygon out;
    const auto* rings = arrayAt(node, parent, path);
    if (rings == nullptr) return out;
    for (std::size_t i = 0; i < rings->size(); ++i) {
      out.rings.push_back(ring((*rings)[i], fmt::format("{}[{}]", path, i)));
    }
    return out;
  }

  SourceRing ring(const ConfigNode& node, const std::string& path) {
    SourceRing out;
    const auto* positions = std::get_if<ConfigNode::Array>(&node.value);
    if (positions == nullptr || positions->size() < 4) {
      error(node, path, "must be an array of at least four positions");
      return out;
    }
    for (std::size_t i = 0; i < positions->size(); ++i) {
      const ConfigNode& element = (*positions)[i];
      const std::optional<GeoPoint> point = position(element, path, i);
      if (!point) return out;
      if (i + 1 == positions->size()) {
        if (*point != first_of_ring_) {
          error(element, fmt::format("{}[{}]", path, i),
                "must equal the ring's first position (RFC 7946 §3.1.6)");
        }
        break;
      }
      if (i == 0) first_of_ring_ = *point;
      if (!out.empty() && out.back().point == *point) continue;
      out.push_back({*point, element.line, element.column});
    }
    while (out.size() > 1 && out.front().point == out.back().point) out.pop_back();
    if (out.size() < 3) error(node, path, "has fewer than three different positions in a row");
    return out;
  }

  std::optional<GeoPoint> position(const ConfigNode& node, const std::string& path,
                                   std::size_t index) {
    const auto* numbers = std::get_if<ConfigNode::Array>(&node.value);
    std::optional<double> lon;
    std::optional<double> lat;
    if (numbers != nullptr && numbers->size() >= 2) {
      lon = numberOf((*numbers)[0]);
      lat = numberOf((*numbers)[1]);
    }
    std::string reason;
    if (!lon || !lat) {
      reason = "must be an array of longitude and latitude";
    } else if (!(std::fabs(*lon) <= 180)) {
      reason = fmt::format("longitude {} is not within -180 and 180", *lon);
    } else if (!(std::fabs(*lat) < 90)) {
      reason = fmt::format("latitude {} is not between the poles", *lat);
    }
    if (!reason.empty()) {
      error(node, fmt::format("{}[{}]", path, index), std::move(reason));
      return std::nullopt;
    }
    return GeoPoint{flushTiny(*lat), flushTiny(*lon)};
  }

  // Rings → polygons of the fence; false when something is wrong with them.
  bool assemble(const std::vector<SourcePolygon>& polygons, const std::string& field,
                Fence& fence) {
    Border border;
    std::vector<std::vector<PreparedRing>> prepared(polygons.size());
    bool good = true;
    for (std::size_t p = 0; p < polygons.size(); ++p) {
      for (std::size_t r = 0; r < polygons[p].rings.size(); ++r) {
        auto ring = prepare(polygons[p].rings[r], r == 0);
        if (!ring) {
          error(ring.error().at, field, ring.error().reason);
          good = false;
          continue;
        }
        border.add(*ring, r == 0);
        prepared[p].push_back(std::move(*ring));
      }
    }
    if (!good || !bordersFit(border, field)) return false;
    for (const std::vector<PreparedRing>& rings : prepared) {
      auto closed = closePolygons(rings);
      if (!closed) {
        error(closed.error().at, field, closed.error().reason);
        return false;
      }
      std::move(closed->begin(), closed->end(), std::back_inserter(fence.polygons));
    }
    return true;
  }

  tl::expected<PreparedRing, RingProblem> prepare(const SourceRing& ring, bool outer) {
    auto fine = densified(ring, source_, budget_);
    if (!fine) return tl::unexpected(fine.error());
    if (fine->size() < 3) return tl::unexpected(RingProblem{ring[0], "encloses no area"});
    return cutAtAntimeridian(std::move(*fine), outer);
  }

  // All border edges of one fence, numbered by source ring.
  struct Border {
    std::vector<BorderEdge> edges;
    std::vector<VertexVisit> visits;
    std::vector<bool> ring_is_outer;
    std::vector<std::uint32_t> outer_of;  // by ring: its polygon's outer ring
    std::vector<RingVertex> first;        // by ring

    void add(const PreparedRing& ring, bool outer) {
      const auto number = static_cast<std::uint32_t>(ring_is_outer.size());
      ring_is_outer.push_back(outer);
      outer_of.push_back(outer || outer_of.empty() ? number : outer_of.back());
      first.push_back(ring.chains.front().vertices.front());
      for (const RingChain& chain : ring.chains) addChain(chain, number);
    }

    void addChain(const RingChain& chain, std::uint32_t number) {
      const std::vector<RingVertex>& vertices = chain.vertices;
      const std::size_t size = vertices.size();
      for (std::size_t i = 0; i + 1 < size || (chain.closed && i < size); ++i) {
        edges.push_back({vertices[i], vertices[(i + 1) % size], number});
        if (i + 2 >= size && !chain.closed) continue;  // an open chain's end is passed by none
        visits.push_back({vertices[i], vertices[(i + 1) % size], vertices[(i + 2) % size], number});
      }
    }
  };

  bool bordersFit(const Border& border, const std::string& field) {
    const RingSweepResult swept = sweepRings(border.edges, border.ring_is_outer);
    const auto conflict = swept.conflict ? swept.conflict : crossingVisits(border.visits);
    if (conflict) {
      error(conflict->first.from, field,
            fmt::format("the edge {} {} the edge {}", edgeText(conflict->first),
                        conflict->overlap ? "overlaps" : "crosses", edgeText(conflict->second)));
      return false;
    }
    bool good = true;
    for (std::uint32_t ring = 0; ring < border.first.size(); ++ring) {
      const std::optional<std::uint32_t> parent = swept.parents[ring];
      if (border.ring_is_outer[ring]) {
        if (!parent || !border.ring_is_outer[*parent]) continue;
        error(border.first[ring], field, "this polygon lies inside another one of the same fence");
      } else {
        if (parent == border.outer_of[ring]) continue;
        error(border.first[ring], field, "this hole does not lie in its polygon");
      }
      good = false;
    }
    return good;
  }

  const FenceSource& source_;
  std::string file_;
  Diagnostics problems_;
  std::map<std::string, std::uint32_t, std::less<>> ids_;  // id → line
  GeoPoint first_of_ring_;
  std::size_t budget_ = kMaxFenceVertices;
  std::vector<Fence> fences_;
};

}  // namespace

Checked<std::vector<Fence>> parseFences(std::string_view text, const FenceSource& source) {
  const std::string file = source.path.string();
  auto root = parseJson(text, file);
  if (!root) return tl::unexpected(root.error());
  return FenceReader(source, file).read(*root);
}

Checked<std::vector<Fence>> loadFences(const FenceSource& source) {
  const auto text = readFile(source.path, kMaxFenceFileBytes);
  if (!text) {
    Diagnostics problems;
    problems.add({}, "", "", text.error().message);  // names the file
    return tl::unexpected(problems);
  }
  return parseFences(*text, source);
}

}  // namespace meridian::geo
