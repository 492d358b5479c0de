// ldns as the oracle of requests and answers, for the algorithms that it has (its SHA-384 is spelt
// wrong, and SHA-224 is missing). What it does not look at: docs/decisions/0007-tsig.md.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/digest.h"
#include "dns/wire/tsig.h"
#include "dns/zone/ldns.h"
#include "tests/support/tsig_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::QueryPacket;

struct LdnsPacketFree {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using LdnsPacket = std::unique_ptr<ldns_pkt, LdnsPacketFree>;

constexpr TsigAlgorithm kLdnsAlgorithms[] = {TsigAlgorithm::kHmacSha1, TsigAlgorithm::kHmacSha256,
                                             TsigAlgorithm::kHmacSha512};
constexpr const char* kLdnsKeyName = "key.example.";

std::string secretText(const TsigKey& key) {
  return base64(Bytes(key.secret.begin(), key.secret.end()));
}

LdnsPacket packetOf(const Bytes& message) {
  ldns_pkt* packet = nullptr;
  EXPECT_EQ(ldns_wire2pkt(&packet, message.data(), message.size()), LDNS_STATUS_OK);
  return LdnsPacket(packet);
}

LdnsRdf macOfPacket(const LdnsPacket& packet) {
  return LdnsRdf(ldns_rdf_clone(ldns_rr_rdf(ldns_pkt_tsig(packet.get()), 3)));
}

bool ldnsBelieves(const Bytes& message, const TsigKey& key, const ldns_rdf* prior = nullptr,
                  int timers_only = 0) {
  const LdnsPacket packet = packetOf(message);
  return ldns_pkt_tsig_verify_next(packet.get(), message.data(), message.size(), kLdnsKeyName,
                                   secretText(key).c_str(), prior, timers_only);
}

Bytes ldnsSigned(const Bytes& message, const TsigKey& key, const ldns_rdf* prior = nullptr,
                 int timers_only = 0) {
  const LdnsPacket packet = packetOf(message);
  const std::string algorithm = std::string(tsigAlgorithmName(key.algorithm)) + ".";
  EXPECT_EQ(ldns_pkt_tsig_sign_next(packet.get(), kLdnsKeyName, secretText(key).c_str(), 300,
                                    algorithm.c_str(), prior, timers_only),
            LDNS_STATUS_OK);
  std::uint8_t* wire = nullptr;
  std::size_t size = 0;
  EXPECT_EQ(ldns_pkt2wire(&wire, packet.get(), &size), LDNS_STATUS_OK);
  Bytes out(wire, wire + size);
  LDNS_FREE(wire);
  return out;
}

// It signs with the clock's time and nothing else.
std::uint64_t clockTime() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

Bytes answerNumber(int number) {
  QueryPacket packet("www.example");
  packet.flags = 0x8400;
  packet.counts[1] = 1;
  test::append(packet.rest, {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2,
                             static_cast<std::uint8_t>(number)});
  return packet.bytes();
}

TEST(TsigOracle, LdnsBelievesOurRequestsAndNoChangedOnes) {
  for (const TsigAlgorithm algorithm : kLdnsAlgorithms) {
    const TsigKey key = test::tsigKey("key.example", algorithm);
    Bytes message = test::signedWith(key, QueryPacket("www.example").bytes());
    EXPECT_TRUE(ldnsBelieves(message, key)) << tsigAlgorithmName(algorithm);
    message[13] ^= 1;
    EXPECT_FALSE(ldnsBelieves(message, key)) << tsigAlgorithmName(algorithm);
  }
}

TEST(TsigOracle, WeBelieveLdnsRequests) {
  for (const TsigAlgorithm algorithm : kLdnsAlgorithms) {
    const TsigKey key = test::tsigKey("key.example", algorithm);
    const TsigKeys keys = test::tsigKeys({key});
    const Bytes message = ldnsSigned(QueryPacket("www.example").bytes(), key);
    EXPECT_EQ(checkTsig(message, keys, clockTime()).outcome, TsigOutcome::kGood)
        << tsigAlgorithmName(algorithm);
  }
}

TEST(TsigOracle, LdnsBelievesOurStreams) {
  for (const TsigAlgorithm algorithm : kLdnsAlgorithms) {
    const TsigKey key = test::tsigKey("key.example", algorithm);
    const TsigKeys keys = test::tsigKeys({key});
    const Bytes request = test::signedWith(key, QueryPacket("www.example").bytes());
    TsigResponder responder(checkTsig(request, keys, test::kTsigNow));
    LdnsRdf prior = macOfPacket(packetOf(request));
    for (int i = 0; i < 3; ++i) {
      Bytes message = answerNumber(i);
      const std::size_t size = message.size();
      message.resize(size + responder.recordSize());
      ASSERT_EQ(responder.sign(message, size, test::kTsigNow), message.size());
      EXPECT_TRUE(ldnsBelieves(message, key, prior.get(), i == 0 ? 0 : 1)) << i;
      prior = macOfPacket(packetOf(message));
    }
  }
}

TEST(TsigOracle, WeBelieveLdnsStreams) {
  for (const TsigAlgorithm algorithm : kLdnsAlgorithms) {
    const TsigKey key = test::tsigKey("key.example", algorithm);
    TsigRequester requester(key);
    const Bytes request = test::signedBy(requester, QueryPacket("www.example").bytes());
    LdnsRdf prior = macOfPacket(packetOf(request));
    for (int i = 0; i < 3; ++i) {
      const Bytes message = ldnsSigned(answerNumber(i), key, prior.get(), i == 0 ? 0 : 1);
      const auto taken = requester.check(message, clockTime());
      EXPECT_TRUE(taken) << i << ": " << tsigFailureText(taken.error());
      prior = macOfPacket(packetOf(message));
    }
    EXPECT_TRUE(requester.complete());
  }
}

// Why ldns is the oracle and not the verifier: what decision 0007 says of it.
TEST(TsigOracle, LdnsDoesNotLookAtTheTimeNorAtTheOriginalId) {
  const TsigKey key = test::tsigKey();
  const TsigKeys keys = test::tsigKeys({key});
  const Bytes old = test::signedWith(key, QueryPacket("www.example").bytes(), 1);
  EXPECT_TRUE(ldnsBelieves(old, key));
  EXPECT_EQ(checkTsig(old, keys, test::kTsigNow).outcome, TsigOutcome::kBadTime);
  Bytes forwarded = test::signedWith(key, QueryPacket("www.example").bytes());
  forwarded[0] ^= 1;
  EXPECT_FALSE(ldnsBelieves(forwarded, key));
  EXPECT_EQ(checkTsig(forwarded, keys, test::kTsigNow).outcome, TsigOutcome::kGood);
}

}  // namespace
}  // namespace meridian::dns
