// What is stored is versioned JSON (docs/journal-format.md): how it is written, and how its members
// are taken out again.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace meridian::partition {

inline constexpr std::uint64_t kStoredFormat = 1;  // member "v"

// Tables of (value, name) pairs. REQUIRES: `kind` is in the table.
template <class Names, class Kind>
std::string_view nameOf(const Names& names, Kind kind) {
  for (const auto& [known, name] : names) {
    if (known == kind) return name;
  }
  return {};
}

// Compact; bytes that are no UTF-8 are replaced.
std::string storedText(const nlohmann::json& json);
// An object of this format, or kCorrupt.
Result<nlohmann::json> parseStored(std::string_view text);

// Takes members out of a JSON object; remembers the first that is missing or of another type, and
// goes on with empty values. `object` must outlive the reader.
class MemberReader {
 public:
  explicit MemberReader(const nlohmann::json& object);

  bool has(const char* key) const { return find(key) != nullptr; }
  std::string string(const char* key);
  std::uint64_t number(const char* key);
  std::int64_t integer(const char* key);
  std::optional<std::uint64_t> numberIfGiven(const char* key);
  bool boolean(const char* key);
  WallTime time(const char* key);  // milliseconds since 1970
  template <class Names>
  auto kind(const char* key, const Names& names) {
    using Kind = typename Names::value_type::first_type;
    const std::string name = string(key);
    for (const auto& [kind, known] : names) {
      if (known == name) return kind;
    }
    wrong(key, "a known kind");
    return Kind{};
  }
  // nullptr when absent or of another type.
  const nlohmann::json* array(const char* key);
  const nlohmann::json* object(const char* key);

  bool ok() const { return problem_.empty(); }
  // kCorrupt. REQUIRES: !ok()
  tl::unexpected<Error> failure() const { return fail(ErrorKind::kCorrupt, problem_); }

 private:
  const nlohmann::json* find(const char* key) const;
  void wrong(const char* key, std::string_view expected);

  const nlohmann::json& object_;
  std::string problem_;
};

}  // namespace meridian::partition
