// Listeners beside dns.listen: the [[dns.listeners]] tables of the configuration (docs/config.md).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_reader.h"
#include "base/ip.h"
#include "base/tls_server.h"

namespace meridian::server {

struct ListenerConfig {
  IpEndpoint address = {};
  std::optional<TlsFiles> tls = {};  // DNS over TLS or HTTPS; without: over plain TCP
  std::string doh_path = {};         // over HTTPS: its path; empty: not over HTTPS
  IpPrefixList proxy_from = {};      // peers that are to begin with a PROXY header
};

// The names of all keys of a table.
const std::vector<std::string_view>& listenerKeys();

inline constexpr std::size_t kMaxListeners = 64;

// Reads the array "listeners" of `dns`; every error goes to the reader's diagnostics. An address
// stands once, and not among `taken`, but for port 0. Relative paths are joined to `folder`. An
// absent array is none.
std::vector<ListenerConfig> decodeListeners(ObjectReader& dns, const std::filesystem::path& folder,
                                            const std::vector<IpEndpoint>& taken);

}  // namespace meridian::server
