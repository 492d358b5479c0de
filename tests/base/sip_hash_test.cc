#include "base/sip_hash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace meridian {
namespace {

SipKey countingKey() {
  SipKey key{};
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  return key;
}

std::uint64_t hashOfFirst(std::size_t bytes) {
  std::vector<std::uint8_t> data(bytes);
  std::iota(data.begin(), data.end(), std::uint8_t{0});
  return sipHash24(countingKey(), data);
}

// The paper's own example, and others of its authors' vectors around the word's border.
TEST(SipHash, IsThatOfThePaper) {
  EXPECT_EQ(hashOfFirst(15), 0xA129CA6149BE45E5U);
  EXPECT_EQ(hashOfFirst(0), 0x726FDB47DD0E0E31U);
  EXPECT_EQ(hashOfFirst(1), 0x74F839C593DC67FDU);
  EXPECT_EQ(hashOfFirst(7), 0xAB0200F58B01D137U);
  EXPECT_EQ(hashOfFirst(8), 0x93F5F5799A932462U);
}

TEST(SipHash, DependsOnEveryByteOfKeyAndData) {
  std::vector<std::uint8_t> data(20, 7);
  const SipKey key = countingKey();
  const std::uint64_t whole = sipHash24(key, data);
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto other = data;
    other[i] ^= 1;
    EXPECT_NE(sipHash24(key, other), whole) << i;
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    SipKey other = key;
    other[i] ^= 1;
    EXPECT_NE(sipHash24(other, data), whole) << i;
  }
}

}  // namespace
}  // namespace meridian
