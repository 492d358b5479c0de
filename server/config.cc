#include "server/config.h"

#include <algorithm>

#include "base/config_reader.h"
#include "base/file.h"

namespace meridian::server {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

constexpr std::string_view kStringKeys[] = {"server.node_id",
                                            "server.state_dir",
                                            "server.log_level",
                                            "dns.listen",
                                            "dns.explain_from",
                                            "dns.location_option_from",
                                            "dns.zones_dir",
                                            "topology.file",
                                            "geo.networks",
                                            "geo.databases[].path",
                                            "geo.databases[].latitude",
                                            "geo.databases[].longitude",
                                            "geo.databases[].country",
                                            "geo.databases[].subdivision",
                                            "geo.databases[].city",
                                            "geo.databases[].asn",
                                            "geo.databases[].attribution",
                                            "geo.fences[].id",
                                            "geo.fences[].path",
                                            "geo.fences[].id_property",
                                            "geo.fences[].crs",
                                            "geo.fences[].edge_model",
                                            "geo.catalogues[].kind",
                                            "geo.catalogues[].path",
                                            "admin.listen"};

class Decoder {
 public:
  Decoder(const ConfigNode& root, const std::filesystem::path& file, Diagnostics& problems)
      : file_(file.string()),
        folder_(file.parent_path()),
        problems_(problems),
        root_(root, "", file_, problems) {}

  Config run() {
    Config config;
    readServer(config);
    readDns(config);
    readTopology(config);
    readGeo(config);
    readAdmin(config);
    root_.finish();
    return config;
  }

 private:
  // A section that is absent has its defaults.
  ObjectReader section(std::string_view name) {
    static const ConfigNode kEmpty{ConfigNode::Object{}, 0, 0};
    const ConfigNode* node = root_.object(name);
    return ObjectReader(node == nullptr ? kEmpty : *node, std::string(name), file_, problems_);
  }

  std::int64_t numeric(ObjectReader& in, std::string_view name) {
    const auto& keys = numericKeys();
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& candidate) {
      return candidate.section == in.path() && candidate.name == name;
    });
    return in.integer(name, {.min = key->min, .max = key->max, .fallback = key->fallback});
  }
  std::size_t count(ObjectReader& in, std::string_view name) {
    return static_cast<std::size_t>(numeric(in, name));
  }
  std::chrono::milliseconds millis(ObjectReader& in, std::string_view name) {
    return std::chrono::milliseconds(numeric(in, name));
  }

  std::filesystem::path path(const std::string& text) const {
    const std::filesystem::path given(text);
    return given.is_absolute() || text.empty() ? given : folder_ / given;
  }

  template <class T>
  T parsed(ObjectReader& in, std::string_view key, const Result<T>& result, T fallback = {}) {
    if (result) return *result;
    in.error(key, result.error().message);
    return fallback;
  }

  IpPrefixList prefixes(ObjectReader& in, std::string_view key,
                        const std::vector<std::string>& fallback) {
    std::vector<IpPrefix> out;
    for (const std::string& text : in.has(key) ? in.strings(key, {.max = 256}) : fallback) {
      const auto prefix = IpPrefix::parse(text);
      if (prefix) {
        out.push_back(*prefix);
      } else {
        in.error(key, prefix.error().message);
      }
    }
    in.ignore(key);
    return IpPrefixList(std::move(out));
  }

  void readServer(Config& config) {
    ObjectReader in = section("server");
    config.node_id = in.string("node_id", {.fallback = "meridian", .max_bytes = 63});
    const bool good = !config.node_id.empty() && config.node_id.front() != '-' &&
                      std::all_of(config.node_id.begin(), config.node_id.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                      });
    if (!good) in.error("node_id", "must be a-z, 0-9 and '-', starting with a letter or digit");
    config.state_dir = path(in.string("state_dir", {.fallback = "var"}));
    config.log_level =
        parsed(in, "log_level", parseLogLevel(in.string("log_level", {.fallback = "info"})));
    in.finish();
  }

  void readDns(Config& config) {
    ObjectReader in = section("dns");
    const auto listen = in.has("listen") ? in.strings("listen", {.min = 1, .max = 64})
                                         : std::vector<std::string>{"127.0.0.1:5300"};
    for (const std::string& text : listen) {
      config.dns_listen.push_back(parsed(in, "listen", IpEndpoint::parse(text)));
    }
    in.ignore("listen");
    config.udp_workers = count(in, "udp_workers");
    config.udp_payload_max = static_cast<std::uint16_t>(numeric(in, "udp_payload_max"));
    config.tcp_max_connections = count(in, "tcp_max_connections");
    config.tcp_max_per_client = count(in, "tcp_max_per_client");
    config.tcp_idle_timeout = millis(in, "tcp_idle_timeout_ms");
    config.tcp_write_timeout = millis(in, "tcp_write_timeout_ms");
    config.explain_from = prefixes(in, "explain_from", {"127.0.0.0/8", "::1/128"});
    config.location_option_from = prefixes(in, "location_option_from", {});
    config.location_option_code = static_cast<std::uint16_t>(numeric(in, "location_option_code"));
    config.zones_dir = path(in.string("zones_dir", {.fallback = "zones"}));
    in.finish();
  }

  void readTopology(Config& config) {
    ObjectReader in = section("topology");
    config.topology_file = path(in.string("file", {.fallback = "topology.json"}));
    in.finish();
  }

  void readGeo(Config& config) {
    ObjectReader in = section("geo");
    for (const std::string& text : in.strings("networks", {.max = 64}))
      config.networks.push_back(path(text));
    eachOf(in, "databases", [&](ObjectReader& item) {
      geo::MmdbSource source;
      source.path = path(item.string("path", {.required = true}));
      source.schema = {item.string("latitude"),    item.string("longitude"), item.string("country"),
                       item.string("subdivision"), item.string("city"),      item.string("asn")};
      source.attribution = item.string("attribution", {.max_bytes = 120});
      config.databases.push_back(std::move(source));
    });
    eachOf(in, "fences", [&](ObjectReader& item) {
      geo::FenceSource source;
      source.id = item.string("id", {.required = true, .id = true});
      source.path = path(item.string("path", {.required = true}));
      source.id_property = item.string("id_property");
      const bool gcj =
          item.string("crs", {.fallback = "WGS84", .one_of = {"WGS84", "GCJ02"}}) == "GCJ02";
      source.crs = gcj ? geo::Crs::kGcj02 : geo::Crs::kWgs84;
      const bool geodesic =
          item.string("edge_model", {.fallback = "planar", .one_of = {"planar", "geodesic"}}) ==
          "geodesic";
      source.edge_model = geodesic ? geo::EdgeModel::kGeodesic : geo::EdgeModel::kPlanar;
      config.fences.push_back(std::move(source));
    });
    eachOf(in, "catalogues", [&](ObjectReader& item) {
      const bool city =
          item.string("kind", {.required = true, .one_of = {"poi", "city"}}) == "city";
      config.catalogues.push_back({city ? geo::CatalogueKind::kCity : geo::CatalogueKind::kPoi,
                                   path(item.string("path", {.required = true}))});
    });
    in.finish();
  }

  template <class Read>
  void eachOf(ObjectReader& in, std::string_view key, Read read) {
    const ConfigNode::Array* items = in.array(key, {.max = 64});
    if (items == nullptr) return;
    for (std::size_t i = 0; i < items->size(); ++i) {
      ObjectReader item((*items)[i], elementPath(in.pathOf(key), i), file_, problems_);
      read(item);
      item.finish();
    }
  }

  void readAdmin(Config& config) {
    ObjectReader in = section("admin");
    config.admin_listen = parsed(
        in, "listen", IpEndpoint::parse(in.string("listen", {.fallback = "127.0.0.1:8053"})));
    config.admin_max_body_bytes = count(in, "max_body_bytes");
    config.admin_max_connections = count(in, "max_connections");
    config.admin_idle_timeout = millis(in, "idle_timeout_ms");
    in.finish();
  }

  std::string file_;
  std::filesystem::path folder_;
  Diagnostics& problems_;
  ObjectReader root_;
};

}  // namespace

