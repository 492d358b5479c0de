// The operator's network overrides: CIDR → partition, or CIDR → coordinates (docs/topology.md
// "Network overrides").
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/diagnostics.h"
#include "base/ip.h"
#include "geo/location.h"

namespace meridian::geo {

struct NetworkOverride {
  IpPrefix prefix;
  std::variant<std::string, Location> target;  // partition id, or a location (its point always set)
  SourcePlace place;
};

inline constexpr std::size_t kMaxNetworkFileBytes = std::size_t{256} << 20;

// Sorted by prefix; the same prefix twice is an error, and so is an IPv6 prefix inside an alias of
// geo/prefix_table.h, because its addresses have the answer of the IPv4 address they carry.
Checked<std::vector<NetworkOverride>> parseNetworks(std::string_view text, const std::string& file);
// All files together; the same prefix twice is an error wherever it stands.
Checked<std::vector<NetworkOverride>> loadNetworks(const std::vector<std::filesystem::path>& files);

}  // namespace meridian::geo
