// Who is told of queries: the sections [dnstap] and [query_log] (docs/observation.md).
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/config_reader.h"
#include "dns/tap/tap_settings.h"
#include "server/config_keys.h"

namespace meridian::server {

// Reads both out of `root`; every error goes to the reader's diagnostics. A section without the
// place that it tells is as one that is absent: nobody is told. Relative paths are joined to
// `folder`. Identity and version are left to the caller.
dns::TapSettings decodeTap(ObjectReader& root, const std::filesystem::path& folder);

// Their keys: those that hold a number, and the paths of the others.
const std::vector<ConfigKey>& tapNumbers();
const std::vector<std::string_view>& tapTexts();

}  // namespace meridian::server
