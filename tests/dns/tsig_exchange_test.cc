// Both sides of an exchange: answers, streams of messages, errors (RFC 8945 §5.3, §5.4).
#include <gtest/gtest.h>

#include <optional>

#include "dns/wire/tsig.h"
#include "tests/support/tsig_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::kTsigNow;
using test::QueryPacket;
using test::tsigKey;

constexpr std::uint64_t kLater = kTsigNow + 10;

// A request of `key`, as a server that knows `known` takes it.
struct Exchange {
  TsigRequester requester;
  TsigKeys keys;
  TsigCheck check;
  std::optional<TsigResponder> responder;

  explicit Exchange(const TsigKey& key = tsigKey(), const TsigKey& known = tsigKey(),
                    std::uint64_t server_time = kTsigNow)
      : requester(key), keys(test::tsigKeys({known})) {
    const Bytes request = test::signedBy(requester, QueryPacket("example", 252).bytes());
    check = checkTsig(request, keys, server_time);
    responder.emplace(check);
  }

  Bytes answer(int number, std::uint64_t now = kLater) {
    Bytes message = plain(number);
    const std::size_t size = message.size();
    message.resize(size + responder->recordSize());
    EXPECT_EQ(responder->sign(message, size, now), message.size());
    return message;
  }
  static Bytes plain(int number) {
    QueryPacket packet("example", 252);
    packet.flags = 0x8400;
    return packet
        .with(test::optRecord(test::option(65001, Bytes(1, static_cast<std::uint8_t>(number)))))
        .bytes();
  }
  // The failure, or nullopt.
  std::optional<TsigFailure> take(const Bytes& message, std::uint64_t now = kLater) {
    const auto taken = requester.check(message, now);
    return taken ? std::nullopt : std::optional(taken.error());
  }
};

TEST(TsigExchange, AnAnswerIsBelieved) {
  Exchange exchange;
  ASSERT_EQ(exchange.check.outcome, TsigOutcome::kGood);
  EXPECT_FALSE(exchange.requester.complete());
  const Bytes answer = exchange.answer(1);
  const auto taken = exchange.requester.check(answer, kLater);
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, Exchange::plain(1).size());
  EXPECT_TRUE(exchange.requester.complete());
}

TEST(TsigExchange, AnAnswerToAnotherRequestIsNot) {
  Exchange one;
  Exchange other;
  other.requester = TsigRequester(tsigKey());
  test::signedBy(other.requester, QueryPacket("other", 252).bytes());
  EXPECT_EQ(other.take(one.answer(1)), TsigFailure::kBadSig);
}

TEST(TsigExchange, NoByteOfAnAnswerMayBeChanged) {
  Exchange exchange;
  const Bytes good = exchange.answer(1);
  for (std::size_t i = 2; i < good.size(); ++i) {
    Bytes message = good;
    message[i] ^= 0x81;
    Exchange again;
    EXPECT_NE(again.take(message), std::nullopt) << i;
    EXPECT_FALSE(again.requester.complete()) << i;
  }
}

TEST(TsigExchange, AStreamIsChained) {
  Exchange exchange;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(exchange.take(exchange.answer(i)), std::nullopt) << i;
  EXPECT_TRUE(exchange.requester.complete());

  Exchange swapped;
  const Bytes first = swapped.answer(1);
  const Bytes second = swapped.answer(2);
  const Bytes third = swapped.answer(3);
  EXPECT_EQ(swapped.take(first), std::nullopt);
  EXPECT_EQ(swapped.take(third), TsigFailure::kBadSig) << "the second is missing";

  Exchange repeated;
  const Bytes once = repeated.answer(1);
  EXPECT_EQ(repeated.take(once), std::nullopt);
  EXPECT_EQ(repeated.take(once), TsigFailure::kBadSig) << "the first again";
}

