#include "base/signing_key.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/digest.h"

namespace meridian {
namespace {

std::vector<std::uint8_t> fromText(const std::string& encoded) {
  const std::string bytes = fromBase64(encoded).value();
  return {bytes.begin(), bytes.end()};
}

std::vector<std::uint8_t> bytesOf(const std::string& text) {
  return {text.begin(), text.end()};
}

TEST(SigningKey, Ed25519IsThatOfRfc8080) {
  // RFC 8080 §6.1, both examples.
  const auto first = SigningKey::fromPrivate(
      SigningKeyKind::kEd25519, fromText("ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI="));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->publicBytes(), fromText("l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="));
  EXPECT_EQ(first->privateBytes(), fromText("ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI="));
  const auto second = SigningKey::fromPrivate(
      SigningKeyKind::kEd25519, fromText("DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY="));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->publicBytes(), fromText("zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs="));
  // RFC 8032 §7.1, test 1: the empty message.
  const auto third = SigningKey::fromPrivate(
      SigningKeyKind::kEd25519, fromText("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="));
  ASSERT_TRUE(third);
  EXPECT_EQ(hex(third->sign({})),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
}

TEST(SigningKey, EcdsaIsThatOfRfc6605) {
  // RFC 6605 §6.1.
  const auto key = SigningKey::fromPrivate(
      SigningKeyKind::kEcdsaP256, fromText("GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ="));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->publicBytes(), fromText("GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edb"
                                         "krSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA=="));
  EXPECT_EQ(key->privateBytes(), fromText("GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ="));
}

TEST(SigningKey, WhatItSignsVerifiesAndNothingElse) {
  for (const SigningKeyKind kind : {SigningKeyKind::kEcdsaP256, SigningKeyKind::kEd25519}) {
    const auto key = SigningKey::generate(kind);
    ASSERT_TRUE(key);
    const auto again = SigningKey::fromPrivate(kind, key->privateBytes());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->publicBytes(), key->publicBytes());
    const std::vector<std::uint8_t> data = bytesOf("what is signed");
    // ECDSA's numbers are shorter than 32 bytes now and then: one of 128 times.
    for (int i = 0; i < 1'000; ++i) {
      const SignatureBytes signature = again->sign(data);
      ASSERT_TRUE(verifies(kind, key->publicBytes(), data, signature)) << i;
    }
    SignatureBytes wrong = key->sign(data);
    wrong[5] ^= 1U;
    EXPECT_FALSE(verifies(kind, key->publicBytes(), data, wrong));
    EXPECT_FALSE(verifies(kind, key->publicBytes(), bytesOf("what is signet"), key->sign(data)));
    EXPECT_FALSE(verifies(kind, SigningKey::generate(kind)->publicBytes(), data, key->sign(data)));
    EXPECT_FALSE(verifies(kind, std::vector<std::uint8_t>(7), data, key->sign(data)));
  }
}

TEST(SigningKey, BytesThatAreNoKeyAreRefused) {
  const std::vector<std::uint8_t> order = fromText("/////wAAAAD//////////7zm+q2nF56E87nKwvxjJVE=");
  EXPECT_FALSE(SigningKey::fromPrivate(SigningKeyKind::kEcdsaP256, order));
  std::vector<std::uint8_t> last = order;
  last.back() -= 1;
  EXPECT_TRUE(SigningKey::fromPrivate(SigningKeyKind::kEcdsaP256, last));
  EXPECT_FALSE(SigningKey::fromPrivate(SigningKeyKind::kEcdsaP256, std::vector<std::uint8_t>(32)));
  for (const SigningKeyKind kind : {SigningKeyKind::kEcdsaP256, SigningKeyKind::kEd25519}) {
    EXPECT_FALSE(SigningKey::fromPrivate(kind, std::vector<std::uint8_t>(31, 1)));
    EXPECT_FALSE(SigningKey::fromPrivate(kind, std::vector<std::uint8_t>(33, 1)));
  }
}

}  // namespace
}  // namespace meridian
