// Whatever the bytes of a load report: a value within its bounds, or a reason; and the book that it
// goes into never has a load that is no number.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "partition/load/load_book.h"

namespace {

using namespace meridian;
using namespace meridian::partition;

Topology twoRooms() {
  Topology topology;
  topology.datacenters.push_back({"a", "r", {1, 1}, 100.0});
  topology.ezones = {{"a", DcIx(0), 0}, {"a-b", DcIx(0), 1}};
  Partition partition;
  partition.id = "p";
  partition.allowed = {EZoneIx(0)};
  topology.partitions.push_back(partition);
  return topology;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto report = decodeLoadReport(text, "fuzz");
  if (!report) {
    if (report.error().empty()) std::abort();
    return 0;
  }
  if (report->ezone.empty() || !(report->units >= 0) || report->units > kMaxLoadUnits ||
      report->ts < 0 || (report->capacity_units && !(*report->capacity_units > 0)))
    std::abort();
  static const Topology topology = twoRooms();
  static const LoadIds ids(topology);
  AssignmentTable table;
  table.assignments.resize(1);
  LoadBook book;
  LoadTime now{MonotonicTime{}, WallTime{std::chrono::milliseconds(1'730'000'000'000)}};
  for (int i = 0; i < 2; ++i) {
    const LoadOutcome outcome = book.report(*report, ids, now);
    if (outcome == LoadOutcome::kBadNumber || outcome == LoadOutcome::kMalformed) std::abort();
    now.mono += std::chrono::seconds(7);
  }
  const LoadPicture picture = book.picture(topology, table, now.mono);
  for (const EZoneLoad& each : picture.ezones) {
    if (each.units && !std::isfinite(*each.units)) std::abort();
    if (each.utilisation() && !(*each.utilisation() >= 0)) std::abort();
  }
  if (picture.partitions[0].units && !(*picture.partitions[0].units >= 0)) std::abort();
  return 0;
}
