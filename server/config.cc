#include "server/config.h"

#include <algorithm>

#include "base/config_reader.h"
#include "base/file.h"
#include "server/config_keys.h"
#include "server/drc_tls_config.h"
#include "server/tap_config.h"

namespace meridian::server {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

// The checks of single values, as StringRule takes them.
template <class T>
Status parses(std::string_view text) {
  const Result<T> value = T::parse(text);
  return value ? Status{} : tl::unexpected(value.error());
}

Status isLogLevel(std::string_view text) {
  const Result<LogLevel> level = parseLogLevel(text);
  return level ? Status{} : tl::unexpected(level.error());
}

Status isNodeId(std::string_view text) {
  const bool good =
      !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      });
  return good ? Status{}
              : fail(ErrorKind::kInvalid,
                     "must be a-z, 0-9 and '-', starting with a letter or digit");
}

// Joined to the file's folder an empty path would be the folder itself.
Status isPath(std::string_view text) {
  return text.empty() ? fail(ErrorKind::kInvalid, "must not be empty") : Status{};
}

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
    config.tsig_keys = decodeTsigKeys(root_, folder_);
    readDns(config);
    readTopology(config);
    readGeo(config);
    readHealth(config);
    readChange(config);
    readEvacuation(config);
    readAdmin(config);
    readDrc(config);
    readHa(config);
    readBalancer(config);
    readSpill(config);
    config.tap = decodeTap(root_, folder_);
    config.tap.identity = config.node_id;
    config.hooks = partition::decodeHooks(root_, folder_);
    root_.finish();
    return config;
  }

 private:
  // A section that is absent has its defaults.
  ObjectReader section(std::string_view name) { return section(root_, name); }
  ObjectReader section(ObjectReader& parent, std::string_view name) {
    static const ConfigNode kEmpty{ConfigNode::Object{}, 0, 0};
    const ConfigNode* node = parent.object(name);
    return ObjectReader(node == nullptr ? kEmpty : *node, parent.pathOf(name), file_, problems_);
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

  std::filesystem::path joined(const std::string& text) const {
    const std::filesystem::path given(text);
    return given.is_absolute() ? given : folder_ / given;
  }
  std::filesystem::path path(ObjectReader& in, std::string_view key, const std::string& fallback) {
    return joined(in.string(key, {.fallback = fallback, .check = isPath}));
  }
  std::filesystem::path requiredPath(ObjectReader& in) {
    return joined(in.string("path", {.required = true, .check = isPath}));
  }

  // The elements that parse; of the others each is reported.
  template <class T>
  std::vector<T> parsedEach(ObjectReader& in, std::string_view key, const ArrayRule& rule,
                            const std::vector<std::string>& fallback) {
    std::vector<T> out;
    for (const std::string& text :
         in.has(key) ? in.strings(key, rule, {.check = parses<T>}) : fallback) {
      if (const Result<T> value = T::parse(text)) out.push_back(*value);
    }
    in.ignore(key);
    return out;
  }
  IpPrefixList prefixes(ObjectReader& in, std::string_view key,
                        const std::vector<std::string>& fallback) {
    return IpPrefixList(parsedEach<IpPrefix>(in, key, {.max = 256}, fallback));
  }

  void readServer(Config& config) {
    ObjectReader in = section("server");
    config.node_id =
        in.string("node_id", {.fallback = "meridian", .max_bytes = 63, .check = isNodeId});
    config.state_dir = path(in, "state_dir", "var");
    config.log_level =
        parseLogLevel(in.string("log_level", {.fallback = "info", .check = isLogLevel}))
            .value_or(LogLevel::kInfo);
    in.finish();
  }

  void readDns(Config& config) {
    ObjectReader in = section("dns");
    config.dns_listen =
        parsedEach<IpEndpoint>(in, "listen", {.min = 1, .max = 64}, {"127.0.0.1:5300"});
    config.dns_listeners = decodeListeners(in, folder_, config.dns_listen);
    config.udp_workers = count(in, "udp_workers");
    config.udp_payload_max = static_cast<std::uint16_t>(numeric(in, "udp_payload_max"));
    config.minimal_responses = in.boolean("minimal_responses", false);
    config.tcp_max_connections = count(in, "tcp_max_connections");
    config.tcp_max_per_client = count(in, "tcp_max_per_client");
    config.tcp_idle_timeout = millis(in, "tcp_idle_timeout_ms");
    config.tcp_write_timeout = millis(in, "tcp_write_timeout_ms");
    config.handshake_timeout = millis(in, "handshake_ms");
    config.tcp_fast_open = static_cast<std::uint16_t>(numeric(in, "tcp_fast_open"));
    config.explain_from = prefixes(in, "explain_from", {"127.0.0.0/8", "::1/128"});
    config.location_option_from = prefixes(in, "location_option_from", {});
    config.location_option_code = static_cast<std::uint16_t>(numeric(in, "location_option_code"));
    config.cookies = in.boolean("cookies", true);
    if (in.has("cookie_secret_file"))
      config.cookie_secret_file = path(in, "cookie_secret_file", "");
    config.zones_dir = path(in, "zones_dir", "zones");
    config.zone_policies = decodeZonePolicies(in, config.tsig_keys);
    readRateLimits(in, config);
    readTransfersIn(in, config.transfers_in);
    in.finish();
  }

  void readTransfersIn(ObjectReader& parent, dns::SecondaryLimits& limits) {
    ObjectReader in = section(parent, "transfers_in");
    limits.max_transfers = count(in, "max");
    limits.max_zone_bytes = count(in, "max_zone_mib") << 20U;
    limits.timeouts.idle = millis(in, "idle_ms");
    limits.timeouts.whole = std::chrono::seconds(numeric(in, "whole_s"));
    in.finish();
  }

  void readRateLimits(ObjectReader& parent, Config& config) {
    ObjectReader in = section(parent, "rrl");
    const auto number = [&](std::string_view name) {
      return static_cast<std::uint32_t>(numeric(in, name));
    };
    config.limit_rates = in.boolean("enabled", false);
    dns::RateLimits& limits = config.rate_limits;
    const auto rateOf = [&](dns::AnswerKind kind) -> std::uint32_t& {
      return limits.per_s[static_cast<std::size_t>(kind)];
    };
    rateOf(dns::AnswerKind::kPositive) = number("positive_per_s");
    rateOf(dns::AnswerKind::kReferral) = number("referral_per_s");
    rateOf(dns::AnswerKind::kNoData) = number("nodata_per_s");
    rateOf(dns::AnswerKind::kNxDomain) = number("nxdomain_per_s");
    rateOf(dns::AnswerKind::kError) = number("error_per_s");
    limits.all_per_s = number("all_per_s");
    limits.burst = std::chrono::seconds(number("burst_s"));
    limits.slip = number("slip");
    limits.ipv4_prefix = static_cast<std::uint8_t>(number("ipv4_prefix"));
    limits.ipv6_prefix = static_cast<std::uint8_t>(number("ipv6_prefix"));
    limits.table_buckets = number("table_buckets");
    limits.allow = prefixes(in, "allow", {});
    limits.dry_run = in.boolean("dry_run", false);
    in.finish();
  }

  void readTopology(Config& config) {
    ObjectReader in = section("topology");
    config.topology_file = path(in, "file", "topology.json");
    config.max_moved_percent = static_cast<unsigned>(numeric(in, "max_moved_percent"));
    in.finish();
  }

  void readGeo(Config& config) {
    ObjectReader in = section("geo");
    for (const std::string& text : in.strings("networks", {.max = 64}, {.check = isPath}))
      config.networks.push_back(joined(text));
    eachOf(in, "databases", [&](ObjectReader& item) {
      geo::MmdbSource source;
      source.path = requiredPath(item);
      source.schema = {item.string("latitude"),    item.string("longitude"), item.string("country"),
                       item.string("subdivision"), item.string("city"),      item.string("asn")};
      source.attribution = item.string("attribution", {.max_bytes = 120});
      config.databases.push_back(std::move(source));
    });
    eachOf(in, "fences", [&](ObjectReader& item) {
      geo::FenceSource source;
      source.id = item.string("id", {.required = true, .id = true});
      source.path = requiredPath(item);
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
      config.catalogues.push_back(
          {city ? geo::CatalogueKind::kCity : geo::CatalogueKind::kPoi, requiredPath(item)});
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

  void readHealth(Config& config) {
    ObjectReader in = section("health");
    config.health_max_probes = count(in, "max_probes");
    config.health_checks = partition::decodeChecks(
        in.array("checks", {.max = partition::kMaxChecks}), in.pathOf("checks"), file_, problems_);
    for (partition::CheckConfig& check : config.health_checks) {
      if (!check.http.ca_file.empty()) check.http.ca_file = joined(check.http.ca_file.string());
    }
    in.finish();
  }

  std::chrono::milliseconds seconds(ObjectReader& in, std::string_view name) {
    return std::chrono::seconds(numeric(in, name));
  }

  void readChange(Config& config) {
    ObjectReader in = section("change");
    partition::ChangePolicy& change = config.change;
    change.max_lag_ms = numeric(in, "max_lag_ms");
    change.max_wave_partitions = count(in, "max_wave_partitions");
    change.max_moving_share = static_cast<double>(numeric(in, "max_moving_percent")) / 100;
    change.max_utilisation = static_cast<double>(numeric(in, "max_utilisation_percent")) / 100;
    change.max_utilisation_emergency =
        static_cast<double>(numeric(in, "max_utilisation_emergency_percent")) / 100;
    change.precheck = millis(in, "precheck_ms");
    change.block_ack = millis(in, "block_ack_ms");
    change.catch_up = millis(in, "catch_up_ms");
    change.verify = millis(in, "verify_ms");
    change.veto = millis(in, "veto_ms");
    change.block_budget = millis(in, "block_budget_ms");
    change.block_lease = millis(in, "block_lease_ms");
    change.max_clock_skew = millis(in, "max_clock_skew_ms");
    change.reroute = millis(in, "reroute_ms");
    change.unblock = millis(in, "unblock_ms");
    change.drain_max = seconds(in, "drain_max_s");
    change.soak = seconds(in, "soak_s");
    change.soak_max = seconds(in, "soak_max_s");
    change.cooldown = seconds(in, "cooldown_s");
    if (in.has("freeze_windows")) {
      change.freeze_windows =
          in.strings("freeze_windows", {.max = 64}, {.check = parses<partition::DayWindow>});
    }
    for (const std::string& problem : partition::policyProblems(change))
      root_.error("change", problem);
    in.finish();
  }

  void readEvacuation(Config& config) {
    ObjectReader in = section("evacuation");
    const auto mode = [&](std::string_view key, std::string_view fallback) {
      const std::string name =
          in.string(key, {.fallback = std::string(fallback), .one_of = {"off", "advise", "auto"}});
      return partition::patrolModeOf(name).value_or(partition::PatrolMode::kOff);
    };
    config.evacuation.evacuate = mode("mode", "auto");
    config.evacuation.bring_home = mode("return", "advise");
    config.evacuation.watch.hold_down = seconds(in, "hold_down_s");
    config.evacuation.watch.return_hold_down = seconds(in, "return_hold_down_s");
    in.finish();
  }

  void readAdmin(Config& config) {
    ObjectReader in = section("admin");
    const std::string listen =
        in.string("listen", {.fallback = "127.0.0.1:8053", .check = parses<IpEndpoint>});
    config.admin_listen = IpEndpoint::parse(listen).value_or(IpEndpoint{});
    config.admin_max_body_bytes = count(in, "max_body_bytes");
    config.admin_max_connections = count(in, "max_connections");
    config.admin_idle_timeout = millis(in, "idle_timeout_ms");
    in.finish();
  }

  void readDrc(Config& config) {
    ObjectReader in = section("drc");
    config.drc_limits.max_agents = count(in, "max_agents");
    config.drc_limits.max_links = count(in, "max_links");
    config.drc_limits.skew_bound = millis(in, "skew_bound_ms");
    config.drc_history.every = std::chrono::seconds(numeric(in, "history_every_s"));
    config.drc_history.keep_hours = count(in, "history_keep_h");
    config.drc_history.max_links = count(in, "history_max_links");
    if (in.has("listen")) {
      const auto listen = IpEndpoint::parse(in.string("listen", {.check = parses<IpEndpoint>}));
      if (listen) config.drc_listen = *listen;
    }
    config.drc_max_connections = count(in, "max_connections");
    config.drc_idle_timeout = millis(in, "idle_timeout_ms");
    config.drc_tls = decodeDrcTls(in, folder_);
    config.drc_tls_handshake = millis(in, "tls_handshake_ms");
    config.drc_pulls = partition::decodePulls(in, folder_);
    in.finish();
  }

  void readHa(Config& config) {
    ObjectReader in = section("ha");
    config.ha.senders = in.strings("senders", {.max = 64}, {.id = true});
    for (const std::string& text : in.strings("secret_files", {.max = 4}, {.check = isPath}))
      config.ha.secret_files.push_back(joined(text));
    config.ha.frozen = in.boolean("frozen", false);
    const auto rate = [&](std::string_view per_second, std::string_view burst) {
      return partition::HaRate{static_cast<double>(numeric(in, per_second)),
                               static_cast<double>(numeric(in, burst))};
    };
    config.ha.limits.cluster = rate("cluster_events_per_s", "cluster_burst");
    config.ha.limits.all = rate("events_per_s", "burst");
    in.finish();
  }

  void readBalancer(Config& config) {
    ObjectReader in = section("balancer");
    config.balancer_mode =
        partition::balanceModeOf(
            in.string("mode", {.fallback = "advise", .one_of = {"off", "advise", "auto"}}))
            .value_or(partition::BalanceMode::kAdvise);
    const auto percent = [&](std::string_view name) {
      return static_cast<double>(numeric(in, name)) / 100;
    };
    partition::BalancePolicy& policy = config.balancer;
    policy.gap_start = percent("gap_start_percent");
    policy.gap_stop = percent("gap_stop_percent");
    policy.high = percent("high_percent");
    policy.sustained = std::chrono::seconds(numeric(in, "sustained_s"));
    policy.max_share = percent("max_share_percent");
    policy.max_partitions = count(in, "max_partitions");
    policy.max_rounds_per_hour = count(in, "max_rounds_per_hour");
    policy.dwell = std::chrono::seconds(numeric(in, "dwell_s"));
    policy.max_target = percent("max_target_percent");
    policy.max_growth_km = static_cast<double>(numeric(in, "max_growth_km"));
    policy.max_lag_ms = numeric(in, "max_lag_ms");
    if (const std::string problem = balancePolicyProblem(policy); !problem.empty()) {
      root_.error("balancer", problem);
    }
    in.finish();
  }

  void readSpill(Config& config) {
    ObjectReader in = section("spill");
    const auto percent = [&](std::string_view name) {
      return static_cast<double>(numeric(in, name)) / 100;
    };
    partition::SpillPolicy& policy = config.spill;
    policy.enabled = in.boolean("enabled", true);
    policy.start = percent("start_percent");
    policy.stop = percent("stop_percent");
    policy.max = percent("max_percent");
    policy.max_step = percent("step_percent");
    policy.period = std::chrono::seconds(numeric(in, "period_s"));
    if (const std::string problem = spillPolicyProblem(policy); !problem.empty()) {
      root_.error("spill", problem);
    }
    in.finish();
  }

  std::string file_;
  std::filesystem::path folder_;
  Diagnostics& problems_;
  ObjectReader root_;
};

}  // namespace

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
  problems.add({}, "", "", text.error().message);  // names the file
  return tl::unexpected(std::move(problems));
}

}  // namespace meridian::server
