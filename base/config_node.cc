#include "base/config_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#define TOML_EXCEPTIONS 0
// toml++ 3.3 asserts what a document can cause ("[" and a control byte), and without asserts
// assumes it, which is worse. As nothing at all its own error path reports the byte
// (tests/fuzz/toml_fuzz.cc).
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/toml.h>

namespace meridian {
namespace {

// Byte offsets → line and column; offsets are asked for in rising order.
class LineCounter {
 public:
  explicit LineCounter(std::string_view text) : text_(text) {}
  std::pair<std::uint32_t, std::uint32_t> at(std::size_t offset) {
    for (offset = std::min(offset, text_.size()); position_ < offset; ++position_) {
      if (text_[position_] == '\n') {
        ++line_;
        line_start_ = position_ + 1;
      }
    }
    return {line_, static_cast<std::uint32_t>(offset - line_start_ + 1)};
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t line_ = 1;
};

// An input iterator that tells the SAX handler how far the lexer has read.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* consumed) : at_(at), consumed_(consumed) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*consumed_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* consumed_;
};

// Builds the tree. A token starts at the first byte after the previous token that is no space,
// comma or colon: the lexer may have read one delimiter too far behind a number, and skipping those
// makes that harmless.
class JsonBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonBuilder(std::string_view text, const std::string& file, const std::size_t* consumed,
              Diagnostics& problems)
      : text_(text), file_(file), consumed_(consumed), lines_(text), problems_(problems) {}

  ConfigNode takeRoot() { return std::move(root_); }

  bool null() override { return place(std::monostate{}); }
  bool boolean(bool value) override { return place(value); }
  bool number_integer(number_integer_t value) override { return place(std::int64_t{value}); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return place(static_cast<double>(value));
    }
    return place(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return place(value); }
  bool string(string_t& value) override { return place(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON text has none

  bool start_object(std::size_t) override { return open(ConfigNode::Object{}); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(ConfigNode::Array{}); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const auto [line, column] = tokenPlace();
    auto& members = std::get<ConfigNode::Object>(stack_.back()->value);
    if (!keys_.back().insert(name).second) {
      problems_.add({file_, line, column}, name, "", "stands twice in this object");
      return false;
    }
    members.push_back({std::move(name), line, column, {}});
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    const auto [line, column] = lines_.at(position == 0 ? 0 : position - 1);
    // "[json.exception.parse_error.101] parse error at line 1, column 2: WHAT": only WHAT is news.
    std::string_view what = error.what();
    for (const std::string_view mark : {"column ", ": "}) {
      if (const auto at = what.find(mark); at != std::string_view::npos)
        what.remove_prefix(at + mark.size());
    }
    problems_.add({file_, line, column}, "", "", "is not JSON: " + std::string(what));
    return false;
  }

 private:
  std::pair<std::uint32_t, std::uint32_t> tokenPlace() {
    std::size_t at = token_end_;
    while (at < text_.size() &&
           std::string_view(" \t\r\n,:").find(text_[at]) != std::string_view::npos)
      ++at;
    token_end_ = *consumed_;
    return lines_.at(at);
  }

  // Puts a value where the document has it and returns the place.
  ConfigNode* put(ConfigNode::Value value) {
    const auto [line, column] = tokenPlace();
    ConfigNode node{std::move(value), line, column};
    if (stack_.empty()) {
      root_ = std::move(node);
      return &root_;
    }
    if (auto* elements = std::get_if<ConfigNode::Array>(&stack_.back()->value)) {
      elements->push_back(std::move(node));
      return &elements->back();
    }
    auto& members = std::get<ConfigNode::Object>(stack_.back()->value);
    members.back().node = std::move(node);
    return &members.back().node;
  }
  bool place(ConfigNode::Value value) {
    put(std::move(value));
    return true;
  }
  // A pointer into a growing parent stays right: the parent does not grow while its last child is
  // open.
  bool open(ConfigNode::Value value) {
    ConfigNode* node = put(std::move(value));
    if (stack_.size() >= ConfigNode::kMaxDepth) {
      problems_.add({file_, node->line, node->column}, "", "",
                    fmt::format("is nested deeper than {}", ConfigNode::kMaxDepth));
      return false;
    }
    stack_.push_back(node);
    keys_.emplace_back();
    return true;
  }
  bool close() {
    tokenPlace();
    stack_.pop_back();
    keys_.pop_back();
    return true;
  }

  std::string_view text_;
  const std::string& file_;
  const std::size_t* consumed_;
  std::size_t token_end_ = 0;
  LineCounter lines_;
  Diagnostics& problems_;
  ConfigNode root_;
  std::vector<ConfigNode*> stack_;
  std::vector<std::set<std::string, std::less<>>> keys_;
};

// The end of the TOML string that starts at `at` with a quote; npos when it has none, which is for
// the parser to say.
std::size_t endOfTomlString(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string fence(3, quote);
  const bool multi_line = text.substr(at, 3) == fence;
  for (std::size_t i = at + (multi_line ? 3 : 1); i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (multi_line && text.substr(i, 3) == fence) {
      // Up to two quotes may stand before the closing three.
      std::size_t end = i + 3;
      while (end < i + 5 && end < text.size() && text[end] == quote) ++end;
      return end;
    } else if (!multi_line && text[i] == quote) {
      return i + 1;
    } else if (!multi_line && text[i] == '\n') {
      return std::string_view::npos;
    }
  }
  return std::string_view::npos;
}

// Where a byte outside ASCII stands outside strings and comments; npos: nowhere. TOML 1.0 allows
// none there, and toml++ 3.3 has undefined behaviour for some (a bare "ä = 1"), so they must not
// reach it.
std::size_t strayTomlByte(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  std::size_t at = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) >= 0x80) return at;
    if (text[at] == '#') {
      at = text.find('\n', at);
    } else if (text[at] == '"' || text[at] == '\'') {
      at = endOfTomlString(text, at);
    } else {
      ++at;
    }
  }
  return std::string_view::npos;
}

