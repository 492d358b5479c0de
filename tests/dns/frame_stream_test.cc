#include "dns/tap/frame_stream.h"

#include <fstrm.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "base/byte_reader.h"

namespace meridian::dns {
namespace {

using StreamState = FrameStream::State;
using FrameBytes = std::vector<std::uint8_t>;

FrameBytes controlFrame(fstrm_control_type type, std::string_view content_type) {
  fstrm_control* control = fstrm_control_init();
  fstrm_control_set_type(control, type);
  if (!content_type.empty()) {
    fstrm_control_add_field_content_type(
        control, reinterpret_cast<const std::uint8_t*>(content_type.data()), content_type.size());
  }
  FrameBytes out(FSTRM_CONTROL_FRAME_LENGTH_MAX + 8);
  std::size_t size = out.size();
  fstrm_control_encode(control, out.data(), &size, FSTRM_CONTROL_FLAG_WITH_HEADER);
  fstrm_control_destroy(&control);
  out.resize(size);
  return out;
}

FrameBytes accepting() {
  return controlFrame(FSTRM_CONTROL_ACCEPT, FrameStream::kContentType);
}

FrameBytes frameOf(std::string_view text) {
  return {text.begin(), text.end()};
}

// All that it has to say now.
FrameBytes allOutput(FrameStream& stream) {
  FrameBytes out;
  while (!stream.output().empty()) {
    const auto output = stream.output();
    const std::size_t step = std::min<std::size_t>(output.size(), 5);
    out.insert(out.end(), output.begin(), output.begin() + static_cast<std::ptrdiff_t>(step));
    stream.sent(step);
  }
  return out;
}

FrameStream streaming(std::size_t max_pending = 1 << 16) {
  FrameStream stream(max_pending);
  allOutput(stream);
  EXPECT_TRUE(stream.take(accepting()));
  allOutput(stream);
  return stream;
}

TEST(FrameStream, SaysHelloAndStartsWhenItIsAccepted) {
  FrameStream stream(1 << 16);
  EXPECT_EQ(allOutput(stream), controlFrame(FSTRM_CONTROL_READY, FrameStream::kContentType));
  EXPECT_TRUE(stream.add(frameOf("early")));
  EXPECT_TRUE(stream.output().empty()) << "nothing before it is accepted";
  EXPECT_TRUE(stream.take(accepting()));
  EXPECT_EQ(stream.state(), StreamState::kStreaming);
  FrameBytes expected = controlFrame(FSTRM_CONTROL_START, FrameStream::kContentType);
  const FrameBytes frame = frameOf(std::string_view("\0\0\0\5early", 9));
  expected.insert(expected.end(), frame.begin(), frame.end());
  EXPECT_EQ(allOutput(stream), expected);
  EXPECT_EQ(stream.pending(), 0U);
}

TEST(FrameStream, AFrameIsSentWithItsLastByte) {
  FrameStream stream = streaming();
  ASSERT_TRUE(stream.add(frameOf("abc")));
  ASSERT_TRUE(stream.add(frameOf("d")));
  EXPECT_EQ(stream.sent(6), 0U);
  EXPECT_EQ(stream.sent(1), 1U);
  EXPECT_EQ(stream.pending(), 1U);
  EXPECT_EQ(stream.sent(5), 1U);
  EXPECT_TRUE(stream.output().empty());
}

TEST(FrameStream, WhatFindsNoRoomIsRefused) {
  FrameStream stream = streaming(100);
  std::size_t taken = 0;
  while (stream.add(frameOf("0123456789"))) ++taken;
  EXPECT_EQ(taken, 7U);  // of 14 bytes
  EXPECT_EQ(stream.sent(14), 1U);
  EXPECT_TRUE(stream.add(frameOf("0123456789")));
  EXPECT_FALSE(stream.add(frameOf("0123456789")));
  // A reader that is slow for ever costs no more memory than that.
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(stream.sent(14), 1U);
    ASSERT_TRUE(stream.add(frameOf("0123456789")));
    ASSERT_LE(stream.output().size(), 100U);
  }
}

TEST(FrameStream, EndsWithFarewell) {
  FrameStream stream = streaming();
  ASSERT_TRUE(stream.add(frameOf("x")));
  stream.end();
  EXPECT_FALSE(stream.add(frameOf("y")));
  FrameBytes expected = frameOf(std::string_view("\0\0\0\1x", 5));
  const FrameBytes stop = controlFrame(FSTRM_CONTROL_STOP, "");
  expected.insert(expected.end(), stop.begin(), stop.end());
  EXPECT_EQ(allOutput(stream), expected);
  EXPECT_TRUE(stream.take(controlFrame(FSTRM_CONTROL_FINISH, "")));
  EXPECT_EQ(stream.state(), StreamState::kEnded);
}

TEST(FrameStream, TakesAnAnswerByteByByte) {
  FrameStream stream(1 << 16);
  for (const std::uint8_t byte : accepting()) ASSERT_TRUE(stream.take({&byte, 1}));
  EXPECT_EQ(stream.state(), StreamState::kStreaming);
}

std::string streamRefusal(const FrameBytes& bytes) {
  FrameStream stream(1 << 16);
  const Status taken = stream.take(bytes);
  return taken ? "" : taken.error().message;
}

TEST(FrameStream, RefusesWhatIsNotTheProtocol) {
  EXPECT_EQ(streamRefusal(frameOf("HTTP/1.1 400 Bad Request")), "sent a frame of data");
  // The header of a control frame and a byte of it: too long, and none at all.
  EXPECT_EQ(streamRefusal({0, 0, 0, 0, 0, 0, 2, 1, 0}), "sent a control frame of 513 bytes");
  EXPECT_EQ(streamRefusal({0, 0, 0, 0, 0, 0, 0, 0, 0}), "sent a control frame of 0 bytes");
  EXPECT_EQ(streamRefusal({0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 99}), "sent a malformed control frame");
  EXPECT_EQ(streamRefusal(controlFrame(FSTRM_CONTROL_ACCEPT, "protobuf:other")),
            "does not take protobuf:dnstap.Dnstap");
  EXPECT_EQ(streamRefusal(controlFrame(FSTRM_CONTROL_FINISH, "")),
            "sent FSTRM_CONTROL_FINISH out of turn");
}

// Whatever a collector sends, in whatever pieces: an error or a state, and no more memory.
TEST(FrameStream, AnyBytesAreTakenOrRefused) {
  std::mt19937_64 random(1129);
  const FrameBytes good[] = {accepting(), controlFrame(FSTRM_CONTROL_FINISH, ""),
                             controlFrame(FSTRM_CONTROL_READY, "x")};
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    FrameStream stream(1 << 10);
    FrameBytes bytes = good[random() % 3];
    const std::size_t changes = random() % 4;
    for (std::size_t i = 0; i < changes; ++i)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
    std::span<const std::uint8_t> rest(bytes);
    Status taken;
    while (taken && !rest.empty()) {
      const std::size_t step = 1 + random() % rest.size();
      taken = stream.take(rest.first(step));
      rest = rest.subspan(step);
    }
    if (stream.state() == StreamState::kStreaming) ++accepted;
    if (changes == 0 && bytes == good[0]) {
      ASSERT_EQ(stream.state(), StreamState::kStreaming);
    }
  }
  EXPECT_GT(accepted, 1'000);
}

}  // namespace
}  // namespace meridian::dns
