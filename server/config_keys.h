// The keys of meridiand's configuration, as docs/config.md has them: a test compares the two.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::server {

// One documented key: what docs/config.md says of it, and what the decoder enforces for numbers.
struct ConfigKey {
  std::string_view section;
  std::string_view name;
  std::string_view type;
  std::string_view unit;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::int64_t fallback = 0;
};
// The keys that hold one number.
const std::vector<ConfigKey>& numericKeys();
// Every key's path as the documentation writes it, e.g. "geo.databases[].path".
std::vector<std::string> configKeyPaths();

}  // namespace meridian::server
