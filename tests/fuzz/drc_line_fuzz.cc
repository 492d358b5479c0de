// Whatever the bytes of a feed line or a position: a value within its bounds, or a reason.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "partition/drc/feed_line.h"
#include "partition/drc/position.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian::partition;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = decodeFeedLine(text);
  if (!line && line.error().text.empty()) std::abort();
  if (line) {
    if (const auto* link = std::get_if<LinkLine>(&*line)) {
      if (link->seq == 0 || link->source.empty() || link->source == link->target) std::abort();
      if (link->src_pos.size() > kMaxPosition || link->conflicts.unresolved < 0) std::abort();
    }
  }
  if (const auto set = GtidSet::parse(text)) {
    const auto again = GtidSet::parse(set->text());
    // The canonical text may be longer than what is read: dashes of a source stand once an
    // interval.
    if (again && *again != *set) std::abort();
    if (!set->contains(*set) || !positionContains(text, text)) std::abort();
  }
  return 0;
}
