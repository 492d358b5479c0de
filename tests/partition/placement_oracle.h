// The oracle of placement_oracle_test: libmaxminddb, a linear search of the overrides, plain
// polygons and brute-force geodesics. Shares nothing with the code it judges but the fences'
// vertices, the topology and the overrides' text.
#pragma once

#include <arpa/inet.h>
#include <maxminddb.h>
#include <netinet/in.h>

#include <GeographicLib/Geodesic.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "geo/fence.h"
#include "geo/location.h"
#include "geo/network_list.h"
#include "partition/model.h"

namespace meridian::test {

inline double oracleMetres(geo::GeoPoint a, geo::GeoPoint b) {
  double metres = 0;
  GeographicLib::Geodesic::WGS84().Inverse(a.lat, a.lon, b.lat, b.lon, metres);
  return metres;
}

// One MMDB file of the flat schema, by libmaxminddb alone.
class OracleDatabase {
 public:
  struct Found {
    MMDB_entry_s entry{};  // offset 0: no record
    bool has_record = false;
    U128 last = 0;  // of the network around the address, as a number of the address's family
  };

  explicit OracleDatabase(const std::string& path) {
    if (MMDB_open(path.c_str(), MMDB_MODE_MMAP, &handle_) != MMDB_SUCCESS) {
      throw std::runtime_error("cannot open " + path);
    }
  }
  ~OracleDatabase() { MMDB_close(&handle_); }
  OracleDatabase(const OracleDatabase&) = delete;
  OracleDatabase& operator=(const OracleDatabase&) = delete;

  Found find(const IpAddress& address) const {
    const bool v4_file = handle_.metadata.ip_version == 4;
    if (v4_file && !address.isV4()) return {{}, false, ~U128{0}};
    // Teredo (RFC 4380) is an alias of IPv4 addresses: geo/mmdb.h takes nothing from there.
    constexpr U128 kTeredo = U128{0x2001'0000} << 96U;
    if (address.bits() >> 96U == kTeredo >> 96U) return {{}, false, kTeredo | ~U128{0} >> 32U};
    int error = 0;
    const MMDB_lookup_result_s result =
        address.isV4() ? findV4(address.asV4(), error) : findV6(address.bits(), error);
    if (error != MMDB_SUCCESS) throw std::runtime_error(MMDB_strerror(error));
    // In an IPv6 file IPv4 addresses stand below ::/96, and an empty network may be wider than it.
    const int wide = !v4_file && address.isV4() ? 96 : 0;
    const unsigned length = static_cast<unsigned>(std::max(0, int{result.netmask} - wide));
    const unsigned bits = address.isV4() ? 32 : 128;
    const U128 hosts = length == 0 && bits == 128 ? ~U128{0} : (U128{1} << (bits - length)) - 1;
    return {result.entry, result.found_entry, address.bits() | hosts};
  }

  // Adds what the record has and the location has not.
  static void fill(MMDB_entry_s entry, geo::Location& location) {
    const std::optional<double> lat = number(entry, "latitude");
    const std::optional<double> lon = number(entry, "longitude");
    if (!location.point && lat && lon) location.point = geo::GeoPoint{*lat, *lon};
    if (location.country.empty()) location.country = text(entry, "country_code");
    if (location.subdivision.empty()) location.subdivision = text(entry, "state1");
  }

 private:
  MMDB_lookup_result_s findV4(std::uint32_t number, int& error) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(number);
    sockaddr plain{};
    std::memcpy(&plain, &address, sizeof(plain));
    return MMDB_lookup_sockaddr(&handle_, &plain, &error);
  }
  MMDB_lookup_result_s findV6(U128 number, int& error) const {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    for (int i = 15; i >= 0; --i, number >>= 8U) {
      address.sin6_addr.s6_addr[i] = static_cast<std::uint8_t>(number);
    }
    return MMDB_lookup_sockaddr(&handle_, static_cast<sockaddr*>(static_cast<void*>(&address)),
                                &error);
  }
  static std::optional<double> number(MMDB_entry_s entry, const char* key) {
    MMDB_entry_data_s data{};
    if (MMDB_get_value(&entry, &data, key, nullptr) != MMDB_SUCCESS || !data.has_data) {
      return std::nullopt;
    }
    if (data.type == MMDB_DATA_TYPE_FLOAT) return double{data.float_value};
    if (data.type == MMDB_DATA_TYPE_DOUBLE) return data.double_value;
    return std::nullopt;
  }
  static std::string text(MMDB_entry_s entry, const char* key) {
    MMDB_entry_data_s data{};
    const bool found = MMDB_get_value(&entry, &data, key, nullptr) == MMDB_SUCCESS &&
                       data.has_data && data.type == MMDB_DATA_TYPE_UTF8_STRING;
    return found ? std::string(data.utf8_string, data.data_size) : std::string();
  }

