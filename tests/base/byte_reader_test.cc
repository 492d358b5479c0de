// ByteReader: big-endian, bounded, with a sticky error.
#include "base/byte_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace meridian {
namespace {

constexpr std::array<std::uint8_t, 7> kBytes = {1, 2, 3, 4, 5, 6, 7};

TEST(ByteReader, ReadsBigEndian) {
  ByteReader in(kBytes);
  EXPECT_EQ(in.u8(), 0x01);
  EXPECT_EQ(in.u16(), 0x0203);
  EXPECT_EQ(in.u32(), 0x04050607U);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.remaining(), 0U);
}

TEST(ByteReader, AnOverrunMovesNothingAndSticks) {
  ByteReader in(kBytes);
  in.skip(4);
  EXPECT_EQ(in.u32(), 0U);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.position(), 4U);
  EXPECT_EQ(in.u8(), 0);  // would fit, but the step is lost
  EXPECT_TRUE(in.bytes(1).empty());
  in.skip(1);
  EXPECT_EQ(in.position(), 4U);
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, HugeCountsDoNotWrapAround) {
  ByteReader in(kBytes);
  in.skip(1);
  EXPECT_TRUE(in.bytes(std::numeric_limits<std::size_t>::max()).empty());
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, GivesViewsOfTheBytes) {
  ByteReader in(kBytes);
  in.skip(2);
  const auto view = in.bytes(5);
  ASSERT_EQ(view.size(), 5U);
  EXPECT_EQ(view.data(), kBytes.data() + 2);
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.bytes(0).empty());
  EXPECT_TRUE(in.ok());
}

TEST(ByteReader, AnEmptyInputIsAnOverrunAtOnce) {
  ByteReader in({});
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.u8(), 0);
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace meridian
