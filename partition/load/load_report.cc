#include "partition/load/load_report.h"

#include <fmt/format.h>

#include <utility>

#include "base/config_reader.h"

namespace meridian::partition {
namespace {

// A capacity of nothing would make every load infinite; what is below this is a mistake.
constexpr double kMinCapacity = 1e-6;
constexpr std::int64_t kEndOfTime = 253'402'300'799'999;  // the end of year 9999

}  // namespace

Checked<LoadReport> decodeLoadReport(const ConfigNode& node, const std::string& file) {
  Diagnostics problems;
  ObjectReader in(node, "", file, problems);
  LoadReport out;
  out.ezone = in.string("ezone", {.required = true, .id = true});
  if (in.has("partition")) out.partition = in.string("partition", {.id = true});
  out.units = in.number("units", {.required = true, .min = 0, .max = kMaxLoadUnits});
  if (in.has("capacity_units")) {
    out.capacity_units =
        in.number("capacity_units", {.min = kMinCapacity, .max = kMaxLoadUnits, .fallback = 1});
  }
  out.ts = in.integer("ts", {.required = true, .min = 0, .max = kEndOfTime});
  in.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return out;
}

Checked<LoadReport> decodeLoadReport(std::string_view line, const std::string& file) {
  if (line.size() > kMaxLoadLine) {
    Diagnostics problems;
    problems.add({file, 0, 0}, "", "", fmt::format("has more than {} bytes", kMaxLoadLine));
    return tl::unexpected(std::move(problems));
  }
  const auto node = parseJson(line, file);
  if (!node) return tl::unexpected(node.error());
  return decodeLoadReport(*node, file);
}

}  // namespace meridian::partition
