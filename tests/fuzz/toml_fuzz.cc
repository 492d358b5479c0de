// parseToml on any bytes: a tree whose nodes all have a place and are no deeper than promised, or a
// reason.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/config_node.h"
#include "tests/fuzz/config_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto root = meridian::parseToml(text, "fuzz");
  if (root ? !meridian::fuzz::holdsTogether(*root, 1) : root.error().empty()) std::abort();
  return 0;
}
