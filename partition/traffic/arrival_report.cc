#include "partition/traffic/arrival_report.h"

#include <fmt/format.h>

#include <utility>

#include "base/config_reader.h"

namespace meridian::partition {
namespace {

constexpr std::int64_t kEndOfYear9999 = 253'402'300'799'999;
constexpr std::int64_t kLongestInterval = 60'000;  // ms: what is older says nothing of now

}  // namespace

Checked<ArrivalReport> decodeArrivalReport(const ConfigNode& node, const std::string& file) {
  Diagnostics problems;
  ObjectReader in(node, "", file, problems);
  ArrivalReport out;
  out.subject = in.string("subject", {.required = true, .id = true});
  out.ezone = in.string("ezone", {.required = true, .id = true});
  if (in.has("router")) out.router = in.string("router", {.id = true});
  out.arrivals = in.integer("arrivals", {.required = true, .min = 0, .max = kMaxArrivals});
  out.interval_ms =
      in.integer("interval_ms", {.required = true, .min = 1, .max = kLongestInterval});
  out.ts = in.integer("ts", {.required = true, .min = 0, .max = kEndOfYear9999});
  in.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return out;
}

Checked<ArrivalReport> decodeArrivalReport(std::string_view line, const std::string& file) {
  if (line.size() > kMaxArrivalLine) {
    Diagnostics problems;
    problems.add({file, 0, 0}, "", "", fmt::format("has more than {} bytes", kMaxArrivalLine));
    return tl::unexpected(std::move(problems));
  }
  const auto node = parseJson(line, file);
  if (!node) return tl::unexpected(node.error());
  return decodeArrivalReport(*node, file);
}

}  // namespace meridian::partition
