// ByteWriter: big-endian, bounded, with a sticky error and a way back.
#include "base/byte_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace meridian {
namespace {

using ::testing::ElementsAre;

TEST(ByteWriter, WritesBigEndian) {
  std::array<std::uint8_t, 7> buffer{};
  ByteWriter out(buffer);
  out.u8(1);
  out.u16(0x0203);
  out.u32(0x04050607);
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(out.room(), 0U);
  EXPECT_THAT(buffer, ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST(ByteWriter, WhatDoesNotFitWritesNothingAndSticks) {
  std::array<std::uint8_t, 4> buffer = {9, 9, 9, 9};
  ByteWriter out(buffer);
  out.u8(1);
  out.u32(0);
  EXPECT_FALSE(out.ok());
  EXPECT_EQ(out.position(), 1U);
  out.u8(2);
  const std::array<std::uint8_t, 1> more = {3};
  out.bytes(more);
  EXPECT_EQ(out.position(), 1U);
  EXPECT_THAT(buffer, ElementsAre(1, 9, 9, 9));
}

TEST(ByteWriter, RewindTakesBackAndMendsTheError) {
  std::array<std::uint8_t, 4> buffer{};
  ByteWriter out(buffer);
  out.u16(0x0102);
  const std::size_t before = out.position();
  out.u16(0x0304);
  out.u8(5);
  ASSERT_FALSE(out.ok());
  out.rewind(before);
  EXPECT_TRUE(out.ok());
  out.u8(7);
  EXPECT_THAT(out.written(), ElementsAre(1, 2, 7));
}

TEST(ByteWriter, PatchesWhatWasWritten) {
  std::array<std::uint8_t, 4> buffer{};
  ByteWriter out(buffer);
  out.u32(0);
  out.patchU16(1, 0xabcd);
  EXPECT_THAT(out.written(), ElementsAre(0, 0xab, 0xcd, 0));
}

TEST(ByteWriter, EmptyBytesAlwaysFit) {
  ByteWriter out({});
  out.bytes({});
  EXPECT_TRUE(out.ok());
  out.u8(1);
  EXPECT_FALSE(out.ok());
}

}  // namespace
}  // namespace meridian
