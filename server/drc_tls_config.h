// The TLS files of the DRC feed: the keys drc.tls_*.
#pragma once

#include <filesystem>
#include <optional>

#include "base/config_reader.h"
#include "base/tls_server.h"

namespace meridian::server {

// Reads them out of the section "drc"; every error goes to the reader's diagnostics. Relative paths
// are joined to `folder`. nullopt: the feed is not encrypted.
std::optional<TlsFiles> decodeDrcTls(ObjectReader& drc, const std::filesystem::path& folder);

}  // namespace meridian::server
