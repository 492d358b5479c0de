#include "base/config_reader.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

namespace meridian {
namespace {

// Levenshtein distance; keys are short, so the quadratic form is right.
std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

bool isId(std::string_view text) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 48 && letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter_or_digit(c) || c == '-'; });
}

std::string nearestName(std::string_view name, const std::vector<std::string_view>& known) {
  std::string_view best;
  // Further away is no typing mistake; of a short name half must be right.
  std::size_t distance = std::clamp<std::size_t>(name.size() / 2, 1, 2) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t d = editDistance(candidate, name.substr(0, 64));
    if (d < distance) {
      distance = d;
      best = candidate;
    }
  }
  return std::string(best);
}

std::string elementPath(std::string_view array_path, std::size_t index) {
  return fmt::format("{}[{}]", array_path, index);
}

ObjectReader::ObjectReader(const ConfigNode& node, std::string path, std::string file,
                           Diagnostics& problems)
    : node_(node), path_(std::move(path)), file_(std::move(file)), problems_(problems) {
  if (!std::holds_alternative<ConfigNode::Object>(node_.value)) {
    problems_.add({file_, node_.line, node_.column}, path_, node_.shownValue(),
                  fmt::format("must be an object, is {}", node_.typeName()));
  }
}

std::string ObjectReader::pathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const ConfigNode* ObjectReader::take(std::string_view key, bool required) {
  known_.insert(std::string(key));
  const ConfigNode* member = node_.find(key);
  if (member == nullptr && required && std::holds_alternative<ConfigNode::Object>(node_.value)) {
    problems_.add({file_, node_.line, node_.column}, pathOf(key), "", "is missing");
  }
  return member;
}

void ObjectReader::wrongType(std::string_view key, const ConfigNode& node,
                             std::string_view expected) {
  problems_.add({file_, node.line, node.column}, pathOf(key), node.shownValue(),
                fmt::format("must be {}, is {}", expected, node.typeName()));
}

void ObjectReader::checkString(const std::string& path, const ConfigNode& node,
                               const std::string& text, const StringRule& rule) {
  const SourcePlace place{file_, node.line, node.column};
  if (text.size() > rule.max_bytes) {
    problems_.add(place, path, text, fmt::format("is longer than {} bytes", rule.max_bytes));
  } else if (rule.id && !isId(text)) {
    problems_.add(place, path, text,
                  "is no id: 1 to 48 of a-z, 0-9 and '-', starting with a letter or digit");
  } else if (!rule.one_of.empty() &&
             std::find(rule.one_of.begin(), rule.one_of.end(), text) == rule.one_of.end()) {
    problems_.add(place, path, text,
                  fmt::format("must be one of {}", fmt::join(rule.one_of, ", ")));
  } else if (rule.check != nullptr) {
    if (const Status checked = rule.check(text); !checked)
      problems_.add(place, path, text, checked.error().message);
  }
}

std::string ObjectReader::string(std::string_view key, const StringRule& rule) {
  const ConfigNode* node = take(key, rule.required);
  if (node == nullptr) return rule.fallback;
  const auto* text = std::get_if<std::string>(&node->value);
  if (text == nullptr) {
    wrongType(key, *node, "a string");
    return rule.fallback;
  }
  checkString(pathOf(key), *node, *text, rule);
  return *text;
}

std::int64_t ObjectReader::integer(std::string_view key, const IntegerRule& rule) {
  const ConfigNode* node = take(key, rule.required);
  if (node == nullptr) return rule.fallback;
  const auto* number = std::get_if<std::int64_t>(&node->value);
  if (number == nullptr) {
    wrongType(key, *node, "a whole number");
    return rule.fallback;
  }
  if (*number < rule.min || *number > rule.max) {
    problems_.add({file_, node->line, node->column}, pathOf(key), node->shownValue(),
                  fmt::format("must be from {} to {}", rule.min, rule.max));
    return rule.fallback;
  }
  return *number;
}

