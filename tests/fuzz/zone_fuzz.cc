// Any bytes as a zone file: refused with a place, or a zone in which every name is found again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/log.h"
#include "dns/zone/loader.h"

namespace {

using meridian::dns::Name;
using meridian::dns::RrsetView;
using meridian::dns::Zone;

void require(bool holds) {
  if (!holds) std::abort();
}

void checkLookups(const Zone& zone) {
  const Name apex{zone.apex()};
  require(zone.find(apex).kind == Zone::MatchKind::kExact);
  require(!zone.negativeSoa().empty());
  std::size_t found = 0;
  for (const RrsetView& rrset : zone.rrsets(zone.find(apex).node)) {
    require(!rrset.empty() && rrset.firstRdata().size() < rrset.rendered.size());
    found += rrset.count;
  }
  require(found >= 2 && found <= zone.recordCount());
  const auto below = Name::parse("x.*.y." + apex.text());
  if (below) {
    const Zone::Match match = zone.find(below->lowered());
    require(match.encloser_labels >= apex.view().labelCount());
    require(Name(zone.nodeName(match.node)).lowered().view().isWithin(apex));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  meridian::setLogLevel(meridian::LogLevel::kError);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto zone = meridian::dns::parseZone(text, "fuzz.zone");
  if (zone) {
    checkLookups(**zone);
  } else {
    require(!zone.error().empty());
  }
  return 0;
}