  MMDB_s handle_{};
};

// A fence as plain rings, with a box that says where it can matter at all.
class OracleShape {
 public:
  OracleShape(const geo::Fence& fence, std::uint32_t locus) : locus_(locus) {
    for (const geo::Polygon& polygon : fence.polygons) {
      rings_.push_back(polygon.outer.points);
      for (const geo::Ring& hole : polygon.holes) rings_.push_back(hole.points);
    }
    for (const auto& ring : rings_) {
      Box box;
      for (const geo::GeoPoint& point : ring) box.add(point);
      boxes_.push_back(box);
    }
  }
  std::uint32_t locus() const { return locus_; }

  bool contains(geo::GeoPoint point) const {
    bool inside = false;
    for (std::size_t r = 0; r < rings_.size(); ++r) {
      if (!boxes_[r].holds(point, 0)) continue;
      for (std::size_t i = 0; i < rings_[r].size(); ++i) {
        const auto& [a, b] = edge(r, i);
        if ((a.lat <= point.lat) == (b.lat <= point.lat)) continue;
        const long double share = (static_cast<long double>(point.lat) - a.lat) /
                                  (static_cast<long double>(b.lat) - a.lat);
        if (a.lon + share * (static_cast<long double>(b.lon) - a.lon) > point.lon) inside = !inside;
      }
    }
    return inside;
  }

  // To the border, or infinity when it is certainly farther than `limit`.
  double metresWithin(geo::GeoPoint point, double limit) const {
    const double degrees = limit / 110'000;
    std::vector<std::pair<double, std::pair<geo::GeoPoint, geo::GeoPoint>>> edges;
    for (std::size_t r = 0; r < rings_.size(); ++r) {
      if (!boxes_[r].holds(point, degrees)) continue;
      for (std::size_t i = 0; i < rings_[r].size(); ++i) {
        const auto ends = edge(r, i);
        const double rough = roughMetres(point, ends.first, ends.second);
        if (rough <= roughBound(limit)) edges.emplace_back(rough, ends);
      }
    }
    std::sort(edges.begin(), edges.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    double best = HUGE_VAL;
    for (const auto& [rough, ends] : edges) {
      if (rough > roughBound(best)) break;
      best = std::min(best, edgeMetres(point, ends.first, ends.second));
    }
    return best;
  }

 private:
  struct Box {
    double south = 90, north = -90, west = 180, east = -180;
    void add(geo::GeoPoint point) {
      south = std::min(south, point.lat);
      north = std::max(north, point.lat);
      west = std::min(west, point.lon);
      east = std::max(east, point.lon);
    }
    bool holds(geo::GeoPoint point, double margin) const {
      const double wide =
          margin / std::cos(std::min(85.0, std::fabs(point.lat) + margin) * kDegree);
      if (point.lat < south - margin || point.lat > north + margin) return false;
      for (const double turn : {-360.0, 0.0, 360.0}) {
        if (point.lon + turn >= west - wide && point.lon + turn <= east + wide) return true;
      }
      return false;
    }
  };
  static constexpr double kDegree = 3.14159265358979323846 / 180;

  std::pair<geo::GeoPoint, geo::GeoPoint> edge(std::size_t ring, std::size_t i) const {
    const auto& points = rings_[ring];
    return {points[i], points[i + 1 == points.size() ? 0 : i + 1]};
  }

  // In 50 km the length of a degree of longitude changes by 2 % at most below 68° of latitude.
  static double roughBound(double metres) { return metres * 1.03 + 50; }

  static double roughMetres(geo::GeoPoint p, geo::GeoPoint a, geo::GeoPoint b) {
    const double squeeze = std::cos(p.lat * kDegree);
    const auto flat = [&](geo::GeoPoint q) {
      return std::pair{std::remainder(q.lon - p.lon, 360.0) * squeeze, q.lat - p.lat};
    };
    const auto [ax, ay] = flat(a);
    const auto [bx, by] = flat(b);
    const double dx = bx - ax;
    const double dy = by - ay;
    const double length = dx * dx + dy * dy;
    const double t = length == 0 ? 0 : std::clamp(-(ax * dx + ay * dy) / length, 0.0, 1.0);
    const double x = ax + t * dx;
    const double y = ay + t * dy;
    return std::sqrt(x * x + y * y) * 111'200;
  }

  // Golden section over the edge: the way has one minimum on an edge of some kilometres.
  static double edgeMetres(geo::GeoPoint p, geo::GeoPoint a, geo::GeoPoint b) {
    const auto at = [&](double t) {
      return oracleMetres(p, {a.lat + t * (b.lat - a.lat), a.lon + t * (b.lon - a.lon)});
    };
    constexpr double kGolden = 0.6180339887498949;
    double low = 0;
    double high = 1;
    double left = high - kGolden;
    double right = low + kGolden;
    double at_left = at(left);
    double at_right = at(right);
    for (int step = 0; step < 32; ++step) {
      if (at_left < at_right) {
        high = right;
        right = std::exchange(left, right - kGolden * (right - low));
        at_right = std::exchange(at_left, at(left));
      } else {
        low = left;
        left = std::exchange(right, left + kGolden * (high - left));
        at_left = std::exchange(at_right, at(right));
      }
    }
    return std::min({at(0), at(1), at((low + high) / 2)});
  }

  std::uint32_t locus_;
  std::vector<std::vector<geo::GeoPoint>> rings_;
  std::vector<Box> boxes_;
};

class PlacementOracle {
 public:
  // More than one locus where two borders are equally near to within a centimetre, or a border is
  // that near to the limit of the snap.
  using Answer = std::vector<std::uint32_t>;
  struct Stretch {
    const Answer* answer = nullptr;
    std::optional<geo::GeoPoint> point;
    U128 last = 0;  // the evidence is the same up to here
  };

