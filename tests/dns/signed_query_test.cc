// What answer() makes of a query with TSIG, over each transport.
#include "dns/answer/signed_query.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "dns/wire/cut_response.h"
#include "tests/support/dns_world.h"
#include "tests/support/tsig_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::kTsigNow;
using test::optRecord;
using test::QueryPacket;
using test::ReadMessage;
using test::tsigKey;

constexpr unsigned kSignedTxt = 16, kTsigType = 250, kNotAuthCode = 9, kFormErrCode = 1;

std::shared_ptr<const ServingState> signedWorld(std::shared_ptr<const TsigKeys> keys) {
  test::DnsWorld world;
  std::string zone =
      "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 60\n@ NS ns\n"
      "ns A 192.0.2.53\nwww A 192.0.2.1\n";
  for (int i = 0; i < 40; ++i) {
    zone += "big TXT \"" + std::string(20, 'x') + std::to_string(1000 + i) + "\"\n";
    zone += "grow" + std::to_string(i) + " TXT \"" +
            std::string(static_cast<std::size_t>(200 + i), 'g') + "\" \"" + std::string(150, 'h') +
            "\"\n";
  }
  world.zones = {zone};
  world.topology = R"({"format": 1,
    "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0}],
    "zones": [{"id": "free", "kind": "stateless", "ezones": ["one"]}],
    "services": [{"name": "web.example", "zone": "free", "endpoints": {"one": ["A 192.0.2.12"]}}]})";
  world.settings.tsig_keys = std::move(keys);
  return world.serve();
}

const ServingState& withKeys() {
  static const auto kState = signedWorld(
      std::make_shared<const TsigKeys>(test::tsigKeys({tsigKey(), tsigKey("late.example")})));
  return *kState;
}

class SignedQueryTest : public testing::Test {
 protected:
  Bytes raw(const Bytes& message, Transport transport = Transport::kUdp,
            std::uint64_t now = kTsigNow, const ServingState& state = withKeys()) {
    Bytes out(transport == Transport::kUdp ? 4096 : kMaxMessage);
    facts_ = {};
    out.resize(answer(message,
                      {test::address("198.51.100.7"), transport, static_cast<std::uint32_t>(now)},
                      state, out, counters_, &facts_));
    return out;
  }
  std::uint64_t counted(TsigOutcome outcome) const {
    return counters_.tsig[static_cast<std::size_t>(outcome)].value();
  }

  AnswerCounters counters_;
  AnswerFacts facts_;
};

TEST_F(SignedQueryTest, IsAnsweredSignedOverEveryTransport) {
  for (const Transport transport : {Transport::kUdp, Transport::kTcp, Transport::kTls}) {
    for (const char* name : {"www.example", "web.example", "none.example", "www.elsewhere"}) {
      TsigRequester requester(tsigKey());
      const QueryPacket packet(name);
      const Bytes answered = raw(test::signedBy(requester, packet.bytes()), transport);
      const Bytes plain = raw(packet.bytes(), transport);
      const auto size = requester.check(answered, kTsigNow);
      ASSERT_TRUE(size) << name << ": " << tsigFailureText(size.error());
      EXPECT_TRUE(requester.complete());
      Bytes without(answered.begin(), answered.begin() + static_cast<std::ptrdiff_t>(*size));
      --without[11];
      EXPECT_EQ(without, plain) << "the same answer, but for the signature";
    }
  }
  EXPECT_EQ(counted(TsigOutcome::kGood), 12U);
  EXPECT_EQ(counters_.received.value(), 24U) << "each once";
  EXPECT_EQ(counters_.no_error.value(), 12U);
}

TEST_F(SignedQueryTest, TsigComesAfterOpt) {
  TsigRequester requester(tsigKey());
  const Bytes answered =
      raw(test::signedBy(requester, QueryPacket("www.example").with(optRecord()).bytes()));
  EXPECT_TRUE(requester.check(answered, kTsigNow));
  const ReadMessage read = test::readMessage(answered);
  EXPECT_TRUE(read.has_opt);
  ASSERT_EQ(read.sections[2].size(), 1U);
  EXPECT_EQ(read.sections[2][0].type, kTsigType);
  EXPECT_EQ(read.sections[2][0].owner, "key.example");
}

