// What answer() tells those who limit responses.
#include "dns/answer/answer_facts.h"

#include <gtest/gtest.h>

#include <cstdint>
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

constexpr unsigned kFactsA = 1, kFactsNs = 2, kFactsTxt = 16, kFactsAaaa = 28;

const ServingState& factsWorld() {
  static const std::shared_ptr<const ServingState> kState = [] {
    test::DnsWorld world;
    std::string long_texts;
    for (int i = 0; i < 8; ++i)
      long_texts += "big TXT \"" + std::to_string(i) + std::string(240, 'x') + "\"\n";
    world.zones = {
        "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 60\n@ NS ns\n"
        "ns A 192.0.2.53\nwww A 192.0.2.1\n*.Wild A 192.0.2.2\n*.alias CNAME www\n"
        "down DNAME up\nwww.up A 192.0.2.3\nx.up A 192.0.2.3\ny.up A 192.0.2.3\n"
        "cut NS ns.cut\nns.cut A 192.0.2.4\nother NS ns.cut\nlost CNAME nothing\n" +
            long_texts,
        "$ORIGIN test.\n$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 60\n@ NS ns\n"
        "ns A 192.0.2.53\n"};
    world.topology = R"({"format": 1,
      "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0},
                      {"id": "two", "region": "r", "lat": -10, "lon": -10, "slot": 1}],
      "zones": [{"id": "geo", "kind": "sharding", "partitions": [
                   {"id": "n", "home": "one", "anchors": [{"lat": 10, "lon": 10}]},
                   {"id": "s", "home": "two", "anchors": [{"lat": -10, "lon": -10}]}],
                 "placement": {"default_partition": "n"}}],
      "services": [{"name": "geo.example", "zone": "geo",
                    "endpoints": {"one": ["A 192.0.2.11"], "two": ["A 192.0.2.12"]}}]})";
    world.networks = "198.51.100.0/24 at 10,10\n203.0.113.0/24 at -10,-10\n";
    world.settings.cookies = std::make_shared<const CookieSecrets>(
        test::must(CookieSecrets::parse(std::string(32, 'b'))));
    return world.serve();
  }();
  return *kState;
}

class Facts : public testing::Test {
 protected:
  AnswerFacts of(const QueryPacket& packet) {
    AnswerFacts facts;
    response_.assign(4096, 0);
    const std::size_t size =
        answer(packet.bytes(), {test::address("198.51.100.7"), Transport::kUdp}, factsWorld(),
               response_, counters_, &facts);
    response_.resize(size);
    return facts;
  }
  AnswerFacts of(std::string_view name, unsigned type = kFactsA) {
    return of(QueryPacket(name, type));
  }
  AnswerFacts ofSubnet(std::string_view name, std::uint8_t source, const Bytes& address) {
    return of(QueryPacket(name).with(optRecord(test::subnetOption(1, source, address))));
  }

  Bytes response_;
  AnswerCounters counters_;
};

TEST_F(Facts, TellTheKind) {
  EXPECT_EQ(of("www.example").kind, AnswerKind::kPositive);
  EXPECT_EQ(of("geo.example").kind, AnswerKind::kPositive);
  EXPECT_EQ(of("big.example", kFactsTxt).kind, AnswerKind::kPositive) << "truncated";
  EXPECT_EQ(of("a.down.example").kind, AnswerKind::kNxDomain);
  EXPECT_EQ(of("lost.example").kind, AnswerKind::kNxDomain) << "behind an alias";
  EXPECT_EQ(of("x.down.example").kind, AnswerKind::kPositive);
  EXPECT_EQ(of("cut.example").kind, AnswerKind::kReferral);
  EXPECT_EQ(of("www.example", kFactsTxt).kind, AnswerKind::kNoData);
  EXPECT_EQ(of("geo.example", kFactsAaaa).kind, AnswerKind::kNoData);
  EXPECT_EQ(of("nothing.example").kind, AnswerKind::kNxDomain);
  EXPECT_EQ(of("www.elsewhere").kind, AnswerKind::kError);
  QueryPacket notify("example");
  notify.flags = 4 << 11;
  EXPECT_EQ(of(notify).kind, AnswerKind::kError) << "NOTIMP";
  EXPECT_EQ(of(QueryPacket("www.example").with(optRecord({}, 1232, 1 << 16))).kind,
            AnswerKind::kError)
      << "BADVERS";
  QueryPacket two("www.example");
  two.counts[0] = 2;
  EXPECT_EQ(of(two).kind, AnswerKind::kError) << "FORMERR";
}

