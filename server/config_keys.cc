#include "server/config_keys.h"

#include <algorithm>
#include <iterator>

#include "partition/drc/pull_config.h"
#include "partition/health/check_config.h"
#include "server/listener_config.h"
#include "server/tap_config.h"
#include "server/tsig_config.h"

namespace meridian::server {
namespace {

constexpr std::string_view kStringKeys[] = {"server.node_id",
                                            "server.state_dir",
                                            "server.log_level",
                                            "dns.listen",
                                            "dns.explain_from",
                                            "dns.location_option_from",
                                            "dns.minimal_responses",
                                            "dns.cookies",
                                            "dns.cookie_secret_file",
                                            "dns.zones_dir",
                                            "dns.rrl.enabled",
                                            "dns.rrl.dry_run",
                                            "dns.rrl.allow",
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
                                            "change.freeze_windows",
                                            "evacuation.mode",
                                            "evacuation.return",
                                            "admin.listen",
                                            "drc.listen",
                                            "drc.tls_certificate_file",
                                            "drc.tls_key_file",
                                            "drc.tls_client_ca_file",
                                            "ha.senders",
                                            "ha.secret_files",
                                            "ha.frozen",
                                            "balancer.mode",
                                            "spill.enabled"};

constexpr std::string_view kChecks = "health.checks[]";
constexpr std::string_view kPulls = "drc.pull[]";
constexpr std::string_view kListeners = "dns.listeners[]";
constexpr std::string_view kTsigKeys = "tsig.keys[]";

constexpr ConfigKey kNumbers[] = {
    {"dns", "udp_workers", "integer", "threads", 0, 256, 0},
    {"dns", "udp_payload_max", "integer", "bytes", 512, 4096, 1232},
    {"dns", "tcp_max_connections", "integer", "", 1, 100000, 1024},
    {"dns", "tcp_max_per_client", "integer", "", 1, 100000, 128},
    {"dns", "tcp_idle_timeout_ms", "integer", "ms", 100, 600000, 10000},
    {"dns", "tcp_write_timeout_ms", "integer", "ms", 100, 600000, 5000},
    {"dns", "tcp_fast_open", "integer", "", 0, 65535, 256},
    {"dns", "handshake_ms", "integer", "ms", 100, 60000, 5000},
    {"dns", "location_option_code", "integer", "EDNS option code", 65001, 65534, 65001},
    {"dns.rrl", "positive_per_s", "integer", "1/s", 0, 1000000, 50},
    {"dns.rrl", "referral_per_s", "integer", "1/s", 0, 1000000, 50},
    {"dns.rrl", "nodata_per_s", "integer", "1/s", 0, 1000000, 50},
    {"dns.rrl", "nxdomain_per_s", "integer", "1/s", 0, 1000000, 50},
    {"dns.rrl", "error_per_s", "integer", "1/s", 0, 1000000, 20},
    {"dns.rrl", "all_per_s", "integer", "1/s", 0, 1000000, 2000},
    {"dns.rrl", "burst_s", "integer", "s", 1, 60, 5},
    {"dns.rrl", "slip", "integer", "", 0, 100, 2},
    {"dns.rrl", "ipv4_prefix", "integer", "bits", 1, 32, 24},
    {"dns.rrl", "ipv6_prefix", "integer", "bits", 1, 128, 56},
    {"dns.rrl", "table_buckets", "integer", "", 1024, 4194304, 65536},
    {"dns.transfers_in", "idle_ms", "integer", "ms", 100, 600000, 10000},
    {"dns.transfers_in", "max", "integer", "", 1, 1000, 10},
    {"dns.transfers_in", "max_zone_mib", "integer", "MiB", 1, 4096, 1024},
    {"dns.transfers_in", "whole_s", "integer", "s", 1, 86400, 3600},
    {"topology", "max_moved_percent", "integer", "%", 0, 100, 1},
    {"health", "max_probes", "integer", "", 1, 1024, 64},
    {"change", "max_lag_ms", "integer", "ms", 1, 600000, 1000},
    {"change", "max_wave_partitions", "integer", "", 1, 4096, 3},
    {"change", "max_moving_percent", "integer", "%", 1, 100, 10},
    {"change", "max_utilisation_percent", "integer", "%", 1, 100, 80},
    {"change", "max_utilisation_emergency_percent", "integer", "%", 1, 100, 95},
    {"change", "precheck_ms", "integer", "ms", 100, 600000, 10000},
    {"change", "block_ack_ms", "integer", "ms", 100, 60000, 10000},
    {"change", "catch_up_ms", "integer", "ms", 100, 60000, 10000},
    {"change", "verify_ms", "integer", "ms", 100, 60000, 10000},
    {"change", "veto_ms", "integer", "ms", 100, 60000, 4000},
    {"change", "block_budget_ms", "integer", "ms", 100, 60000, 30000},
    {"change", "block_lease_ms", "integer", "ms", 1000, 60000, 60000},
    {"change", "max_clock_skew_ms", "integer", "ms", 1, 10000, 500},
    {"change", "reroute_ms", "integer", "ms", 100, 600000, 15000},
    {"change", "unblock_ms", "integer", "ms", 100, 600000, 15000},
    {"change", "drain_max_s", "integer", "s", 1, 86400, 600},
    {"change", "soak_s", "integer", "s", 1, 86400, 60},
    {"change", "soak_max_s", "integer", "s", 1, 86400, 300},
    {"change", "cooldown_s", "integer", "s", 0, 86400, 1800},
    {"evacuation", "hold_down_s", "integer", "s", 1, 3600, 60},
    {"evacuation", "return_hold_down_s", "integer", "s", 1, 604800, 1800},
    {"admin", "max_body_bytes", "integer", "bytes", 1024, 67108864, 8388608},
    {"admin", "max_connections", "integer", "", 1, 10000, 256},
    {"admin", "idle_timeout_ms", "integer", "ms", 1000, 600000, 60000},
    {"drc", "max_agents", "integer", "", 1, 100000, 1000},
    {"drc", "max_links", "integer", "", 1, 1000000, 20000},
    {"drc", "skew_bound_ms", "integer", "ms", 0, 10000, 100},
    {"drc", "history_every_s", "integer", "s", 10, 3600, 60},
    {"drc", "history_keep_h", "integer", "h", 1, 720, 24},
    {"drc", "history_max_links", "integer", "", 0, 20000, 1000},
    {"drc", "max_connections", "integer", "", 1, 10000, 256},
    {"drc", "idle_timeout_ms", "integer", "ms", 100, 600000, 15000},
    {"drc", "tls_handshake_ms", "integer", "ms", 100, 60000, 5000},
    {"ha", "cluster_events_per_s", "integer", "1/s", 1, 10000, 20},
    {"ha", "cluster_burst", "integer", "", 1, 100000, 512},
    {"ha", "events_per_s", "integer", "1/s", 1, 10000, 500},
    {"ha", "burst", "integer", "", 1, 100000, 4096},
    {"balancer", "gap_start_percent", "integer", "points", 11, 100, 20},
    {"balancer", "gap_stop_percent", "integer", "points", 1, 19, 10},
    {"balancer", "high_percent", "integer", "%", 71, 100, 75},
    {"balancer", "sustained_s", "integer", "s", 0, 86400, 600},
    {"balancer", "max_share_percent", "integer", "%", 1, 100, 10},
    {"balancer", "max_partitions", "integer", "", 1, 100, 2},
    {"balancer", "max_rounds_per_hour", "integer", "", 1, 60, 2},
    {"balancer", "dwell_s", "integer", "s", 0, 2592000, 21600},
    {"balancer", "max_target_percent", "integer", "%", 1, 74, 70},
    {"balancer", "max_growth_km", "integer", "km", 0, 20100, 600},
    {"balancer", "max_lag_ms", "integer", "ms", 0, 60000, 1000},
    {"spill", "start_percent", "integer", "%", 76, 200, 85},
    {"spill", "stop_percent", "integer", "%", 1, 84, 75},
    {"spill", "max_percent", "integer", "%", 1, 95, 80},
    {"spill", "step_percent", "integer", "points", 1, 95, 5},
    {"spill", "period_s", "integer", "s", 1, 3600, 30},
};

std::vector<ConfigKey> withTableNumbers() {
  std::vector<ConfigKey> keys(std::begin(kNumbers), std::end(kNumbers));
  for (const partition::PullNumber& each : partition::pullNumbers()) {
    keys.push_back({kPulls, each.name, "integer", each.unit, each.min, each.max, each.fallback});
  }
  for (const partition::CheckNumber& each : partition::checkNumbers()) {
    keys.push_back({kChecks, each.name, "integer", each.unit, each.min, each.max, each.fallback});
  }
  keys.insert(keys.end(), tapNumbers().begin(), tapNumbers().end());
  return keys;
}

}  // namespace

const std::vector<ConfigKey>& numericKeys() {
  static const std::vector<ConfigKey> kKeys = withTableNumbers();
  return kKeys;
}

std::vector<std::string> configKeyPaths() {
  std::vector<std::string> paths(std::begin(kStringKeys), std::end(kStringKeys));
  paths.insert(paths.end(), tapTexts().begin(), tapTexts().end());
  for (const std::string_view name : partition::checkTexts())
    paths.push_back(std::string(kChecks) + "." + std::string(name));
  for (const std::string_view name : listenerKeys())
    paths.push_back(std::string(kListeners) + "." + std::string(name));
  for (const std::string_view name : tsigKeyKeys())
    paths.push_back(std::string(kTsigKeys) + "." + std::string(name));
  for (const std::string_view name : partition::pullTexts())
    paths.push_back(std::string(kPulls) + "." + std::string(name));
  for (const ConfigKey& key : numericKeys())
    paths.push_back(std::string(key.section) + "." + std::string(key.name));
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace meridian::server
