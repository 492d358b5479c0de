// What must hold of any tree that parseJson() or parseToml() returns: places, depth, no key twice.
#pragma once

#include <cstddef>

#include "base/config_node.h"

namespace meridian::fuzz {

inline bool holdsTogether(const ConfigNode& node, std::size_t depth) {
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

}  // namespace meridian::fuzz
