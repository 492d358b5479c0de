// ObjectReader takes the members of one object out of a ConfigNode, checks them, and collects every
// error.
//
//   ObjectReader in(node, "zones[0]", file, problems);
//   const std::string id = in.string("id", {.required = true});
//   const auto ttl = in.integer("ttl", {.min = 0, .max = 86400, .fallback = 30});
//   in.finish();   // members nobody asked for are errors, with the nearest known name
//
// A getter that fails reports and returns the fallback; look at Diagnostics when the whole document
// was read. Does not own node or problems; both must outlive it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_node.h"
#include "base/diagnostics.h"
#include "base/result.h"

namespace meridian {

struct StringRule {
  bool required = false;
  std::string fallback = {};
  std::size_t max_bytes = 4096;
  bool id = false;                            // [a-z0-9][a-z0-9-]{0,47}
  std::vector<std::string_view> one_of = {};  // empty: anything
  // A rule of the caller's; its error's message is the reason.
  Status (*check)(std::string_view text) = nullptr;
};
struct IntegerRule {
  bool required = false;
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::int64_t fallback = 0;
};
struct NumberRule {
  bool required = false;
  double min = std::numeric_limits<double>::lowest();
  double max = std::numeric_limits<double>::max();
  double fallback = 0;
};
struct ArrayRule {
  bool required = false;
  std::size_t min = 0;
  std::size_t max = std::numeric_limits<std::size_t>::max();
};

class ObjectReader {
 public:
  // `path` is the object's own path ("" for the root). A node that is no object is reported once,
  // here.
  ObjectReader(const ConfigNode& node, std::string path, std::string file, Diagnostics& problems);

  bool has(std::string_view key) const { return node_.find(key) != nullptr; }
  std::string string(std::string_view key, const StringRule& rule = {});
  std::int64_t integer(std::string_view key, const IntegerRule& rule = {});
  double number(std::string_view key, const NumberRule& rule = {});
  bool boolean(std::string_view key, bool fallback);
  // The elements, or nullptr when absent or wrong.
  const ConfigNode::Array* array(std::string_view key, const ArrayRule& rule = {});
  std::vector<std::string> strings(std::string_view key, const ArrayRule& rule = {},
                                   const StringRule& each = {});
  // The member object's node, or nullptr when absent or wrong.
  const ConfigNode* object(std::string_view key, bool required = false);
  // Marks a member as known without reading it.
  void ignore(std::string_view key) { known_.insert(std::string(key)); }

  // Reports members that no getter asked for.
  void finish();

  // Reports an error at a member (or at this object when it is absent).
  void error(std::string_view key, std::string reason);
  std::string pathOf(std::string_view key) const;
  const std::string& path() const { return path_; }
  const std::string& file() const { return file_; }
  Diagnostics& problems() { return problems_; }

 private:
  const ConfigNode* take(std::string_view key, bool required);
  void wrongType(std::string_view key, const ConfigNode& node, std::string_view expected);
  void checkString(const std::string& path, const ConfigNode& node, const std::string& text,
                   const StringRule& rule);

  const ConfigNode& node_;
  std::string path_;
  std::string file_;
  Diagnostics& problems_;
  std::set<std::string, std::less<>> known_;
};

bool isId(std::string_view text);
// The name of `known` that `name` most likely is a mistyping of (one edit away, or two where it
// has four bytes or more; the first of equals), or empty.
std::string nearestName(std::string_view name, const std::vector<std::string_view>& known);
std::string elementPath(std::string_view array_path, std::size_t index);

}  // namespace meridian
