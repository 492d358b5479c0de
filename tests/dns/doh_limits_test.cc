// What a client of DNS over HTTPS may have of a connection, and how floods end it.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/support/doh_rig.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::dohAnswer;
using test::dohQuery;
using test::DohRig;
using test::http2Field;
using test::http2Frame;
using test::http2Preface;

// Of RFC 9113 §6 and §7.
constexpr std::uint8_t kDataFrame = 0, kHeadersFrame = 1, kPriorityFrame = 2, kResetFrame = 3,
                       kSettingsFrame = 4, kPingFrame = 6, kUpdateFrame = 8, kContinuationFrame = 9;
constexpr std::uint8_t kEndStream = 1, kEndHeaders = 4;
constexpr std::uint32_t kRefusedStream = 7, kCalm = 11;
const Bytes kCancelCode{0, 0, 0, 8};

Bytes requestHead(const char* method, const std::string& path) {
  Bytes out;
  for (const auto& [name, value] : test::HttpFields{{":method", method},
                                                    {":scheme", "https"},
                                                    {":authority", "x"},
                                                    {":path", path},
                                                    {"content-type", "application/dns-message"}})
    test::append(out, http2Field(name, value));
  return out;
}
Bytes getHead() {
  return requestHead("GET", std::string(test::kDohPath) + "?dns=" + test::base64Url(dohQuery()));
}
Bytes postHead() {
  return requestHead("POST", test::kDohPath);
}

// The error code of the GOAWAY in `sent`, which are whole frames.
std::optional<std::uint32_t> farewell(const Bytes& sent) {
  std::size_t at = 0;
  while (at + 9 <= sent.size()) {
    if (sent[at + 3] == 7) return sent[at + 9 + 7];
    at += 9 + static_cast<std::size_t>(sent[at] << 16 | sent[at + 1] << 8 | sent[at + 2]);
  }
  return std::nullopt;
}

struct RawDoh : DohRig {
  explicit RawDoh(const DohLimits& limits = {}) : DohRig(limits) { send(http2Preface()); }
  void send(const Bytes& bytes) {
    session.feed(bytes);
    test::append(sent, taken());
  }
  Bytes sent;
};

