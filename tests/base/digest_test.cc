#include "base/digest.h"

#include <gtest/gtest.h>

#include <span>
#include <utility>
#include <vector>

namespace meridian {
namespace {

TEST(Digest, Base64IsStrictBothWays) {
  const std::pair<std::string, std::string> known[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(base64(std::vector<std::uint8_t>(bytes.begin(), bytes.end())), text);
    EXPECT_EQ(fromBase64(text).value(), bytes);
  }
  for (const char* wrong :
       {"Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm-_", "===="})
    EXPECT_FALSE(fromBase64(wrong)) << wrong;
}

TEST(Digest, Sha1IsThatOfRfc3174WhereverTheBytesAreCut) {
  // RFC 3174 §7.3, test 1 and the empty text.
  const std::vector<std::uint8_t> abc{'a', 'b', 'c'};
  for (std::size_t cut = 0; cut <= abc.size(); ++cut) {
    const std::span<const std::uint8_t> bytes(abc);
    EXPECT_EQ(hex(sha1(bytes.first(cut), bytes.subspan(cut))),
              "a9993e364706816aba3e25717850c26c9cd0d89d");
  }
  EXPECT_EQ(hex(sha1({}, {})), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST(Digest, HmacIsThatOfRfc4231) {
  // RFC 4231 §4.3, test case 2.
  EXPECT_EQ(hex(hmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace meridian
