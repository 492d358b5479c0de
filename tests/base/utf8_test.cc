#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace meridian {
namespace {

// RFC 3629 §3, without its limits: what the limits must then refuse.
std::string encoded(unsigned code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

TEST(PrintableUtf8, TakesEveryCodePointButControlsAndSurrogates) {
  for (unsigned code = 0; code <= 0x11ffff; ++code) {
    const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    const bool exists = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    ASSERT_EQ(isPrintableUtf8(encoded(code)), exists && !control) << std::hex << code;
  }
}

TEST(PrintableUtf8, RefusesOverlongFormsTornSequencesAndStrayBytes) {
  for (const char* text :
       {"\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\x80", "a\xbf", "\xc3",
        "\xe2\x82", "\xf0\x9f\x98", "\xe2\x28\xa1", "\xe2\x82\x28", "\xff", "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(isPrintableUtf8(text));
  }
  EXPECT_TRUE(isPrintableUtf8(""));
  EXPECT_TRUE(isPrintableUtf8("Überlast in 上海 🙂, move 3"));
}

}  // namespace
}  // namespace meridian
