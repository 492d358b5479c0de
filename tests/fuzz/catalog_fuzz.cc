// Any records as a catalog: broken, with reasons, or members that say the same when they are
// written and read again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/log.h"
#include "dns/zone/catalog.h"
#include "dns/zone/difference.h"
#include "dns/zone/loader.h"

namespace {

using namespace meridian::dns;

constexpr std::size_t kMaxMembers = 50;
constexpr std::size_t kMaxGroup = 255;  // what one string of a TXT record holds

void require(bool holds) {
  if (!holds) std::abort();
}

bool canBeWritten(const CatalogMember& member) {
  return std::all_of(member.groups.begin(), member.groups.end(),
                     [](const std::string& group) { return group.size() <= kMaxGroup; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  meridian::setLogLevel(meridian::LogLevel::kError);
  const std::string text =
      "$ORIGIN cat.example.\n$TTL 0\n@ SOA invalid. invalid. 1 1 1 1 0\n@ NS invalid.\n" +
      std::string(reinterpret_cast<const char*>(data), size);
  const auto zone = parseZone(text, "fuzz.zone");
  if (!zone) return 0;
  const auto members = readCatalog(**zone, kMaxMembers);
  if (!members) {
    require(!members.error().empty());
    return 0;
  }
  require(members->size() <= kMaxMembers);
  if (!std::all_of(members->begin(), members->end(), canBeWritten)) return 0;
  const auto written = zoneOfRecords(catalogRecords((*zone)->apex(), *members, 2), "fuzz");
  require(written.has_value());
  const auto again = readCatalog(**written, kMaxMembers);
  require(again.has_value() && *again == *members);
  return 0;
}
