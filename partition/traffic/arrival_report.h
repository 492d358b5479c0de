// One report of arrivals (docs/api.md, POST /v1/arrivals): bytes → value, or every error. Pure;
// fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/config_node.h"
#include "base/diagnostics.h"

namespace meridian::partition {

inline constexpr std::size_t kMaxArrivalLine = std::size_t{4} << 10;  // bytes, without the newline
inline constexpr std::int64_t kMaxArrivals = 1'000'000'000'000;

// {"subject":ID,"ezone":ID,"router":ID,"arrivals":N,"interval_ms":MS,"ts":MS}
struct ArrivalReport {
  std::string subject;           // partition or global zone
  std::string ezone;             // where they came
  std::string router = {};       // of several in one eZone; empty: there is one
  std::int64_t arrivals = 0;     // 0…kMaxArrivals: requests of clients, not what others forwarded
  std::int64_t interval_ms = 1;  // 1…60,000: in so long
  std::int64_t ts = 0;           // ms since 1970: the interval's end
};

// `file` names the source in errors. Members that nobody knows are errors.
Checked<ArrivalReport> decodeArrivalReport(const ConfigNode& node, const std::string& file);
Checked<ArrivalReport> decodeArrivalReport(std::string_view line, const std::string& file);

}  // namespace meridian::partition
