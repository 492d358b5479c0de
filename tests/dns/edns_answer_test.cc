// What answer() does with the EDNS options that are about the exchange, not about the question.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "dns/answer/answerer.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::option;
using test::optRecord;
using test::QueryPacket;
using test::ReadMessage;

constexpr unsigned kEdnsA = 1, kEdnsTxt = 16, kEdnsAxfr = 252;
constexpr unsigned kRcodeNoError = 0, kRcodeFormErr = 1, kRcodeNotImp = 4, kRcodeRefused = 5;
constexpr const char* kClient = "198.51.100.7";
constexpr const char* kOtherClient = "203.0.113.7";

const ServingState& ednsWorld() {
  static const std::shared_ptr<const ServingState> kState = [] {
    test::DnsWorld world;
    world.zones = {
        "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 60\n@ NS ns\n"
        "ns A 192.0.2.53\nwww A 192.0.2.1\n"};
    world.topology = R"({"format": 1,
      "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0}],
      "zones": [{"id": "free", "kind": "stateless", "ezones": ["one"]}],
      "services": [{"name": "web.example", "zone": "free", "endpoints": {"one": ["A 192.0.2.12"]}}]})";
    world.settings.tcp_keepalive = 77;
    world.settings.cookies = std::make_shared<const CookieSecrets>(
        test::must(CookieSecrets::parse(std::string(32, 'a'))));
    return world.serve();
  }();
  return *kState;
}

class EdnsAnswer : public testing::Test {
 protected:
  ReadMessage over(Transport transport, const QueryPacket& packet,
                   std::string_view client = kClient) {
    Bytes out(kMaxMessage);
    out.resize(
        answer(packet.bytes(), {test::address(client), transport}, ednsWorld(), out, counters_));
    return test::readMessage(out);
  }
  ReadMessage ask(const QueryPacket& packet, std::string_view client = kClient) {
    return over(Transport::kUdp, packet, client);
  }
  ReadMessage askFrom(std::string_view name, const Bytes& options,
                      std::string_view client = kClient) {
    return ask(QueryPacket(name, kEdnsA).with(optRecord(options)), client);
  }

  AnswerCounters counters_;
};

TEST_F(EdnsAnswer, ACookieIsGivenAndKnownAgain) {
  const Bytes own(8, 0x11);
  const ReadMessage first = askFrom("www.example", option(10, own));
  ASSERT_NE(first.findOption(10), nullptr);
  const Bytes cookie = *first.findOption(10);
  EXPECT_EQ(cookie.size(), 24U);
  EXPECT_EQ(Bytes(cookie.begin(), cookie.begin() + 8), own);
  EXPECT_EQ(*askFrom("www.example", option(10, cookie)).findOption(10), cookie);
  const ReadMessage elsewhere = askFrom("www.example", option(10, cookie), kOtherClient);
  EXPECT_NE(*elsewhere.findOption(10), cookie);
  EXPECT_EQ(elsewhere.answers().size(), 1U) << "a wrong cookie is no error";
  EXPECT_EQ(counters_.cookies_new.value(), 1U);
  EXPECT_EQ(counters_.cookies_good.value(), 1U);
  EXPECT_EQ(counters_.cookies_bad.value(), 1U);
  EXPECT_EQ(askFrom("www.example", {}).findOption(10), nullptr);
  EXPECT_EQ(askFrom("www.example", option(10, Bytes(9, 1))).rcode, kRcodeFormErr);
}

// RFC 7873 §5.4.
TEST_F(EdnsAnswer, AMessageWithoutQuestionMayAskForACookie) {
  QueryPacket packet("");
  packet.question = {};
  packet.counts[0] = 0;
  QueryPacket bare = packet;
  EXPECT_EQ(ask(bare).rcode, kRcodeFormErr);
  EXPECT_EQ(ask(bare.with(optRecord(option(3, {})))).rcode, kRcodeFormErr);
  const ReadMessage got = ask(packet.with(optRecord(option(10, Bytes(8, 1)))));
  EXPECT_EQ(got.rcode, kRcodeNoError);
  EXPECT_TRUE(got.question.empty());
  ASSERT_NE(got.findOption(10), nullptr);
  EXPECT_EQ(got.findOption(10)->size(), 24U);
}

TEST_F(EdnsAnswer, KeepaliveIsToldOverTcpAndTlsToWhoAsks) {
  const auto asks = QueryPacket("www.example").with(optRecord(option(11, {})));
  const auto does_not = QueryPacket("www.example").with(optRecord());
  EXPECT_EQ(*over(Transport::kTcp, asks).findOption(11), (Bytes{0, 77}));
  EXPECT_EQ(*over(Transport::kTls, asks).findOption(11), (Bytes{0, 77}));
  EXPECT_EQ(over(Transport::kUdp, asks).findOption(11), nullptr);
  EXPECT_EQ(over(Transport::kHttps, asks).findOption(11), nullptr);
  EXPECT_EQ(over(Transport::kTcp, does_not).findOption(11), nullptr);
}