TEST(DohLimits, AreTold) {
  DohRig rig;
  rig.run();
  EXPECT_EQ(rig.client.setting(3), 100U);         // MAX_CONCURRENT_STREAMS
  EXPECT_EQ(rig.client.setting(6), 16U * 1'024);  // MAX_HEADER_LIST_SIZE
}

TEST(DohLimits, AReplyWaitsForTheClientsWindow) {
  DohRig rig({}, 10);
  const std::int32_t id = rig.client.post(test::kDohPath, dohQuery());
  rig.run();
  for (std::size_t got = 10; got < dohAnswer().size(); ++got) {
    ASSERT_EQ(rig.client.reply(id).body.size(), got);
    ASSERT_FALSE(rig.client.reply(id).closed);
    rig.client.grant(id, 1);
    rig.run();
  }
  EXPECT_EQ(rig.client.reply(id).body, dohAnswer());
  EXPECT_TRUE(rig.client.reply(id).closed);
}

TEST(DohLimits, RequestsWaitWhileRepliesAreNotTaken) {
  DohLimits limits;
  limits.unsent_bytes = 2'000;
  DohRig rig(limits, 0);
  rig.answer_bytes = 1'000;
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(rig.client.post(test::kDohPath, dohQuery()));
  rig.run();
  EXPECT_EQ(rig.answered, 2U);
  // One that takes its reply makes room for another.
  rig.client.grant(ids[0], 1'000);
  rig.run();
  EXPECT_EQ(rig.answered, 3U);
  EXPECT_TRUE(rig.client.reply(ids[0]).closed);
  // Nobody waits for those who are gone.
  for (std::size_t i = 1; i < 9; ++i) rig.client.reset(ids[i]);
  rig.run();
  EXPECT_EQ(rig.answered, 4U);
  rig.client.grant(ids[9], 1'000);
  rig.run();
  EXPECT_EQ(rig.client.reply(ids[9]).body.size(), 1'000U);
  EXPECT_EQ(rig.counters.resets.value(), 8U);
}

TEST(DohLimits, WhatWaitsIsBoundedAndMoreMayBeTriedAgain) {
  DohLimits limits;
  limits.request_bytes = 100;
  RawDoh rig(limits);
  for (std::uint32_t id = 1; id <= 7; id += 2) {
    rig.send(http2Frame(kHeadersFrame, kEndHeaders, id, postHead()));
    rig.send(http2Frame(kDataFrame, 0, id, Bytes(30)));
  }
  EXPECT_EQ(rig.counters.refused_streams.value(), 1U);
  const Bytes refusal = http2Frame(kResetFrame, 0, 7, {0, 0, 0, kRefusedStream});
  EXPECT_EQ(Bytes(rig.sent.end() - 13, rig.sent.end()), refusal);
  rig.send(http2Frame(kResetFrame, 0, 1, kCancelCode));
  rig.send(http2Frame(kHeadersFrame, kEndHeaders, 9, postHead()));
  rig.send(http2Frame(kDataFrame, kEndStream, 9, dohQuery()));
  EXPECT_EQ(rig.replies(HttpStatus::kOk), 1U) << "there is room again";
}

TEST(DohLimits, StreamsBeyondTheLimitAreRefused) {
  DohLimits limits;
  limits.streams = 3;
  RawDoh rig(limits);
  for (std::uint32_t id = 1; id <= 7; id += 2)
    rig.send(http2Frame(kHeadersFrame, kEndHeaders, id, postHead()));
  // The client has not yet said that it knows the limit.
  const Bytes refusal = http2Frame(kResetFrame, 0, 7, {0, 0, 0, kRefusedStream});
  EXPECT_EQ(Bytes(rig.sent.end() - 13, rig.sent.end()), refusal);
  rig.send(http2Frame(kDataFrame, kEndStream, 1, dohQuery()));
  EXPECT_EQ(rig.replies(HttpStatus::kOk), 1U);
}

// Sends frames until the connection ends; how many it took.
std::size_t flood(RawDoh& rig, const Bytes& frame) {
  std::size_t count = 0;
  while (!rig.session.ended() && count < 10'000) {
    rig.send(frame);
    ++count;
  }
  EXPECT_EQ(farewell(rig.sent), kCalm);
  EXPECT_EQ(rig.counters.floods.value(), 1U);
  EXPECT_EQ(rig.counters.malformed.value(), 0U);
  return count;
}

TEST(DohLimits, FramesThatBringNothingEndTheConnection) {
  DohLimits limits;
  limits.spare_frames = 50;
  const Bytes priority = http2Frame(kPriorityFrame, 0, 9, {0, 0, 0, 0, 1});
  const Bytes update = http2Frame(kUpdateFrame, 0, 0, {0, 0, 0, 1});
  for (const Bytes& frame : {http2Frame(kPingFrame, 0, 0, Bytes(8)),
                             http2Frame(kSettingsFrame, 0, 0), priority, update}) {
    SCOPED_TRACE(static_cast<int>(frame[3]));
    RawDoh rig(limits);
    // The preface had one, and what is above the budget is the flood.
    EXPECT_EQ(flood(rig, frame), 50U);
  }
  RawDoh empty_data(limits);
  empty_data.send(http2Frame(kHeadersFrame, kEndHeaders, 1, postHead()));
  EXPECT_EQ(flood(empty_data, http2Frame(kDataFrame, 0, 1)), 50U);
  RawDoh continued(limits);
  continued.send(http2Frame(kHeadersFrame, 0, 1, postHead()));
  std::size_t count = 0;
  while (!continued.session.ended() && ++count < 1'000)
    continued.send(http2Frame(kContinuationFrame, 0, 1, http2Field("x", "y")));
  EXPECT_LE(count, 50U);
}

TEST(DohLimits, RepliesGiveFramesBack) {
  DohLimits limits;
  limits.spare_frames = 50;
  limits.frames_per_reply = 10;
  RawDoh rig(limits);
  for (std::uint32_t id = 1; id < 400; id += 2) {
    rig.send(http2Frame(kHeadersFrame, kEndHeaders | kEndStream, id, getHead()));
    for (int i = 0; i < 10; ++i) rig.send(http2Frame(kPingFrame, 0, 0, Bytes(8)));
  }
  EXPECT_EQ(rig.replies(HttpStatus::kOk), 200U);
  EXPECT_FALSE(rig.session.ended());
}

// CVE-2023-44487.
TEST(DohLimits, RapidResetsEndTheConnection) {
  DohLimits limits;
  limits.spare_resets = 20;
  RawDoh rig(limits);
  std::uint32_t id = 1;
  while (!rig.session.ended() && id < 1'000) {
    Bytes both = http2Frame(kHeadersFrame, kEndHeaders | kEndStream, id, getHead());
    test::append(both, http2Frame(kResetFrame, 0, id, kCancelCode));
    rig.send(both);
    id += 2;
  }
  EXPECT_EQ(rig.counters.resets.value(), 21U);
  EXPECT_EQ(rig.answered, 21U);
  EXPECT_EQ(farewell(rig.sent), kCalm);
  EXPECT_EQ(rig.counters.floods.value(), 1U);
  rig.send(http2Frame(kHeadersFrame, kEndHeaders | kEndStream, id, getHead()));
  EXPECT_EQ(rig.answered, 21U) << "nothing more is heard";
}

// Broken requests, for which the server resets the stream, are worth no more.
TEST(DohLimits, ResetsThatTheServerIsMadeToSendCountToo) {
  DohLimits limits;
  limits.spare_resets = 20;
  RawDoh rig(limits);
  std::uint32_t id = 1;
  for (; !rig.session.ended() && id < 1'000; id += 2)
    rig.send(http2Frame(kHeadersFrame, kEndHeaders | kEndStream, id, http2Field("x", "y")));
  EXPECT_EQ(id, 43U);
  EXPECT_EQ(rig.counters.floods.value(), 1U);
}

TEST(DohLimits, WhoTakesAReplyMayGiveUpAnotherStream) {
  DohLimits limits;
  limits.spare_resets = 5;
  RawDoh rig(limits);
  for (std::uint32_t id = 1; id < 400; id += 4) {
    rig.send(http2Frame(kHeadersFrame, kEndHeaders | kEndStream, id, getHead()));
    rig.send(http2Frame(kHeadersFrame, kEndHeaders, id + 2, postHead()));
    rig.send(http2Frame(kResetFrame, 0, id + 2, kCancelCode));
  }
  EXPECT_EQ(rig.counters.resets.value(), 100U);
  EXPECT_FALSE(rig.session.ended());
}

TEST(DohLimits, BrokenHttp2EndsTheConnectionAndIsCounted) {
  {
    DohRig rig;
    rig.session.feed(test::bytesOf("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_TRUE(rig.session.ended());
    EXPECT_EQ(rig.counters.malformed.value(), 1U);
    rig.session.feed(http2Preface());
    EXPECT_TRUE(rig.taken().empty());
  }
  for (const Bytes& frame :
       {http2Frame(kDataFrame, kEndStream, 1, Bytes(1)),       // of a stream that is not open
        http2Frame(kHeadersFrame, kEndHeaders, 2, getHead()),  // of a server
        http2Frame(kPingFrame, 0, 0, Bytes(7)),
        http2Frame(kHeadersFrame, kEndHeaders, 1, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})}) {
    SCOPED_TRACE(static_cast<int>(frame[3]));
    RawDoh rig;
    rig.send(frame);
    EXPECT_TRUE(rig.session.ended());
    EXPECT_TRUE(farewell(rig.sent));
    EXPECT_EQ(rig.counters.malformed.value(), 1U);
    EXPECT_EQ(rig.counters.floods.value(), 0U);
  }
}

TEST(DohLimits, GoAwayEndsTheConnection) {
  RawDoh rig;
  rig.send(http2Frame(kHeadersFrame, kEndHeaders | kEndStream, 1, getHead()));
  rig.session.goAway();
  const Bytes last = rig.taken();
  EXPECT_EQ(last, http2Frame(7, 0, 0, {0, 0, 0, 1, 0, 0, 0, 0}));
  EXPECT_TRUE(rig.session.ended());
  EXPECT_EQ(rig.counters.malformed.value(), 0U);
  rig.send(http2Frame(kHeadersFrame, kEndHeaders | kEndStream, 3, getHead()));
  EXPECT_EQ(rig.answered, 1U);
}

TEST(DohLimits, AClientThatSaysItGoesGetsItsReplyFirst) {
  RawDoh rig;
  rig.send(http2Frame(kHeadersFrame, kEndHeaders, 1, postHead()));
  rig.send(http2Frame(7, 0, 0, Bytes(8)));
  EXPECT_FALSE(rig.session.ended());
  rig.send(http2Frame(kDataFrame, kEndStream, 1, dohQuery()));
  EXPECT_EQ(rig.replies(HttpStatus::kOk), 1U);
  EXPECT_TRUE(rig.session.ended());
}

}  // namespace
}  // namespace meridian::dns
