// Whose links are fetched: the [[drc.pull]] tables of the configuration (docs/config.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_reader.h"

namespace meridian::partition {

struct PullConfig {
  std::string agent, dc;             // the one that may speak there, and where it stands
  std::string url;                   // http:// or https://, without query; "/v1/links" is added
  std::filesystem::path token_file;  // of the Authorization header, read at each poll; may be empty
  std::filesystem::path ca_file;     // PEM; empty: the system's authorities
  std::chrono::milliseconds interval{1'000};  // from the begin of one poll to that of the next
  std::chrono::milliseconds timeout{5'000};   // of a whole poll
};

// A key that holds one number, as docs/config.md says it and as it is enforced.
struct PullNumber {
  std::string_view name, unit;
  std::int64_t min = 0, max = 0, fallback = 0;
};
const std::vector<PullNumber>& pullNumbers();
// The names of all other keys.
const std::vector<std::string_view>& pullTexts();

inline constexpr std::size_t kMaxPulls = 256;

// Reads the array "pull" of `drc`; every error goes to the reader's diagnostics. Each agent stands
// once. Relative paths are joined to `folder`. An absent array is none.
std::vector<PullConfig> decodePulls(ObjectReader& drc, const std::filesystem::path& folder);

}  // namespace meridian::partition