// RFC 8467: over TLS only, and only for who sent some.
TEST_F(EdnsAnswer, PaddingIsForTlsAndForWhoAsks) {
  const auto sizeOf = [&](Transport transport, const QueryPacket& packet) {
    Bytes out(kMaxMessage);
    out.resize(
        answer(packet.bytes(), {test::address(kClient), transport}, ednsWorld(), out, counters_));
    EXPECT_EQ(test::readMessage(out).findOption(12) != nullptr, out.size() % 468 == 0);
    return out.size();
  };
  for (const char* name : {"www.example", "web.example", "none.example", "www.elsewhere.test"}) {
    const auto asks = QueryPacket(name).with(optRecord(option(12, Bytes(20, 0))));
    EXPECT_EQ(sizeOf(Transport::kTls, asks), 468U) << name;
    EXPECT_EQ(sizeOf(Transport::kHttps, asks), 468U) << name;
    EXPECT_LT(sizeOf(Transport::kTcp, asks), 468U) << name;
    EXPECT_LT(sizeOf(Transport::kUdp, asks), 468U) << name;
    EXPECT_LT(sizeOf(Transport::kTls, QueryPacket(name).with(optRecord())), 468U) << name;
    EXPECT_LT(sizeOf(Transport::kTls, QueryPacket(name)), 468U) << name;
  }
  // Without an answer there is still a size: another version of EDNS.
  const auto bad_version =
      QueryPacket("www.example").with(optRecord(option(12, {}), 1232, 0x00010000));
  EXPECT_EQ(sizeOf(Transport::kTls, bad_version), 468U);
}

// RFC 8914.
TEST_F(EdnsAnswer, ARefusalSaysWhy) {
  const auto why = [&](const char* name, unsigned type) {
    const ReadMessage got = ask(QueryPacket(name, type).with(optRecord()));
    EXPECT_EQ(got.rcode, kRcodeRefused) << name;
    const Bytes* code = got.findOption(15);
    return code == nullptr ? -1 : code->back();
  };
  EXPECT_EQ(why("www.elsewhere.test", kEdnsA), 20);
  EXPECT_EQ(why("_explain.web.example", kEdnsTxt), 18);
  EXPECT_EQ(why("example", kEdnsAxfr), 18) << "AXFR";
  const ReadMessage plain = ask(QueryPacket("www.elsewhere.test"));
  EXPECT_FALSE(plain.has_opt) << "who sent no OPT gets none";
  EXPECT_EQ(askFrom("www.example", {}).findOption(15), nullptr);
}

// RFC 6891 §6.1.1: who sends OPT gets OPT.
TEST_F(EdnsAnswer, OtherOpcodesGetTheirOptBack) {
  const auto plus = [](QueryPacket packet, const Bytes& additional) {
    return packet.with(additional);
  };
  QueryPacket update("example", 6);
  update.flags = 5 << 11;
  EXPECT_FALSE(ask(update).has_opt);
  test::append(update.rest, {0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 9});
  update.counts[2] = 1;
  const Bytes cookie = option(10, Bytes(8, 0x22));
  const ReadMessage got = ask(plus(update, optRecord(cookie)));
  EXPECT_EQ(got.rcode, kRcodeNotImp);
  EXPECT_EQ(got.flags >> 11 & 0xF, 5U);
  EXPECT_TRUE(got.has_opt);
  EXPECT_TRUE(got.question.empty());
  ASSERT_NE(got.findOption(10), nullptr);
  EXPECT_EQ(got.findOption(10)->size(), 24U);

  QueryPacket header_only("");
  header_only.question = {};
  header_only.counts[0] = 0;
  header_only.flags = 15 << 11;
  EXPECT_TRUE(ask(plus(header_only, optRecord())).has_opt) << "as ISC's probes ask";
  EXPECT_EQ(ask(plus(header_only, optRecord({}, 1232, 7 << 16))).rcode, kRcodeNotImp)
      << "the opcode is looked at before the version";

  // What another opcode's sections hold is its own affair: no FORMERR, and no OPT that was half
  // read.
  QueryPacket broken = plus(update, optRecord(option(10, Bytes(9, 1))));
  EXPECT_EQ(ask(broken).rcode, kRcodeNotImp);
  EXPECT_FALSE(ask(broken).has_opt);
  QueryPacket cut_short = plus(update, optRecord());
  cut_short.rest.pop_back();
  EXPECT_EQ(ask(cut_short).rcode, kRcodeNotImp);
  EXPECT_FALSE(ask(cut_short).has_opt);
}

}  // namespace
}  // namespace meridian::dns