std::pair<std::uint32_t, std::uint32_t> placeOf(const toml::source_region& source) {
  return {source.begin.line, source.begin.column};
}

// Recursion is bounded by toml++ itself, which refuses more than TOML_MAX_NESTED_VALUES levels.
ConfigNode fromToml(const toml::node& node, const std::string& file, Diagnostics& problems) {
  ConfigNode out;
  std::tie(out.line, out.column) = placeOf(node.source());
  if (const auto* table = node.as_table()) {
    ConfigNode::Object members;
    for (const auto& [key, child] : *table) {
      const auto [line, column] = placeOf(key.source());
      members.push_back({std::string(key.str()), line, column, fromToml(child, file, problems)});
    }
    // toml++ orders keys by name; an operator reads errors in the order of the file.
    std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
    out.value = std::move(members);
  } else if (const auto* array = node.as_array()) {
    ConfigNode::Array elements;
    for (const auto& child : *array) elements.push_back(fromToml(child, file, problems));
    out.value = std::move(elements);
  } else if (const auto* text = node.as_string()) {
    out.value = text->get();
  } else if (const auto* whole = node.as_integer()) {
    out.value = whole->get();
  } else if (const auto* real = node.as_floating_point()) {
    out.value = real->get();
  } else if (const auto* flag = node.as_boolean()) {
    out.value = flag->get();
  } else {
    problems.add({file, out.line, out.column}, "", "",
                 "dates and times are not used in this document");
  }
  return out;
}

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view key) const {
  const auto* members = std::get_if<Object>(&value);
  if (members == nullptr) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(),
                                  [&](const Member& member) { return member.key == key; });
  return found == members->end() ? nullptr : &found->node;
}

std::string_view ConfigNode::typeName() const {
  constexpr std::string_view kNames[] = {"null",     "true or false", "a whole number", "a number",
                                         "a string", "an array",      "an object"};
  return kNames[value.index()];
}

std::string ConfigNode::shownValue() const {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *whole);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return {};
}

Checked<ConfigNode> parseToml(std::string_view text, const std::string& file) {
  Diagnostics problems;
  if (const std::size_t stray = strayTomlByte(text); stray != std::string_view::npos) {
    const auto [line, column] = LineCounter(text).at(stray);
    problems.add({file, line, column}, "", "",
                 "is not TOML: letters outside ASCII must stand in quotes");
    return tl::unexpected(problems);
  }
  const toml::parse_result parsed = toml::parse(text, std::string_view(file));
  if (!parsed) {
    const auto [line, column] = placeOf(parsed.error().source());
    problems.add({file, line, column}, "", "",
                 "is not TOML: " + std::string(parsed.error().description()));
    return tl::unexpected(problems);
  }
  ConfigNode root = fromToml(parsed.table(), file, problems);
  if (!problems.empty()) return tl::unexpected(problems);
  return root;
}

Checked<ConfigNode> parseJson(std::string_view text, const std::string& file) {
  Diagnostics problems;
  std::size_t consumed = 0;
  JsonBuilder builder(text, file, &consumed, problems);
  const bool complete =
      nlohmann::json::sax_parse(CountingIterator(text.data(), &consumed),
                                CountingIterator(text.data() + text.size(), &consumed), &builder);
  if (!complete || !problems.empty()) {
    if (problems.empty()) problems.add({file, 1, 1}, "", "", "is not JSON");
    return tl::unexpected(problems);
  }
  return builder.takeRoot();
}

}  // namespace meridian
