#include "base/digest.h"

#include <gtest/gtest.h>

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

TEST(Digest, HmacIsThatOfRfc4231) {
  // RFC 4231 §4.3, test case 2.
  EXPECT_EQ(hex(hmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace meridian
