// parseJson on any bytes: a tree whose nodes all have a place and are no deeper than promised, or a
// reason.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/config_node.h"

namespace {

using meridian::ConfigNode;

bool holdsTogether(const ConfigNode& node, std::size_t depth) {
  if (node.line == 0 || node.column == 0) return false;
  if (const auto* elements = std::get_if<ConfigNode::Array>(&node.value)) {
    if (depth > ConfigNode::kMaxDepth) return false;
    for (const ConfigNode& element : *elements) {
      if (!holdsTogether(element, depth + 1)) return false;
    }
  }
  if (const auto* members = std::get_if<ConfigNode::Object>(&node.value)) {
    if (depth > ConfigNode::kMaxDepth) return false;
    for (const ConfigNode::Member& member : *members) {
      if (!holdsTogether(member.node, depth + 1)) return false;
      if (node.find(member.key) != &member.node) return false;  // no key stands twice
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto root = meridian::parseJson(text, "fuzz");
  if (root ? !holdsTogether(*root, 1) : root.error().empty()) std::abort();
  return 0;
}