TEST_F(Facts, AnAnswerIsOfItsNameAndType) {
  const std::uint64_t www = of("www.example").imputed;
  EXPECT_EQ(of("WWW.example").imputed, www);
  EXPECT_EQ(of(QueryPacket("www.example").with(optRecord())).imputed, www);
  EXPECT_NE(of("ns.example").imputed, www);
  EXPECT_NE(of("example", kFactsNs).imputed, of("example", 6).imputed);
}

TEST_F(Facts, NamesThatDoNotExistAreOfTheirZone) {
  const std::uint64_t nothing = of("nothing.example").imputed;
  EXPECT_EQ(of("x.y.z.nothing.example", kFactsTxt).imputed, nothing);
  EXPECT_EQ(of("lost.example").imputed, nothing);
  EXPECT_EQ(of("a.down.example").imputed, nothing);
  EXPECT_NE(of("nothing.test").imputed, nothing);
}

TEST_F(Facts, NoDataIsOfItsNameWhateverTheType) {
  const std::uint64_t www = of("www.example", kFactsTxt).imputed;
  EXPECT_EQ(of("www.example", kFactsAaaa).imputed, www);
  EXPECT_NE(of("ns.example", kFactsTxt).imputed, www);
}

TEST_F(Facts, WhatOneRecordMakesIsOfThatRecord) {
  const std::uint64_t wild = of("a.wild.example").imputed;
  EXPECT_EQ(of("b.c.wild.example").imputed, wild);
  EXPECT_NE(of("a.wild.example", kFactsTxt).imputed, wild) << "no data";
  EXPECT_EQ(of("a.wild.example", kFactsTxt).imputed, of("b.wild.example", kFactsAaaa).imputed);
  EXPECT_EQ(of("a.alias.example").imputed, of("b.alias.example").imputed);
  EXPECT_NE(of("a.alias.example").imputed, of("www.example").imputed);
  EXPECT_EQ(of("x.down.example").imputed, of("y.down.example").imputed);
  EXPECT_EQ(of("a.cut.example").imputed, of("b.cut.example", kFactsTxt).imputed);
  EXPECT_NE(of("a.cut.example").imputed, of("a.other.example").imputed);
  EXPECT_EQ(of("u33d.g.geo.example").imputed, of("ezs4.g.geo.example").imputed);
  EXPECT_EQ(of("alice.key.geo.example").imputed, of("bob.key.geo.example").imputed);
  EXPECT_NE(of("alice.key.geo.example").imputed, of("u33d.g.geo.example").imputed);
}

TEST_F(Facts, AnAnswerLocatedByASubnetIsOfTheSubnetAsFarAsItsScope) {
  const std::uint64_t here = ofSubnet("geo.example", 24, {198, 51, 100}).imputed;
  EXPECT_EQ(ofSubnet("geo.example", 32, {198, 51, 100, 9}).imputed, here);
  EXPECT_NE(ofSubnet("geo.example", 24, {203, 0, 113}).imputed, here);
  EXPECT_NE(of("geo.example").imputed, here);
  EXPECT_EQ(ofSubnet("geo.example", 0, {}).imputed, of("geo.example").imputed);
  EXPECT_EQ(ofSubnet("www.example", 24, {198, 51, 100}).imputed, of("www.example").imputed)
      << "a name that answers everybody alike";
  EXPECT_EQ(ofSubnet("nothing.example", 24, {198, 51, 100}).imputed, of("nothing.example").imputed);
}

TEST_F(Facts, TellWhetherTheCookieWasGood) {
  EXPECT_FALSE(of(QueryPacket("www.example").with(optRecord(option(10, Bytes(8, 1))))).good_cookie);
  const test::ReadMessage first = test::readMessage(response_);
  ASSERT_NE(first.findOption(10), nullptr);
  const Bytes cookie = *first.findOption(10);
  EXPECT_TRUE(of(QueryPacket("www.example").with(optRecord(option(10, cookie)))).good_cookie);
  EXPECT_TRUE(of(QueryPacket("www.elsewhere").with(optRecord(option(10, cookie)))).good_cookie);
  EXPECT_FALSE(
      of(QueryPacket("www.example").with(optRecord(option(10, Bytes(24, 1))))).good_cookie);
}

}  // namespace
}  // namespace meridian::dns
