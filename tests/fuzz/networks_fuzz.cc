// Whatever the text, a list of networks is sorted and without duplicates, or has errors.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "geo/network_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using meridian::geo::NetworkOverride;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = meridian::geo::parseNetworks(text, "networks");
  if (!parsed) {
    if (parsed.error().empty()) std::abort();
    return 0;
  }
  const auto out_of_order = [](const NetworkOverride& a, const NetworkOverride& b) {
    return !(a.prefix < b.prefix);
  };
  if (std::adjacent_find(parsed->begin(), parsed->end(), out_of_order) != parsed->end()) {
    std::abort();
  }
  return 0;
}