// §5.3.1: at most 99 in a row, never the first or the last.
TEST(TsigExchange, MessagesBetweenMayBeUnsigned) {
  for (const int between : {1, 2, 99}) {
    Exchange exchange;
    EXPECT_FALSE(exchange.responder->leaveUnsigned(Exchange::plain(0))) << "the first";
    EXPECT_EQ(exchange.take(exchange.answer(0)), std::nullopt);
    for (int i = 0; i < between; ++i) {
      EXPECT_TRUE(exchange.responder->leaveUnsigned(Exchange::plain(i)));
      EXPECT_EQ(exchange.take(Exchange::plain(i)), std::nullopt) << i;
      EXPECT_FALSE(exchange.requester.complete());
    }
    EXPECT_EQ(exchange.take(exchange.answer(7)), std::nullopt) << between;
    EXPECT_TRUE(exchange.requester.complete());
    EXPECT_EQ(exchange.take(exchange.answer(8)), std::nullopt);
  }
}

TEST(TsigExchange, AHundredInARowMayNot) {
  Exchange exchange;
  EXPECT_EQ(exchange.take(exchange.answer(0)), std::nullopt);
  for (int i = 0; i < 99; ++i) {
    ASSERT_TRUE(exchange.responder->leaveUnsigned(Exchange::plain(i)));
    ASSERT_EQ(exchange.take(Exchange::plain(i)), std::nullopt);
  }
  EXPECT_FALSE(exchange.responder->leaveUnsigned(Exchange::plain(99)));
  EXPECT_EQ(exchange.take(Exchange::plain(99)), TsigFailure::kUnsigned);
}

TEST(TsigExchange, AnUnsignedMessageIsCoveredByTheNextSignature) {
  Exchange exchange;
  EXPECT_EQ(exchange.take(exchange.answer(0)), std::nullopt);
  ASSERT_TRUE(exchange.responder->leaveUnsigned(Exchange::plain(1)));
  EXPECT_EQ(exchange.take(Exchange::plain(2)), std::nullopt) << "not what was sent";
  EXPECT_EQ(exchange.take(exchange.answer(3)), TsigFailure::kBadSig);
}

TEST(TsigExchange, TheFirstMessageMustBeSigned) {
  Exchange exchange;
  EXPECT_EQ(exchange.take(Exchange::plain(1)), TsigFailure::kUnsigned);
  EXPECT_EQ(exchange.take(Bytes(3, 0)), TsigFailure::kMalformed);
}

TEST(TsigExchange, AnAnswerMustBeInTime) {
  Exchange exchange;
  const Bytes answer = exchange.answer(1, kTsigNow);
  EXPECT_EQ(exchange.take(answer, kTsigNow + 301), TsigFailure::kBadTime);
  Exchange again;
  EXPECT_EQ(again.take(again.answer(1, kTsigNow), kTsigNow - 300), std::nullopt);
}

TEST(TsigExchange, AnotherKeysAnswerIsRefused) {
  Exchange exchange;
  Exchange other(tsigKey("other.example"), tsigKey("other.example"));
  EXPECT_EQ(exchange.take(other.answer(1)), TsigFailure::kOtherKey);
  Exchange algorithm(tsigKey("key.example", TsigAlgorithm::kHmacSha1),
                     tsigKey("key.example", TsigAlgorithm::kHmacSha1));
  EXPECT_EQ(exchange.take(algorithm.answer(1)), TsigFailure::kOtherKey);
}

// The last bytes of a message: MAC size 0, ID, error, nothing more.
void expectUnsignedError(const Bytes& message, unsigned error) {
  const Bytes tail(message.end() - 8, message.end());
  EXPECT_EQ(tail, (Bytes{0, 0, 0x12, 0x34, 0, static_cast<std::uint8_t>(error), 0, 0}));
}

// §5.3.2.
TEST(TsigExchange, ErrorsOfKeyAndMacAreToldUnsigned) {
  Exchange unknown(tsigKey("key.example"), tsigKey("other.example"));
  ASSERT_EQ(unknown.check.outcome, TsigOutcome::kBadKey);
  const Bytes bad_key = unknown.answer(1);
  expectUnsignedError(bad_key, 17);
  EXPECT_EQ(unknown.take(bad_key), TsigFailure::kPeerBadKey);
  EXPECT_FALSE(unknown.responder->leaveUnsigned(Exchange::plain(1)));

  TsigKey other = tsigKey();
  other.secret[0] = 'x';
  Exchange wrong(tsigKey(), other);
  ASSERT_EQ(wrong.check.outcome, TsigOutcome::kBadSig);
  const Bytes bad_sig = wrong.answer(1);
  expectUnsignedError(bad_sig, 16);
  EXPECT_EQ(wrong.take(bad_sig), TsigFailure::kPeerBadSig);
}

