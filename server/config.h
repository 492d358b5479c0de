// meridiand's configuration: TOML → values, every error at once (the keys of docs/config.md:
// server/config_keys.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/tls_server.h"
#include "dns/net/rate_limiter.h"
#include "dns/tap/tap_settings.h"
#include "dns/transfer/secondary_limits.h"
#include "geo/catalogue.h"
#include "geo/fence.h"
#include "geo/mmdb.h"
#include "partition/change/change.h"
#include "partition/drc/link_history.h"
#include "partition/drc/link_record.h"
#include "partition/drc/pull_config.h"
#include "partition/ha/ha_service.h"
#include "partition/health/check_config.h"
#include "partition/hooks/hook_config.h"
#include "partition/load/balance_service.h"
#include "partition/load/spill.h"
#include "partition/site/site_patrol.h"
#include "server/listener_config.h"
#include "server/tsig_config.h"
#include "server/zone_config.h"

namespace meridian::server {

// Paths are absolute or relative to the working directory: those of the file were joined to the
// file's folder.
struct Config {
  std::string node_id;
  std::filesystem::path state_dir;

  std::vector<IpEndpoint> dns_listen;
  std::vector<ListenerConfig> dns_listeners;  // beside those
  std::size_t udp_workers = 0;                // for each address; 0 = one a core
  std::size_t tcp_max_connections = 0;
  std::size_t tcp_max_per_client = 0;
  std::chrono::milliseconds tcp_idle_timeout{};
  std::chrono::milliseconds tcp_write_timeout{};
  std::chrono::milliseconds handshake_timeout{};
  IpPrefixList explain_from;
  IpPrefixList location_option_from;
  // Small ones stand together, whatever they are of.
  LogLevel log_level = LogLevel::kInfo;
  partition::BalanceMode balancer_mode = partition::BalanceMode::kAdvise;
  std::uint16_t location_option_code = 0;
  std::uint16_t udp_payload_max = 0;
  std::uint16_t tcp_fast_open = 0;  // connections in its queue; 0: off
  bool minimal_responses = false;
  bool cookies = true;
  bool limit_rates = false;                  // by rate_limits
  std::filesystem::path cookie_secret_file;  // empty: a secret of this process alone
  dns::RateLimits rate_limits;
  std::filesystem::path zones_dir;
  std::vector<dns::ZonePolicy> zone_policies;
  std::vector<TsigKeyConfig> tsig_keys;
  dns::SecondaryLimits transfers_in;

  std::filesystem::path topology_file;
  unsigned max_moved_percent = 0;  // of a zone's places, by one topology without a confirmation

  std::vector<std::filesystem::path> networks;
  std::vector<geo::MmdbSource> databases;
  std::vector<geo::FenceSource> fences;
  std::vector<geo::CatalogueSource> catalogues;

  std::vector<partition::CheckConfig> health_checks;
  std::size_t health_max_probes = 0;         // that run at a time
  std::vector<partition::HookConfig> hooks;  // docs/hooks.md
  partition::HaConfig ha;

  partition::ChangePolicy change;
  partition::PatrolPolicy evacuation;

  dns::TapSettings tap;  // but for the version
  IpEndpoint admin_listen;
  std::size_t admin_max_body_bytes = 0;
  std::size_t admin_max_connections = 0;
  std::chrono::milliseconds admin_idle_timeout{};

  partition::LinkLimits drc_limits;
  partition::HistoryPolicy drc_history;
  std::size_t drc_max_connections = 0;
  std::optional<IpEndpoint> drc_listen;
  std::chrono::milliseconds drc_idle_timeout{};
  std::optional<TlsFiles> drc_tls;
  std::chrono::milliseconds drc_tls_handshake{};
  std::vector<partition::PullConfig> drc_pulls;

  partition::BalancePolicy balancer;
  partition::SpillPolicy spill;
};

Checked<Config> parseConfig(std::string_view text, const std::filesystem::path& file);
Checked<Config> loadConfig(const std::filesystem::path& file);

}  // namespace meridian::server