// RFC 8945 §5.2: NOTAUTH, and nothing of the answer.
TEST_F(SignedQueryTest, WhatIsNotGoodIsNotAnswered) {
  TsigKey wrong = tsigKey();
  wrong.secret[0] = 'x';
  const Bytes query = QueryPacket("www.example").with(optRecord()).bytes();
  const auto expectRefused = [&](TsigRequester requester, std::uint64_t now, TsigFailure why) {
    const Bytes answered = raw(test::signedBy(requester, query), Transport::kUdp, now);
    const ReadMessage read = test::readMessage(answered);
    EXPECT_EQ(read.rcode, kNotAuthCode);
    EXPECT_EQ(read.question, "www.example");
    EXPECT_TRUE(read.answers().empty());
    EXPECT_TRUE(read.has_opt);
    EXPECT_FALSE(read.authoritative());
    const auto taken = requester.check(answered, kTsigNow);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error(), why);
    EXPECT_EQ(facts_.kind, AnswerKind::kError);
    EXPECT_FALSE(facts_.good_tsig);
  };
  expectRefused(TsigRequester(tsigKey("other.example")), kTsigNow, TsigFailure::kPeerBadKey);
  expectRefused(TsigRequester(wrong), kTsigNow, TsigFailure::kPeerBadSig);
  expectRefused(TsigRequester(tsigKey()), kTsigNow + 301, TsigFailure::kPeerBadTime);
  EXPECT_EQ(counted(TsigOutcome::kBadKey), 1U);
  EXPECT_EQ(counted(TsigOutcome::kBadSig), 1U);
  EXPECT_EQ(counted(TsigOutcome::kBadTime), 1U);
  EXPECT_EQ(counters_.not_auth.value(), 3U);
}

TEST_F(SignedQueryTest, AMalformedOneGetsFormErrWithoutTsig) {
  const Bytes record = test::TsigParts().record();
  const Bytes answered = raw(QueryPacket("www.example").with(record).with(optRecord()).bytes());
  const ReadMessage read = test::readMessage(answered);
  EXPECT_EQ(read.rcode, kFormErrCode);
  EXPECT_TRUE(read.answers().empty());
  EXPECT_TRUE(read.sections[2].empty());
  EXPECT_EQ(counted(TsigOutcome::kMalformed), 1U);
  EXPECT_EQ(counters_.form_err.value(), 1U);
  EXPECT_EQ(counters_.received.value(), 1U);
}

TEST_F(SignedQueryTest, WithoutKeysEachIsUnknown) {
  const auto state = signedWorld(nullptr);
  TsigRequester requester(tsigKey());
  const Bytes answered = raw(test::signedBy(requester, QueryPacket("www.example").bytes()),
                             Transport::kTcp, kTsigNow, *state);
  EXPECT_EQ(requester.check(answered, kTsigNow).error(), TsigFailure::kPeerBadKey);
}

// Errors of the question's own are signed as answers are.
TEST_F(SignedQueryTest, RefusalsAreSigned) {
  const auto rcodeOf = [&](QueryPacket packet) {
    TsigRequester requester(tsigKey());
    const Bytes answered = raw(test::signedBy(requester, packet.bytes()));
    EXPECT_TRUE(requester.check(answered, kTsigNow));
    return test::readMessage(answered).rcode;
  };
  EXPECT_EQ(rcodeOf(QueryPacket("example", 252)), 5U) << "a transfer";
  EXPECT_EQ(rcodeOf(QueryPacket("www.example").with(optRecord({}, 1232, 0x00010000))), 16U);
  QueryPacket update("example", 6);
  update.flags = 5 << 11;
  EXPECT_EQ(rcodeOf(update), 4U) << "NOTIMP";
  // What is refused before its records are read is not known to be signed.
  QueryPacket two("www.example");
  test::append(two.question, two.question);
  two.counts[0] = 2;
  const Bytes answered = raw(test::signedWith(tsigKey(), two.bytes()));
  EXPECT_EQ(test::readMessage(answered).rcode, kFormErrCode);
  EXPECT_EQ(counted(TsigOutcome::kGood), 3U);
}

