// One load report (docs/api.md, POST /v1/load): bytes → value, or every error. Pure; fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/config_node.h"
#include "base/diagnostics.h"

namespace meridian::partition {

inline constexpr std::size_t kMaxLoadLine = std::size_t{4} << 10;  // bytes, without the newline
// More than anybody has, and small enough that sums of all partitions stay exact enough.
inline constexpr double kMaxLoadUnits = 1e12;

// {"ezone":ID,"partition":ID,"units":N,"capacity_units":N,"ts":MS}
struct LoadReport {
  std::string ezone;
  std::string partition = {};                 // empty: all that the eZone carries
  double units = 0;                           // 0…kMaxLoadUnits
  std::optional<double> capacity_units = {};  // of the eZone, whatever the line is about; > 0
  std::int64_t ts = 0;                        // ms since 1970: when it was measured
};

// `file` names the source in errors. Members that nobody knows are errors.
Checked<LoadReport> decodeLoadReport(const ConfigNode& node, const std::string& file);
Checked<LoadReport> decodeLoadReport(std::string_view line, const std::string& file);

}  // namespace meridian::partition
