// $GENERATE: one entry of a zone file for each number of a range. The form is BIND's ("BIND 9
// Administrator Reference Manual", "BIND Primary File Extension"), which others read too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meridian::dns {

struct GenerateRange {
  static constexpr std::uint64_t kMaxNumbers = 1'000'000;

  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::uint32_t step = 1;

  std::uint64_t count() const { return (std::uint64_t{last} - first) / step + 1; }
};

// "1-254", "0-10/2". kInvalid; kTooLarge: more than kMaxNumbers.
Result<GenerateRange> parseGenerateRange(std::string_view text);

// A word of the entry for one number: "$" is the number, "${OFFSET,WIDTH,BASE}" the number plus an
// offset, with at least WIDTH digits, in base d, o, x, X, or as the nibbles n, N of a reverse name;
// "\$" and "$$" are a dollar. kInvalid.
Result<std::string> generatedText(std::string_view word, std::uint32_t number);

}  // namespace meridian::dns
