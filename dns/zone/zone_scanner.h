// ZoneScanner: the text of a zone file → entries of tokens (RFC 1035 §5.1): comments, parentheses,
// quotes and escapes are understood here, and each token knows its line and column.
//
// The text may come in pieces, so that a file is never in memory as a whole. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace meridian::dns {

// Longer lines (an entry in parentheses counts as one) are refused: no record needs as much.
inline constexpr std::size_t kMaxEntryBytes = std::size_t{1} << 20;

struct ZoneToken {
  std::string_view text;  // as written, quotes and escapes included
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct ZoneEntry {
  std::vector<ZoneToken> tokens;  // at least one
  bool starts_blank = false;      // no owner of its own (RFC 1035 §5.1)
};

struct ScanError {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string_view reason;
};

class ZoneScanner {
 public:
  enum class Outcome : std::uint8_t {
    kEntry,     // `entry` is filled; its views live as long as the text fed
    kError,     // `error` is filled; the entry was skipped
    kFatal,     // `error` is filled; nothing after it can be understood
    kNeedText,  // what is left is no whole entry: feed it again with more behind it
    kEnd,
  };

  // `text` begins where the text before was consumed() up to. `is_last`: the file ends with it.
  void feed(std::string_view text, bool is_last);
  Outcome next(ZoneEntry& entry, ScanError& error);
  // Bytes of the text fed that need not be fed again.
  std::size_t consumed() const { return position_; }

 private:
  enum class Step : std::uint8_t { kMore, kEntryEnd, kTextEnd };

  Step step(ZoneEntry& entry);
  void takeToken(ZoneEntry& entry);
  void skipQuoted();
  void skipEscape();
  void skipComment();
  void newLine();
  void note(std::size_t at, std::string_view reason);
  ScanError placeOf(std::size_t at, std::string_view reason) const;

  std::string_view text_;
  bool is_last_ = true;
  std::size_t position_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t line_ = 1;
  std::uint32_t depth_ = 0;  // of parentheses
  ScanError outermost_;      // where the outermost open parenthesis stands
  ScanError first_error_;    // of this entry; line 0 = none
};

}  // namespace meridian::dns