  PlacementOracle(const partition::Topology& topology, const partition::Zone& zone,
                  const std::vector<geo::Fence>& fences,
                  std::vector<geo::NetworkOverride> overrides,
                  const std::vector<std::string>& databases)
      : topology_(topology), zone_(zone), overrides_(std::move(overrides)) {
    for (const std::string& path : databases) {
      databases_.push_back(std::make_unique<OracleDatabase>(path));
    }
    for (std::uint32_t locus = 0; locus < zone.partition_count; ++locus) {
      for (const partition::FenceRef& ref : partitionAt(locus).fences) {
        for (const geo::Fence& fence : fences) {
          if (fence.id == ref.id) shapes_.emplace_back(fence, locus);
        }
      }
    }
  }

  std::size_t answersComputed() const { return answers_.size(); }

  Stretch at(const IpAddress& address) {
    Stretch out;
    out.last = address.isV4() ? U128{0xffff'ffff} : ~U128{0};
    std::vector<OracleDatabase::Found> found;
    std::uint64_t key = 0;
    for (const auto& database : databases_) {
      found.push_back(database->find(address));
      out.last = std::min(out.last, found.back().last);
      key = key << 24U ^ (found.back().has_record ? found.back().entry.offset + 1 : 0);
      key *= 0x9e3779b97f4a7c15U;
    }
    const geo::NetworkOverride* to_partition = nullptr;
    const geo::NetworkOverride* to_place = nullptr;
    searchOverrides(address, to_partition, to_place, out.last);
    for (const geo::NetworkOverride* each : {to_partition, to_place}) {
      key ^= each == nullptr ? 0 : static_cast<std::uint64_t>(each - overrides_.data() + 1);
      key *= 0x9e3779b97f4a7c15U;
    }
    auto known = answers_.find(key);
    if (known == answers_.end()) {
      geo::Location location;
      for (const OracleDatabase::Found& each : found) {
        if (each.has_record) OracleDatabase::fill(each.entry, location);
      }
      if (to_place != nullptr) location = std::get<geo::Location>(to_place->target);
      const std::string partition =
          to_partition == nullptr ? "" : std::get<std::string>(to_partition->target);
      known = answers_.emplace(key, Known{place(partition, location), location.point}).first;
    }
    out.answer = &known->second.answer;
    out.point = known->second.point;
    return out;
  }

 private:
  struct Known {
    Answer answer;
    std::optional<geo::GeoPoint> point;
  };

  const partition::Partition& partitionAt(std::uint32_t locus) const {
    return topology_.partitions[zone_.first_partition.index() + locus];
  }

  // The longest prefix that sets a partition, if it is the longest of all, and the longest that
  // sets a place; `last` is cut where another override starts or ends.
  void searchOverrides(const IpAddress& address, const geo::NetworkOverride*& to_partition,
                       const geo::NetworkOverride*& to_place, U128& last) const {
    const geo::NetworkOverride* longest = nullptr;
    for (const geo::NetworkOverride& each : overrides_) {
      const IpAddress& first = each.prefix.address;
      if (first.family() != address.family()) continue;
      if (!each.prefix.contains(address)) {
        if (first.bits() > address.bits()) last = std::min(last, first.bits() - 1);
        continue;
      }
      const unsigned host_bits = bitsOf(first.family()) - unsigned{each.prefix.length};
      last = std::min(last, first.bits() | ((U128{1} << host_bits) - 1));
      if (longest == nullptr || each.prefix.length > longest->prefix.length) longest = &each;
      if (!std::holds_alternative<geo::Location>(each.target)) continue;
      if (to_place == nullptr || each.prefix.length > to_place->prefix.length) to_place = &each;
    }
    if (longest != to_place) to_partition = longest;
  }

  Answer place(const std::string& partition, const geo::Location& location) const {
    for (std::uint32_t locus = 0; !partition.empty() && locus < zone_.partition_count; ++locus) {
      if (partitionAt(locus).id == partition) return {locus};
    }
    if (location.point) {
      for (const OracleShape& shape : shapes_) {
        if (shape.contains(*location.point)) return {shape.locus()};
      }
    }
    if (const auto locus = ruled(location)) return {*locus};
    return location.point ? nearest(*location.point) : fallback();
  }

  std::optional<std::uint32_t> ruled(const geo::Location& location) const {
    int best = -1;
    std::optional<std::uint32_t> out;
    for (std::uint32_t locus = 0; locus < zone_.partition_count; ++locus) {
      for (const partition::PlaceRule& rule : partitionAt(locus).rules) {
        if (rule.asn != 0 && rule.asn != location.asn) continue;
        if (!rule.country.empty() && rule.country != location.country) continue;
        if (!rule.subdivision.empty() && rule.subdivision != location.subdivision) continue;
        const int rank = rule.asn != 0 ? 2 : (rule.subdivision.empty() ? 0 : 1);
        if (rank <= best) continue;
        best = rank;
        out = locus;
      }
    }
    return out;
  }

  Answer nearest(geo::GeoPoint point) const {
    constexpr double kCentimetre = 0.01;
    const double limit = zone_.placement.fence_snap_km * 1000;
    std::vector<std::pair<double, std::uint32_t>> near;
    for (const OracleShape& shape : shapes_) {
      const double metres = shape.metresWithin(point, limit);
      if (metres <= limit + kCentimetre) near.emplace_back(metres, shape.locus());
    }
    Answer out;
    const double least = near.empty() ? 0 : std::min_element(near.begin(), near.end())->first;
    for (const auto& [metres, locus] : near) {
      if (metres <= least + kCentimetre) out.push_back(locus);
    }
    if (near.empty() || least > limit - kCentimetre) {
      const Answer farther = anchored(point);
      out.insert(out.end(), farther.begin(), farther.end());
    }
    return out;
  }

  Answer anchored(geo::GeoPoint point) const {
    double least_degrees = 180;
    forEachAnchor([&](std::uint32_t, geo::GeoPoint anchor) {
      least_degrees = std::min(least_degrees, sphereDegrees(point, anchor));
    });
    double best = HUGE_VAL;
    Answer out;
    forEachAnchor([&](std::uint32_t locus, geo::GeoPoint anchor) {
      // The Earth's radii of curvature differ by 1 %.
      if (sphereDegrees(point, anchor) > least_degrees * 1.02 + 1e-4) return;
      const double metres = oracleMetres(point, anchor);
      if (metres >= best) return;
      best = metres;
      out = {locus};
    });
    return out.empty() ? fallback() : out;
  }

  template <class Visit>
  void forEachAnchor(const Visit& visit) const {
    for (std::uint32_t locus = 0; locus < zone_.partition_count; ++locus) {
      for (const geo::GeoPoint& anchor : partitionAt(locus).anchors) visit(locus, anchor);
    }
  }

  static double sphereDegrees(geo::GeoPoint a, geo::GeoPoint b) {
    constexpr double kDegree = 3.14159265358979323846 / 180;
    const double lat = std::sin((a.lat - b.lat) * kDegree / 2);
    const double lon = std::sin((a.lon - b.lon) * kDegree / 2);
    const double squared =
        lat * lat + std::cos(a.lat * kDegree) * std::cos(b.lat * kDegree) * lon * lon;
    return 2 * std::asin(std::sqrt(std::min(1.0, squared))) / kDegree;
  }

  Answer fallback() const {
    return {zone_.placement.default_partition->value - zone_.first_partition.value};
  }

  const partition::Topology& topology_;
  const partition::Zone& zone_;
  std::vector<geo::NetworkOverride> overrides_;
  std::vector<std::unique_ptr<OracleDatabase>> databases_;
  std::vector<OracleShape> shapes_;
  std::unordered_map<std::uint64_t, Known> answers_;
};

}  // namespace meridian::test
