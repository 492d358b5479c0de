// Whatever the bytes of a report of arrivals: a value within its bounds, or a reason; and the book
// that it goes into never has a share that is none.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "partition/traffic/arrivals.h"

namespace {

using namespace meridian;
using namespace meridian::partition;

MapSnapshot oneSubject() {
  auto topology = std::make_shared<Topology>();
  topology->ezones = {{"a", DcIx(0), 0}, {"b", DcIx(0), 1}};
  auto table = std::make_shared<AssignmentTable>();
  table->assignments.resize(1);
  table->assignments[0].subject = std::string(1, 'p');
  return {topology, table};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto report = decodeArrivalReport(text, "fuzz");
  if (!report) {
    if (report.error().empty()) std::abort();
    return 0;
  }
  if (report->subject.empty() || report->ezone.empty() || report->arrivals < 0 ||
      report->arrivals > kMaxArrivals || report->interval_ms < 1 || report->interval_ms > 60'000) {
    std::abort();
  }
  static const MapSnapshot map = oneSubject();
  static const ArrivalIds ids(map);
  ArrivalBook book;
  const ArrivalTime now{MonotonicTime{}, WallTime{std::chrono::milliseconds(1'730'000'000'000)}};
  book.report(*report, ids, now);
  for (const char* room : {"a", "b"}) {
    const auto share = book.share("p", room, now.mono);
    if (share && !(*share >= 0 && *share <= 1)) std::abort();
  }
  return 0;
}
