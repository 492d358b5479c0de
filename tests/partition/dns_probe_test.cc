#include "partition/health/dns_probe_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace meridian::partition {
namespace {

using Bytes = std::vector<std::uint8_t>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

DnsExpectation expecting(const std::string& text = "") {
  DnsExpectation out;
  out.name = "Www.example.";
  out.text = text;
  return out;
}

// A reply to `query` with one answer: a pointer to the question's name, and this data.
Bytes reply(const Bytes& query, std::uint16_t flags, std::uint16_t type, const Bytes& data) {
  Bytes out = query;
  out[2] = static_cast<std::uint8_t>(flags >> 8);
  out[3] = static_cast<std::uint8_t>(flags);
  out[7] = 1;
  for (const int byte :
       {0xC0, 12, 0, static_cast<int>(type), 0, 1, 0, 0, 0, 60, 0, static_cast<int>(data.size())}) {
    out.push_back(static_cast<std::uint8_t>(byte));
  }
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

TEST(DnsProbeTest, TheQueryIsTheOneOfRfc1035) {
  EXPECT_THAT(dnsProbeQuery(expecting(), 0x1234),
              ElementsAre(0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'W', 'w', 'w', 7, 'e', 'x',
                          'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1));
  DnsExpectation root = expecting();
  root.name = ".";
  root.type = 2;
  EXPECT_THAT(dnsProbeQuery(root, 1),
              ElementsAre(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1));
}

TEST(DnsProbeTest, OnlyTheReplyToThatQueryCounts) {
  const Bytes query = dnsProbeQuery(expecting(), 7);
  const Bytes good = reply(query, 0x8400, 1, {192, 0, 2, 1});
  EXPECT_TRUE(isDnsReplyTo(query, good));
  Bytes lower = good;
  lower[13] = 'w';
  EXPECT_TRUE(isDnsReplyTo(query, lower));
  for (const std::size_t at : {0U, 1U, 2U, 5U, 14U, 27U}) {
    Bytes other = good;
    other[at] ^= 0x80U;
    EXPECT_FALSE(isDnsReplyTo(query, other)) << at;
  }
  for (std::size_t size = 0; size < query.size(); ++size) {
    EXPECT_FALSE(isDnsReplyTo(query, std::span(good).first(size))) << size;
  }
  const Bytes formerr = {0, 7, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_TRUE(isDnsReplyTo(query, formerr));
  EXPECT_THAT(judgeDnsReply(expecting(), query, formerr).reason,
              HasSubstr("rcode FORMERR, expected NOERROR"));
}

TEST(DnsProbeTest, TheRcodeAndTheTextAreJudged) {
  const auto judged = [](const DnsExpectation& expected, std::uint16_t flags, std::uint16_t type,
                         const Bytes& data) {
    const Bytes query = dnsProbeQuery(expected, 7);
    return judgeDnsReply(expected, query, reply(query, flags, type, data));
  };
  EXPECT_EQ(judged(expecting(), 0x8400, 1, {192, 0, 2, 1}).outcome, ProbeOutcome::kUp);
  EXPECT_EQ(judged(expecting("192.0.2.1"), 0x8400, 1, {192, 0, 2, 1}).outcome, ProbeOutcome::kUp);
  EXPECT_EQ(judged(expecting("192.0.2.9"), 0x8400, 1, {192, 0, 2, 1}).reason,
            "no answer has the expected text");
  EXPECT_EQ(judged(expecting("2001:db8::1"), 0x8400, 28,
                   {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
                .outcome,
            ProbeOutcome::kUp);
  EXPECT_EQ(judged(expecting("ok"), 0x8400, 16, {4, 'i', 's', 'o', 'k'}).outcome,
            ProbeOutcome::kUp);
  EXPECT_THAT(judged(expecting("ok"), 0x8600, 16, {1, 'n'}).reason, HasSubstr("truncated"));
  EXPECT_THAT(judged(expecting(), 0x8405, 1, {192, 0, 2, 1}).reason,
              HasSubstr("rcode REFUSED, expected NOERROR"));
  DnsExpectation refused = expecting();
  refused.rcode = 5;
  EXPECT_EQ(judged(refused, 0x8405, 1, {192, 0, 2, 1}).outcome, ProbeOutcome::kUp);
}

TEST(DnsProbeTest, ACutReplyIsDownNeverAnOverrun) {
  const DnsExpectation expected = expecting("ok");
  const Bytes query = dnsProbeQuery(expected, 7);
  const Bytes whole = reply(query, 0x8400, 16, {3, 'o', 'k', '!'});
  ASSERT_EQ(judgeDnsReply(expected, query, whole).outcome, ProbeOutcome::kUp);
  for (std::size_t size = query.size(); size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(judgeDnsReply(expected, query, cut).reason, "the reply is broken or cut short");
  }
}

TEST(DnsProbeTest, NoBytesAreTakenForAnAnswerByAccident) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const DnsExpectation expected = expecting("needle");
  const Bytes query = dnsProbeQuery(expected, 7);
  for (int i = 0; i < 20'000; ++i) {
    Bytes noise = reply(query, 0x8400, 16, {3, 'n', 'o', 't'});
    for (int flips = 0; flips < 3; ++flips) {
      noise[random() % noise.size()] = static_cast<std::uint8_t>(random());
    }
    noise.resize(random() % (noise.size() + 1));
    if (!isDnsReplyTo(query, noise)) continue;
    EXPECT_EQ(judgeDnsReply(expected, query, noise).outcome, ProbeOutcome::kDown);
  }
}

}  // namespace
}  // namespace meridian::partition
