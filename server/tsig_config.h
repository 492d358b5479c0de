// Keys that messages are signed with: the [[tsig.keys]] tables of the configuration
// (docs/transfers.md). Their secrets stand in files of their own (server/tsig_files).
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/config_reader.h"
#include "dns/wire/tsig.h"

namespace meridian::server {

struct TsigKeyConfig {
  dns::Name name = {};  // lower-cased
  dns::TsigAlgorithm algorithm = dns::TsigAlgorithm::kHmacSha256;
  std::filesystem::path secret_file = {};
};

// The names of all keys of a table.
const std::vector<std::string_view>& tsigKeyKeys();

// Reads "tsig.keys" of the document; every error goes to the reader's diagnostics. A name stands
// once, whatever its case. Relative paths are joined to `folder`. An absent array is none.
std::vector<TsigKeyConfig> decodeTsigKeys(ObjectReader& root, const std::filesystem::path& folder);

}  // namespace meridian::server
