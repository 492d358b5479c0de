#include "dns/zone/zone_generate.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace meridian::dns {
namespace {

constexpr std::uint32_t kMaxGenerated = 0x7fff'ffff;
constexpr std::size_t kMaxWidth = 255;

template <class Number>
std::optional<Number> wholeNumber(std::string_view text) {
  Number out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || text.empty() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return out;
}

// What stands before `separator`, which goes too; all of it where there is none.
std::string_view takeUntil(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view out = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return out;
}

// The digits of a reverse name, the least first; `width` counts the dots too.
std::string nibbles(std::uint32_t value, std::size_t width, bool upper) {
  const char* const digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  do {
    if (!out.empty()) out += '.';
    out += digits[value & 0xFU];
    value >>= 4U;
  } while (value != 0 || out.size() + 1 < width);
  return out;
}

std::string inBase(std::uint32_t value, std::size_t width, char base) {
  if (base == 'n' || base == 'N') return nibbles(value, width, base == 'N');
  std::array<char, 32> digits{};
  const int radix = base == 'd' ? 10 : base == 'o' ? 8 : 16;
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, radix);
  std::string out(digits.data(), error == std::errc() ? end : digits.data());
  if (base == 'X') {
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
      return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    });
  }
  return out.size() < width ? std::string(width - out.size(), '0') + out : out;
}

// The inside of ${…}.
Result<std::string> modified(std::string_view text, std::uint32_t number) {
  const auto offset = wholeNumber<std::int64_t>(takeUntil(text, ','));
  const bool has_width = !text.empty();
  const auto width = has_width ? wholeNumber<std::size_t>(takeUntil(text, ',')) : 0;
  const std::string_view base = text.empty() ? "d" : text;
  const bool known =
      base.size() == 1 && std::string_view("doxXnN").find(base[0]) != std::string_view::npos;
  if (!offset || !width || *width > kMaxWidth || !known) {
    return fail(ErrorKind::kInvalid, "is no ${OFFSET,WIDTH,BASE} with a base of d, o, x, X, n, N");
  }
  const std::int64_t value = std::int64_t{number} + *offset;
  if (value < 0 || value > kMaxGenerated) {
    return fail(ErrorKind::kInvalid, "gives " + std::to_string(value) + ", which is out of range");
  }
  return inBase(static_cast<std::uint32_t>(value), *width, base[0]);
}

}  // namespace

Result<GenerateRange> parseGenerateRange(std::string_view text) {
  std::string_view rest = text;
  const auto first = wholeNumber<std::uint32_t>(takeUntil(rest, '-'));
  const auto last = wholeNumber<std::uint32_t>(takeUntil(rest, '/'));
  const bool has_step = text.find('/') != std::string_view::npos;
  const auto step = has_step ? wholeNumber<std::uint32_t>(rest) : 1U;
  if (!first || !last || !step || *step == 0 || *first > *last || *last > kMaxGenerated) {
    return fail(ErrorKind::kInvalid, "must be FIRST-LAST or FIRST-LAST/STEP");
  }
  const GenerateRange out{*first, *last, *step};
  if (out.count() > GenerateRange::kMaxNumbers) {
    return fail(ErrorKind::kTooLarge,
                "has more than " + std::to_string(GenerateRange::kMaxNumbers) + " numbers");
  }
  return out;
}

Result<std::string> generatedText(std::string_view word, std::uint32_t number) {
  std::string out;
  for (std::size_t at = 0; at < word.size(); ++at) {
    const char c = word[at];
    const char next = at + 1 < word.size() ? word[at + 1] : '\0';
    if (c == '\\' && next != '\0') {
      if (next != '$') out += c;
      out += next;
      ++at;
    } else if (c != '$') {
      out += c;
    } else if (next == '$') {
      out += c;
      ++at;
    } else if (next == '{') {
      const std::size_t end = word.find('}', at);
      if (end == std::string_view::npos) return fail(ErrorKind::kInvalid, "${ is not closed");
      auto text = modified(word.substr(at + 2, end - at - 2), number);
      if (!text) return text;
      out += *text;
      at = end;
    } else {
      out += std::to_string(number);
    }
  }
  return out;
}

}  // namespace meridian::dns
