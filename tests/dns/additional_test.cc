// The additional section: addresses of what answers lead to, as far as there is room, and never
// what depends on who asks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dns/answer/answerer.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::ReadMessage;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kHelpedZone = R"($ORIGIN shop.test.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
@ NS ns.below
@ NS ns.elsewhere.
ns A 192.0.2.53
ns AAAA 2001:db8::53
below NS ns.below
ns.below A 192.0.2.54
@ MX 10 mail
@ MX 20 ns
@ MX 30 ns.below
@ MX 40 mx.elsewhere.
mail A 192.0.2.25
mail TXT "no address"
_sip._udp SRV 1 1 5060 mail
_none._udp SRV 0 0 0 .
svc SVCB 1 mail port=1
web HTTPS 1 . alpn=h2
web A 192.0.2.80
alias HTTPS 0 web
*.wild MX 10 mail
led CNAME _sip._udp
to-service MX 10 www
)";

class AdditionalTest : public testing::Test {
 protected:
  AdditionalTest() {
    world_.zones = {kHelpedZone};
    world_.topology = R"({"format": 1,
 "datacenters": [{"id": "one", "lat": 10, "lon": 10, "slot": 0}],
 "zones": [{"id": "web", "kind": "stateless", "ezones": ["one"]}],
 "services": [{"name": "www.shop.test", "zone": "web", "endpoints": {"one": ["A 192.0.2.99"]}}]})";
  }

  ReadMessage ask(const std::string& name, unsigned type, Transport transport = Transport::kUdp) {
    if (state_ == nullptr) state_ = world_.serve();
    Bytes out(kMaxMessage);
    const auto packet = test::QueryPacket(name, type).with(test::optRecord({}, 1232, 0));
    const Client client{test::address("192.0.2.1"), transport};
    out.resize(answer(packet.bytes(), client, *state_, out, counters_));
    return test::readMessage(out);
  }
  // "owner type", without OPT.
  static std::vector<std::string> helped(const ReadMessage& read) {
    std::vector<std::string> out;
    for (const auto& record : read.sections[2]) {
      if (record.type != 41) out.push_back(record.owner + " " + std::to_string(record.type));
    }
    return out;
  }

  test::DnsWorld world_;
  std::shared_ptr<const ServingState> state_;
  AnswerCounters counters_;
};

TEST_F(AdditionalTest, AddressesOfWhatAnAnswerLeadsTo) {
  EXPECT_THAT(helped(ask("shop.test", 15)),
              ElementsAre("mail.shop.test 1", "ns.shop.test 1", "ns.shop.test 28"));
  EXPECT_THAT(helped(ask("_sip._udp.shop.test", 33)), ElementsAre("mail.shop.test 1"));
  EXPECT_THAT(helped(ask("svc.shop.test", 64)), ElementsAre("mail.shop.test 1"));
  EXPECT_THAT(helped(ask("web.shop.test", 65)), ElementsAre("web.shop.test 1"));
  EXPECT_THAT(helped(ask("alias.shop.test", 65)), ElementsAre("web.shop.test 1"));
  EXPECT_THAT(helped(ask("a.wild.shop.test", 15)), ElementsAre("mail.shop.test 1"));
  EXPECT_THAT(helped(ask("led.shop.test", 33)), ElementsAre("mail.shop.test 1"));
}

TEST_F(AdditionalTest, OnlyNameServersHaveGlue) {
  EXPECT_THAT(helped(ask("shop.test", 2)),
              ElementsAre("ns.shop.test 1", "ns.shop.test 28", "ns.below.shop.test 1"));
  EXPECT_THAT(helped(ask("x.below.shop.test", 15)), ElementsAre("ns.below.shop.test 1"));
}

TEST_F(AdditionalTest, NothingWhereNothingIsLedTo) {
  EXPECT_THAT(helped(ask("_none._udp.shop.test", 33)), IsEmpty());
  EXPECT_THAT(helped(ask("mail.shop.test", 1)), IsEmpty());
  EXPECT_THAT(helped(ask("mail.shop.test", 15)), IsEmpty());
  EXPECT_THAT(helped(ask("missing.shop.test", 15)), IsEmpty());
}

TEST_F(AdditionalTest, NeverOfAService) {
  const ReadMessage read = ask("to-service.shop.test", 15);
  EXPECT_EQ(read.sections[0].size(), 1U);
  EXPECT_THAT(helped(read), IsEmpty());
}

TEST_F(AdditionalTest, MinimalResponsesHaveGlueAlone) {
  world_.settings.minimal_responses = true;
  EXPECT_THAT(helped(ask("shop.test", 15)), IsEmpty());
  EXPECT_THAT(helped(ask("shop.test", 2)), IsEmpty());
  EXPECT_THAT(helped(ask("x.below.shop.test", 1)), ElementsAre("ns.below.shop.test 1"));
}

TEST_F(AdditionalTest, WhatDoesNotFitIsLeftOut) {
  std::string zone = kHelpedZone;
  for (int i = 0; i < 40; ++i) {
    const std::string host = "host" + std::to_string(i);
    zone += "many SRV 1 1 1 " + host + "\n" + host + " AAAA 2001:db8::" + std::to_string(i) + "\n";
  }
  world_.zones = {zone};
  const ReadMessage whole = ask("many.shop.test", 33, Transport::kTcp);
  EXPECT_EQ(helped(whole).size(), 40U);
  std::string less = kHelpedZone;
  for (int i = 0; i < 20; ++i) {
    const std::string host = "host" + std::to_string(i);
    less += "many SRV 1 1 1 " + host + "\n" + host + " AAAA 2001:db8::" + std::to_string(i) + "\n";
  }
  world_.zones = {less};
  state_ = nullptr;
  const ReadMessage cut = ask("many.shop.test", 33);
  EXPECT_FALSE(cut.truncated());
  EXPECT_EQ(cut.sections[0].size(), 20U);
  EXPECT_LT(helped(cut).size(), 20U);
  EXPECT_GT(helped(cut).size(), 0U);
}

}  // namespace
}  // namespace meridian::dns