const std::vector<ConfigKey>& numericKeys() {
  static const std::vector<ConfigKey> kKeys = {
      {"dns", "udp_workers", "integer", "threads", 0, 256, 0},
      {"dns", "udp_payload_max", "integer", "bytes", 512, 4096, 1232},
      {"dns", "tcp_max_connections", "integer", "", 1, 100000, 1024},
      {"dns", "tcp_max_per_client", "integer", "", 1, 100000, 128},
      {"dns", "tcp_idle_timeout_ms", "integer", "ms", 100, 600000, 10000},
      {"dns", "tcp_write_timeout_ms", "integer", "ms", 100, 600000, 5000},
      {"dns", "location_option_code", "integer", "EDNS option code", 65001, 65534, 65001},
      {"admin", "max_body_bytes", "integer", "bytes", 1024, 67108864, 8388608},
      {"admin", "max_connections", "integer", "", 1, 10000, 256},
      {"admin", "idle_timeout_ms", "integer", "ms", 1000, 600000, 60000},
  };
  return kKeys;
}

std::vector<std::string> configKeyPaths() {
  std::vector<std::string> paths(std::begin(kStringKeys), std::end(kStringKeys));
  for (const ConfigKey& key : numericKeys())
    paths.push_back(std::string(key.section) + "." + std::string(key.name));
  std::sort(paths.begin(), paths.end());
  return paths;
}

Checked<Config> parseConfig(std::string_view text, const std::filesystem::path& file) {
  auto root = parseToml(text, file.string());
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  Config config = Decoder(*root, file, problems).run();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return config;
}

Checked<Config> loadConfig(const std::filesystem::path& file) {
  auto text = readFile(file, kMaxConfigBytes);
  if (text) return parseConfig(*text, file);
  Diagnostics problems;
  problems.add({file.string()}, "", "", text.error().message);
  return tl::unexpected(std::move(problems));
}

}  // namespace meridian::server
