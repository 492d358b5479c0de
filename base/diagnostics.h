// All that is wrong with a document, at once: each entry says file:line:column, field, value and
// reason.
//
// Decoders take a Diagnostics& and go on after an error, so that an operator mends a file in one
// round. Bounded: after kMaxDiagnostics entries further ones are only counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace meridian {

struct SourcePlace {
  std::string file;
  std::uint32_t line = 0;    // from 1; 0 = the whole file
  std::uint32_t column = 0;  // from 1; 0 = the whole line

  std::string text() const;  // "file:line:column", without the zero parts
};

struct Diagnostic {
  SourcePlace place;
  std::string field;  // path from the root, e.g. "zones[0].partitions[3].home"; may be empty
  std::string value;  // as written, shortened to kMaxShownValue bytes; may be empty
  std::string reason;

  std::string text() const;  // "file:line:column: field: value: reason"
};

class Diagnostics {
 public:
  static constexpr std::size_t kMaxDiagnostics = 200;
  static constexpr std::size_t kMaxShownValue = 80;

  void add(SourcePlace place, std::string field, std::string_view value, std::string reason);
  void append(const Diagnostics& other);

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size() + dropped_; }
  const std::vector<Diagnostic>& entries() const { return entries_; }
  std::string text() const;  // one line an entry, and a last line if some were dropped

 private:
  std::vector<Diagnostic> entries_;
  std::size_t dropped_ = 0;
};

// A value, or everything that is wrong with the document it should have come from.
template <class T>
using Checked = tl::expected<T, Diagnostics>;

}  // namespace meridian
