#include "base/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
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

std::string partsHmac(HashKind kind, std::string_view key, std::string_view data,
                      std::size_t part) {
  Hmac hmac(kind, key);
  const std::vector<std::uint8_t> bytes(data.begin(), data.end());
  for (std::size_t at = 0; at < bytes.size(); at += part)
    hmac.add(std::span(bytes).subspan(at, std::min(part, bytes.size() - at)));
  const Mac mac = hmac.finish();
  EXPECT_EQ(mac.size, hashBytes(kind));
  return hex(mac.view());
}

TEST(Digest, HmacInPartsIsThatOfTheRfcsForEachHash) {
  // RFC 2202 §3 and RFC 4231 §4.3, test case 2 of both.
  const std::pair<HashKind, std::string> known[] = {
      {HashKind::kSha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
      {HashKind::kSha224, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"},
      {HashKind::kSha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {HashKind::kSha384,
       "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
       "8e2240ca5e69e2c78b3239ecfab21649"},
      {HashKind::kSha512,
       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
       "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}};
  for (const auto& [kind, mac] : known) {
    for (const std::size_t part : {1U, 7U, 100U}) {
      EXPECT_EQ(partsHmac(kind, "Jefe", "what do ya want for nothing?", part), mac) << part;
    }
  }
  EXPECT_EQ(partsHmac(HashKind::kSha256, std::string(131, '\xaa'),
                      "Test Using Larger Than Block-Size Key - Hash Key First", 20),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
      << "RFC 4231 §4.7";
}

}  // namespace
}  // namespace meridian
