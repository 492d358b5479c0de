#include "dns/zone/zone_scanner.h"

#include <array>

namespace meridian::dns {
namespace {

// Bytes that end a token or change how it goes on.
constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> out{};
  for (const char c : std::string_view(" \t\r\n;()\"\\\0", 10)) {
    out[static_cast<unsigned char>(c)] = true;
  }
  return out;
}();

}  // namespace

void ZoneScanner::feed(std::string_view text, bool is_last) {
  text_ = text;
  is_last_ = is_last;
  position_ = 0;
  line_start_ = 0;
}

ZoneScanner::Outcome ZoneScanner::next(ZoneEntry& entry, ScanError& error) {
  while (position_ < text_.size()) {
    const std::size_t start = position_;
    const std::uint32_t start_line = line_;
    entry.tokens.clear();
    entry.starts_blank = text_[start] == ' ' || text_[start] == '\t';
    depth_ = 0;
    first_error_ = {};
    Step done = Step::kMore;
    while (done == Step::kMore) done = step(entry);
    if (position_ - start > kMaxEntryBytes) {
      error = {start_line, 0, "longer than 1 MiB"};
      return Outcome::kFatal;
    }
    if (done == Step::kTextEnd && !is_last_) {
      position_ = start;
      line_ = start_line;
      line_start_ = start;
      return Outcome::kNeedText;
    }
    if (depth_ != 0) {
      error = outermost_;
      return Outcome::kFatal;
    }
    if (first_error_.line != 0) {
      error = first_error_;
      return Outcome::kError;
    }
    if (!entry.tokens.empty()) return Outcome::kEntry;
  }
  return is_last_ ? Outcome::kEnd : Outcome::kNeedText;
}

ZoneScanner::Step ZoneScanner::step(ZoneEntry& entry) {
  if (position_ >= text_.size()) return Step::kTextEnd;
  switch (text_[position_]) {
    case ' ':
    case '\t':
    case '\r':
      ++position_;
      return Step::kMore;
    case '\n':
      newLine();
      return depth_ == 0 ? Step::kEntryEnd : Step::kMore;
    case ';':
      skipComment();
      return Step::kMore;
    case '(':
      if (depth_++ == 0) outermost_ = placeOf(position_, "parenthesis is never closed");
      ++position_;
      return Step::kMore;
    case ')':
      if (depth_ == 0) {
        note(position_, "closing parenthesis without an opening one");
      } else {
        --depth_;
      }
      ++position_;
      return Step::kMore;
    default:
      takeToken(entry);
      return Step::kMore;
  }
}

void ZoneScanner::takeToken(ZoneEntry& entry) {
  const std::size_t start = position_;
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (!kSpecial[static_cast<unsigned char>(c)]) {
      ++position_;
    } else if (c == '"') {
      skipQuoted();
    } else if (c == '\\') {
      skipEscape();
    } else if (c == '\0') {
      note(position_++, "NUL byte");
    } else {
      break;
    }
  }
  entry.tokens.push_back({text_.substr(start, position_ - start), line_,
                          static_cast<std::uint32_t>(start - line_start_ + 1)});
}

// A quoted string ends on its own line: otherwise one forgotten quote swallows the file.
void ZoneScanner::skipQuoted() {
  const std::size_t start = position_++;
  while (position_ < text_.size() && text_[position_] != '\n') {
    const char c = text_[position_];
    if (c == '\\') {
      skipEscape();
      continue;
    }
    if (c == '\0') note(position_, "NUL byte");
    ++position_;
    if (c == '"') return;
  }
  note(start, "quote is not closed on its line");
}

void ZoneScanner::skipEscape() {
  ++position_;
  if (position_ >= text_.size() || text_[position_] == '\n' || text_[position_] == '\0') {
    note(position_ - 1, "escape without a character");
  } else {
    ++position_;
  }
}

void ZoneScanner::skipComment() {
  while (position_ < text_.size() && text_[position_] != '\n') {
    if (text_[position_] == '\0') note(position_, "NUL byte");
    ++position_;
  }
}

void ZoneScanner::newLine() {
  ++position_;
  ++line_;
  line_start_ = position_;
}

void ZoneScanner::note(std::size_t at, std::string_view reason) {
  if (first_error_.line == 0) first_error_ = placeOf(at, reason);
}

ScanError ZoneScanner::placeOf(std::size_t at, std::string_view reason) const {
  return {line_, static_cast<std::uint32_t>(at - line_start_ + 1), reason};
}

}  // namespace meridian::dns