// §5.2.3: signed, with the client's time in its place, the server's beside it.
TEST(TsigExchange, AWrongTimeIsToldSigned) {
  constexpr std::uint64_t kServerTime = kTsigNow + 100'000;
  Exchange exchange(tsigKey(), tsigKey(), kServerTime);
  ASSERT_EQ(exchange.check.outcome, TsigOutcome::kBadTime);
  const Bytes answer = exchange.answer(1, kServerTime);
  const Bytes tail(answer.end() - 12, answer.end());
  EXPECT_EQ(tail, (Bytes{0x12, 0x34, 0, 18, 0, 6, 0, 0, 0x65, 0x55, 0x77, 0xA0}));
  EXPECT_EQ(exchange.take(answer, kTsigNow), TsigFailure::kPeerBadTime);
  Exchange again(tsigKey(), tsigKey(), kServerTime);
  Bytes forged = answer;
  forged.back() ^= 1;
  EXPECT_EQ(again.take(forged, kTsigNow), TsigFailure::kBadSig) << "the time is covered";
}

// A MAC that came cut goes into the answer's as it came.
TEST(TsigExchange, AnAnswerToACutMacHasAWholeOne) {
  const TsigKeys keys = test::tsigKeys();
  TsigRequester whole(tsigKey());
  Bytes request = test::signedBy(whole, QueryPacket("example", 252).bytes());
  // MAC size and RDLENGTH lose 16, and so does the MAC before the six bytes of the tail.
  const std::size_t mac = request.size() - 6 - 32;
  request[mac - 1] = 16;
  request[mac - 2 - 8 - 13 - 1] = static_cast<std::uint8_t>(request[mac - 2 - 8 - 13 - 1] - 16);
  request.erase(request.begin() + static_cast<std::ptrdiff_t>(mac) + 16,
                request.begin() + static_cast<std::ptrdiff_t>(mac) + 32);
  const TsigCheck check = checkTsig(request, keys, kTsigNow);
  ASSERT_EQ(check.outcome, TsigOutcome::kGood);
  EXPECT_EQ(check.mac.size, 16U);
  TsigResponder responder(check);
  Bytes answer = Exchange::plain(1);
  const std::size_t size = answer.size();
  answer.resize(size + responder.recordSize());
  ASSERT_EQ(responder.sign(answer, size, kTsigNow), answer.size());
  EXPECT_EQ(answer[answer.size() - 6 - 32 - 1], 32) << "its MAC is whole";
}

TEST(TsigExchange, WithoutRoomNothingIsWritten) {
  Exchange exchange;
  Bytes message = Exchange::plain(1);
  const std::size_t size = message.size();
  message.resize(size + exchange.responder->recordSize() - 1, 0x55);
  const Bytes before = message;
  EXPECT_EQ(exchange.responder->sign(message, size, kTsigNow), 0U);
  EXPECT_EQ(message, before);
  Bytes huge(kMaxMessage + 1000, 0);
  EXPECT_EQ(exchange.responder->sign(huge, kMaxMessage - 10, kTsigNow), 0U);
  TsigRequester requester(tsigKey());
  EXPECT_EQ(requester.sign(huge, kMaxMessage - requester.recordSize() + 1, kTsigNow), 0U);
  EXPECT_EQ(requester.sign(huge, kMaxMessage - requester.recordSize(), kTsigNow), kMaxMessage);
}

TEST(TsigExchange, FailuresHaveReasons) {
  EXPECT_EQ(tsigFailureText(TsigFailure::kPeerBadKey), "the server does not know the key (BADKEY)");
  EXPECT_EQ(tsigFailureText(TsigFailure::kBadSig), "the answer's signature is wrong");
  EXPECT_EQ(tsigOutcomeName(TsigOutcome::kMalformed), "malformed");
  EXPECT_EQ(tsigOutcomeName(TsigOutcome::kBadTime), "badtime");
}

}  // namespace
}  // namespace meridian::dns
