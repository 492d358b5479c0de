// A parsed TOML or JSON document in which every value knows where it stands.
//
// One tree for both formats lets one set of decoders (config_reader.h) report file:line:column for
// either. Bounds: text ≤ the caller's limit, nesting ≤ kMaxDepth, and duplicate keys are errors
// (RFC 8259 §4 leaves them open; two readers that pick different ones would disagree about who owns
// a partition).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/diagnostics.h"

namespace meridian {

class ConfigNode {
 public:
  static constexpr std::size_t kMaxDepth = 64;

  struct Member;
  using Array = std::vector<ConfigNode>;
  using Object = std::vector<Member>;  // in document order
  using Value =
      std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object>;

  Value value;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  // The member's node, or nullptr when this is no object or has no such member.
  const ConfigNode* find(std::string_view key) const;
  // How a value of this type is called in an error: "a string", "an object", …
  std::string_view typeName() const;
  // A scalar as text, for error messages; empty for arrays and objects.
  std::string shownValue() const;
};

struct ConfigNode::Member {
  std::string key;
  std::uint32_t line = 0;  // of the key
  std::uint32_t column = 0;
  ConfigNode node;
};

Checked<ConfigNode> parseToml(std::string_view text, const std::string& file);
Checked<ConfigNode> parseJson(std::string_view text, const std::string& file);

}  // namespace meridian
