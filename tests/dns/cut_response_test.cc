#include "dns/wire/cut_response.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>

#include "tests/support/dns_message.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::QueryPacket;
using test::ReadMessage;

constexpr unsigned kResponseAaRd = 0x8500;
constexpr unsigned kTruncatedFlagOfTest = 0x0200;

// Owner: a pointer to the question's name.
Bytes addressRecord(std::uint8_t last) {
  Bytes out{0xC0, 0x0C};
  test::put16(out, 1);
  test::put16(out, 1);
  test::put32(out, 300);
  test::put16(out, 4);
  test::append(out, {192, 0, 2, last});
  return out;
}

QueryPacket responseTo(std::string_view name, unsigned flags = kResponseAaRd) {
  QueryPacket packet(name);
  packet.flags = flags;
  return packet;
}

QueryPacket& withRecord(QueryPacket& packet, std::size_t section, const Bytes& record) {
  test::append(packet.rest, record);
  ++packet.counts[section];
  return packet;
}

ReadMessage cut(Bytes message) {
  message.resize(cutResponse(message));
  return test::readMessage(message);
}

TEST(CutResponse, LeavesHeaderQuestionAndOpt) {
  Bytes options = test::option(10, Bytes(24, 7));
  test::append(options, test::option(3, {'n'}));
  const Bytes opt = test::optRecord(options, 1400);
  QueryPacket whole = responseTo("www.example");
  withRecord(whole, 1, addressRecord(1));
  withRecord(whole, 1, addressRecord(2));
  withRecord(whole, 2, addressRecord(3));
  withRecord(whole, 3, addressRecord(4));
  whole.with(opt);
  const ReadMessage got = cut(whole.bytes());
  EXPECT_EQ(got.id, 0x1234U);
  EXPECT_EQ(got.flags, kResponseAaRd | kTruncatedFlagOfTest);
  EXPECT_EQ(got.question, "www.example");
  for (const auto& section : got.sections) EXPECT_TRUE(section.empty());
  EXPECT_TRUE(got.has_opt);
  EXPECT_EQ(got.opt_payload, 1400U);
  ASSERT_NE(got.findOption(10), nullptr);
  EXPECT_EQ(*got.findOption(10), Bytes(24, 7));
  EXPECT_EQ(*got.findOption(3), Bytes{'n'});
}

TEST(CutResponse, WithoutOptNoneIsMade) {
  QueryPacket whole = responseTo("www.example", kResponseAaRd | 3);
  withRecord(whole, 2, addressRecord(1));
  const ReadMessage got = cut(whole.bytes());
  EXPECT_EQ(got.flags, kResponseAaRd | kTruncatedFlagOfTest | 3) << "the response code stays";
  EXPECT_FALSE(got.has_opt);
  EXPECT_TRUE(got.sections[1].empty());
}

TEST(CutResponse, WithoutRecordsItStaysAsItIs) {
  QueryPacket refusal = responseTo("www.example", 0x8105);
  Bytes bare = refusal.bytes();
  const Bytes before = bare;
  EXPECT_EQ(cutResponse(bare), before.size());
  EXPECT_EQ(bare, before);
  Bytes with_opt = refusal.with(test::optRecord(test::option(15, {0, 20}))).bytes();
  const Bytes with_opt_before = with_opt;
  EXPECT_EQ(cutResponse(with_opt), with_opt_before.size());
  EXPECT_EQ(with_opt, with_opt_before);
  QueryPacket no_question("");
  no_question.question = {};
  no_question.counts[0] = 0;
  Bytes header = no_question.bytes();
  EXPECT_EQ(cutResponse(header), header.size());
}

TEST(CutResponse, WhatIsNoWholeMessageIsNotSent) {
  QueryPacket whole = responseTo("www.example");
  withRecord(whole, 1, addressRecord(1));
  const Bytes bytes = whole.with(test::optRecord()).bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(cutResponse(part), 0U) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_EQ(cutResponse(longer), 0U);
}

// Any bytes at all: no more than came, and never beyond them (the sanitizers look on).
TEST(CutResponse, NeverGrows) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  QueryPacket whole = responseTo("www.example");
  withRecord(whole, 1, addressRecord(1));
  const Bytes good = whole.with(test::optRecord()).bytes();
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes = good;
    for (int flips = static_cast<int>(random() % 4); flips >= 0; --flips)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    ASSERT_LE(cutResponse(bytes), bytes.size());
  }
}

}  // namespace
}  // namespace meridian::dns
