// One documented key of the configuration.
#pragma once

#include <cstdint>
#include <string_view>

namespace meridian::server {

// What docs/config.md says of it, and what the decoder enforces for numbers.
struct ConfigKey {
  std::string_view section;
  std::string_view name;
  std::string_view type;
  std::string_view unit;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::int64_t fallback = 0;
};

}  // namespace meridian::server