// The signature counts as the answer's own bytes do.
TEST_F(SignedQueryTest, TheLimitHoldsWithTheSignature) {
  std::size_t whole = 0;
  std::size_t cut = 0;
  for (const unsigned payload : {512U, 600U, 1232U}) {
    for (int i = 0; i < 40; ++i) {
      const QueryPacket packet = QueryPacket("grow" + std::to_string(i) + ".example", kSignedTxt)
                                     .with(optRecord({}, payload));
      TsigRequester requester(tsigKey());
      const Bytes answered = raw(test::signedBy(requester, packet.bytes()));
      EXPECT_LE(answered.size(), payload);
      EXPECT_TRUE(requester.check(answered, kTsigNow));
      ++(test::readMessage(answered).truncated() ? cut : whole);
    }
  }
  EXPECT_GT(whole, 40U);
  EXPECT_GT(cut, 10U);
  TsigRequester requester(tsigKey());
  const Bytes plain_limit =
      raw(test::signedBy(requester, QueryPacket("big.example", kSignedTxt).bytes()));
  EXPECT_LE(plain_limit.size(), 512U);
  EXPECT_TRUE(test::readMessage(plain_limit).truncated());
  EXPECT_TRUE(requester.check(plain_limit, kTsigNow));
}

// The longest names there are, and the smallest limit: the frame goes out whole.
TEST_F(SignedQueryTest, LongNamesNeverOverflow) {
  std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  const std::string in_zone =
      label + "." + label + "." + label + "." + std::string(53, 'b') + ".example";
  const auto state =
      signedWorld(std::make_shared<const TsigKeys>(test::tsigKeys({tsigKey(longest)})));
  for (const Bytes& additional : {Bytes{}, optRecord(test::option(3, {}), 512)}) {
    QueryPacket packet(in_zone, kSignedTxt);
    if (!additional.empty()) packet.with(additional);
    TsigRequester requester(tsigKey(longest));
    const Bytes answered =
        raw(test::signedBy(requester, packet.bytes()), Transport::kUdp, kTsigNow, *state);
    EXPECT_TRUE(test::readMessage(answered).whole);
    EXPECT_TRUE(requester.check(answered, kTsigNow));
    EXPECT_LT(answered.size(), 1000U);
  }
}

// Who has a key is known; and cut, a signed answer would be believed by nobody.
TEST_F(SignedQueryTest, RateLimitsLeaveItAlone) {
  TsigRequester requester(tsigKey());
  Bytes answered = raw(test::signedBy(requester, QueryPacket("www.example").bytes()));
  EXPECT_TRUE(facts_.good_tsig);
  EXPECT_EQ(facts_.kind, AnswerKind::kPositive);
  const Bytes before = answered;
  EXPECT_EQ(cutResponse(answered), before.size());
  EXPECT_EQ(answered, before);
  raw(QueryPacket("www.example").bytes());
  EXPECT_FALSE(facts_.good_tsig);
}

TEST_F(SignedQueryTest, TheSeamTellsWhoAsksAndSignsAStream) {
  TsigRequester requester(tsigKey());
  const Bytes query = QueryPacket("example", 252).bytes();
  SignedQuery asked(test::signedBy(requester, query), withKeys().settings->tsig_keys.get(),
                    kTsigNow);
  ASSERT_NE(asked.signature().key, nullptr);
  EXPECT_EQ(asked.signature().key->name.text(), "key.example.");
  EXPECT_EQ(asked.signature().refusal, Rcode::kNoError);
  EXPECT_EQ(asked.unsignedSize(), query.size());
  for (int i = 0; i < 3; ++i) {
    Bytes message = QueryPacket("example", 252).bytes();
    const std::size_t size = message.size();
    message.resize(size + asked.signature().answer_bytes);
    ASSERT_EQ(asked.sign(message, size, kTsigNow), message.size());
    EXPECT_TRUE(requester.check(message, kTsigNow)) << i;
  }
  SignedQuery plain(query, nullptr, kTsigNow);
  EXPECT_EQ(plain.signature().key, nullptr);
  EXPECT_EQ(plain.signature().answer_bytes, 0U);
  Bytes message = query;
  EXPECT_EQ(plain.sign(message, message.size(), kTsigNow), query.size());
  EXPECT_EQ(message, query);
}

}  // namespace
}  // namespace meridian::dns