double ObjectReader::number(std::string_view key, const NumberRule& rule) {
  const ConfigNode* node = take(key, rule.required);
  if (node == nullptr) return rule.fallback;
  double value = 0;
  if (const auto* real = std::get_if<double>(&node->value)) {
    value = *real;
  } else if (const auto* whole = std::get_if<std::int64_t>(&node->value)) {
    value = static_cast<double>(*whole);
  } else {
    wrongType(key, *node, "a number");
    return rule.fallback;
  }
  if (!std::isfinite(value) || value < rule.min || value > rule.max) {
    problems_.add({file_, node->line, node->column}, pathOf(key), node->shownValue(),
                  fmt::format("must be from {} to {}", rule.min, rule.max));
    return rule.fallback;
  }
  return value;
}

bool ObjectReader::boolean(std::string_view key, bool fallback) {
  const ConfigNode* node = take(key, false);
  if (node == nullptr) return fallback;
  const auto* value = std::get_if<bool>(&node->value);
  if (value == nullptr) {
    wrongType(key, *node, "true or false");
    return fallback;
  }
  return *value;
}

const ConfigNode::Array* ObjectReader::array(std::string_view key, const ArrayRule& rule) {
  const ConfigNode* node = take(key, rule.required);
  if (node == nullptr) return nullptr;
  const auto* elements = std::get_if<ConfigNode::Array>(&node->value);
  if (elements == nullptr) {
    wrongType(key, *node, "an array");
    return nullptr;
  }
  if (elements->size() < rule.min || elements->size() > rule.max) {
    problems_.add({file_, node->line, node->column}, pathOf(key), "",
                  fmt::format("has {} elements; must have from {} to {}", elements->size(),
                              rule.min, rule.max));
    return nullptr;
  }
  return elements;
}

std::vector<std::string> ObjectReader::strings(std::string_view key, const ArrayRule& rule,
                                               const StringRule& each) {
  std::vector<std::string> out;
  const ConfigNode::Array* elements = array(key, rule);
  if (elements == nullptr) return out;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const ConfigNode& element = (*elements)[i];
    const std::string path = elementPath(pathOf(key), i);
    if (const auto* text = std::get_if<std::string>(&element.value)) {
      checkString(path, element, *text, each);
      out.push_back(*text);
    } else {
      problems_.add({file_, element.line, element.column}, path, element.shownValue(),
                    fmt::format("must be a string, is {}", element.typeName()));
    }
  }
  return out;
}

const ConfigNode* ObjectReader::object(std::string_view key, bool required) {
  const ConfigNode* node = take(key, required);
  if (node == nullptr) return nullptr;
  if (!std::holds_alternative<ConfigNode::Object>(node->value)) {
    wrongType(key, *node, "an object");
    return nullptr;
  }
  return node;
}

void ObjectReader::finish() {
  const auto* members = std::get_if<ConfigNode::Object>(&node_.value);
  if (members == nullptr) return;
  for (const ConfigNode::Member& member : *members) {
    if (known_.contains(member.key)) continue;
    // A suggestion costs a walk over all names: none for an error that nobody will see.
    const bool seen = problems_.size() < Diagnostics::kMaxDiagnostics;
    const std::string nearest =
        seen ? nearestName(member.key, {known_.begin(), known_.end()}) : std::string();
    problems_.add({file_, member.line, member.column}, pathOf(member.key), "",
                  nearest.empty() ? "is not known here"
                                  : fmt::format("is not known here; did you mean {}?", nearest));
  }
}

void ObjectReader::error(std::string_view key, std::string reason) {
  const ConfigNode* member = node_.find(key);
  const ConfigNode& at = member == nullptr ? node_ : *member;
  problems_.add({file_, at.line, at.column}, pathOf(key), at.shownValue(), std::move(reason));
}

}  // namespace meridian
