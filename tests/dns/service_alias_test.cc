// Names that answer what a service answers: apexes of zones, in plain and in signed ones; and
// endpoints of every type that a zone may have.
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
using testing::HasSubstr;

std::string aliasZone(const std::string& apex, const std::string& more = "") {
  return "$ORIGIN " + apex + ".\n$TTL 300\n@ SOA ns.shop.test. h 1 7200 900 1209600 60\n" +
         "@ NS ns.shop.test.\n@ MX 10 mail\nmail A 192.0.2.90\n" + more;
}

// Two sites; `more` in front of the endpoints of the one service www.shop.test.
std::string aliasTopology(const std::string& more, const std::string& one = R"("A 192.0.2.10")",
                          const std::string& two = R"("A 192.0.2.20")") {
  return R"({"format": 1,
 "datacenters": [{"id": "one", "lat": 10, "lon": 10, "slot": 0},
                 {"id": "two", "lat": -10, "lon": -10, "slot": 1}],
 "zones": [{"id": "web", "kind": "stateless", "ezones": ["one", "two"]}],
 "services": [{"name": "www.shop.test", "zone": "web", )" +
         more + R"("endpoints": {"one": [)" + one + R"(], "two": [)" + two + "]}}]}";
}

class ServiceAliasTest : public testing::Test {
 protected:
  ServiceAliasTest() {
    world_.zones = {aliasZone("shop.test", "file TXT x\n"), aliasZone("shop.example"),
                    aliasZone("net")};
    world_.topology = aliasTopology(R"("aliases": ["Shop.Example.", "a.b.net"], )");
    world_.networks = "20.0.0.0/8 at 10,10\n30.0.0.0/8 at -10,-10\n";
  }

  ReadMessage ask(const std::string& name, unsigned type, std::uint8_t network = 20) {
    if (state_ == nullptr) state_ = world_.serve();
    Bytes out(kMaxMessage);
    const auto packet =
        test::QueryPacket(name, type)
            .with(test::optRecord(test::subnetOption(1, 24, {network, 1, 2}), 4096, 0));
    const Client client{test::address("127.0.0.1"), Transport::kTcp};
    out.resize(answer(packet.bytes(), client, *state_, out, counters_));
    return test::readMessage(out);
  }
  std::string problems() const {
    try {
      world_.serve();
    } catch (const std::exception& wrong) {
      return wrong.what();
    }
    return "";
  }

  test::DnsWorld world_;
  std::shared_ptr<const ServingState> state_;
  AnswerCounters counters_;
};

TEST_F(ServiceAliasTest, AnApexAnswersForItselfByPlace) {
  for (const std::uint8_t network : {std::uint8_t{20}, std::uint8_t{30}}) {
    const ReadMessage alias = ask("shop.example", 1, network);
    const ReadMessage service = ask("www.shop.test", 1, network);
    EXPECT_TRUE(alias.authoritative());
    ASSERT_EQ(alias.sections[0].size(), 1U);
    EXPECT_EQ(alias.sections[0][0].owner, "shop.example");
    EXPECT_EQ(alias.sections[0][0].rdata, service.sections[0][0].rdata);
    EXPECT_EQ(alias.sections[0][0].rdata[3], network == 20 ? 10 : 20);
  }
}

TEST_F(ServiceAliasTest, WhatItsZoneHasStays) {
  EXPECT_EQ(ask("shop.example", 6).sections[0].size(), 1U);
  EXPECT_EQ(ask("shop.example", 15).sections[0].size(), 1U);
  const ReadMessage none = ask("shop.example", 16);
  EXPECT_EQ(none.rcode, 0U);
  EXPECT_TRUE(none.sections[0].empty());
  ASSERT_EQ(none.sections[1].size(), 1U);
  EXPECT_EQ(none.sections[1][0].owner, "shop.example");
}

TEST_F(ServiceAliasTest, NothingIsMadeBelowIt) {
  EXPECT_EQ(ask("g.shop.example", 1).rcode, 3U);
  EXPECT_EQ(ask("b.net", 1).rcode, 0U);  // an empty non-terminal
  EXPECT_EQ(ask("x.b.net", 1).rcode, 3U);
  EXPECT_EQ(ask("a.b.net", 1).sections[0].size(), 1U);
}

TEST_F(ServiceAliasTest, IsExplainedAsTheServiceIs) {
  world_.settings.explain_from = IpPrefixList({test::must(IpPrefix::parse("127.0.0.0/8"))});
  const ReadMessage read = ask("_explain.shop.example", 16);
  ASSERT_EQ(read.sections[0].size(), 1U);
  const std::string text(read.sections[0][0].rdata.begin(), read.sections[0][0].rdata.end());
  EXPECT_THAT(text, HasSubstr("is one"));
}

TEST_F(ServiceAliasTest, MustGoWithItsZone) {
  world_.topology = aliasTopology(R"("aliases": ["mail.net"], )");
  EXPECT_THAT(problems(), AllOf(HasSubstr("mail.net"), HasSubstr("type 1 in the zone file")));
  world_.topology = aliasTopology(R"("aliases": ["elsewhere"], )");
  EXPECT_THAT(problems(), AllOf(HasSubstr("elsewhere"), HasSubstr("lies in no DNS zone")));
  // RFC 1034 §3.6.2: an apex has other data.
  world_.topology =
      aliasTopology(R"("aliases": ["net"], )", R"("CNAME a.example.")", R"("CNAME b.example.")");
  EXPECT_THAT(problems(), AllOf(HasSubstr("net"), HasSubstr("CNAME beside other data")));
}

TEST_F(ServiceAliasTest, ANameIsThereOnce) {
  world_.topology = aliasTopology(R"("aliases": ["net", "NET."], )");
  EXPECT_THAT(problems(), HasSubstr("services[0].aliases[1]: NET.: is the name of "
                                    "services[0].aliases[0] already"));
  world_.topology = aliasTopology(R"("aliases": ["www.shop.test"], )");
  EXPECT_THAT(problems(), HasSubstr("is the name of services[0] already"));
  world_.topology = aliasTopology(R"("aliases": ["a..net"], )");
  EXPECT_THAT(problems(), HasSubstr("has an empty label"));
  world_.topology = aliasTopology(R"("aliases": "net", )");
  EXPECT_THAT(problems(), HasSubstr("must be an array"));
}

// Of every type but those that make a zone what it is, in presentation form (the RFC that has it).
const std::vector<std::pair<unsigned, std::string>>& endpointRecords() {
  static const std::vector<std::pair<unsigned, std::string>> kRecords = {
      {1, "A 192.0.2.1"},
      {28, "AAAA 2001:db8::1"},
      {15, "MX 10 mail.shop.test."},
      {16, "TXT \"two\" \"strings; of text\""},
      {12, "PTR host.shop.test."},
      {13, "HINFO \"PC\" \"Linux\""},
      {17, "RP admin.shop.test. txt.shop.test."},
      {18, "AFSDB 1 afs.shop.test."},
      {19, "X25 \"311061700956\""},
      {20, "ISDN \"150862028003217\" \"004\""},
      {21, "RT 10 relay.shop.test."},
      {26, "PX 10 map822.shop.test. mapx400.shop.test."},
      {29, "LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"},
      {33, "SRV 1 2 443 host.shop.test."},
      {35, "NAPTR 100 50 \"s\" \"z3950+I2L+I2C\" \"\" _z3950._tcp.shop.test."},
      {36, "KX 10 kx.shop.test."},
      {37, "CERT PGP 0 0 AQIDBA=="},
      {42, "APL 1:192.168.32.0/21 !1:192.168.38.0/28"},
      {44, "SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"},
      {45, "IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="},
      {49, "DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="},
      {52, "TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"},
      {53, "SMIMEA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"},
      {61, "OPENPGPKEY AQIDBA=="},
      {62, "CSYNC 66 3 A NS AAAA"},
      {64, "SVCB 1 svc.shop.test. alpn=\"h2,h3\" port=8443 ipv4hint=192.0.2.7"},
      {65, "HTTPS 1 . alpn=\"h3\""},
      {99, "SPF \"v=spf1 -all\""},
      {104, "NID 10 0014:4fff:ff20:ee64"},
      {105, "L32 10 10.1.2.0"},
      {106, "L64 10 2001:0DB8:1140:1000"},
      {107, "LP 10 l64-subnet1.shop.test."},
      {108, "EUI48 00-00-5e-00-53-2a"},
      {109, "EUI64 00-00-5e-ef-10-00-00-2a"},
      {256, "URI 10 1 \"ftp://ftp1.shop.test/public\""},
      {257, "CAA 0 issue \"ca.example.net\""},
      {65280, "TYPE65280 \\# 4 0a000001"},
  };
  return kRecords;
}

TEST_F(ServiceAliasTest, EndpointsOfEveryTypeAreWhatTheFileWouldBe) {
  std::string records;
  std::string zone = aliasZone("shop.test");
  for (const auto& [type, text] : endpointRecords()) {
    std::string quoted;
    for (const char c : text)
      quoted += (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
    records += (records.empty() ? "\"" : ", \"") + quoted + "\"";
    zone += "file 30 " + text + "\n";
  }
  world_.zones = {zone};
  world_.topology = aliasTopology("", records, records);
  for (const auto& [type, text] : endpointRecords()) {
    const ReadMessage file = ask("file.shop.test", type);
    const ReadMessage service = ask("www.shop.test", type);
    ASSERT_EQ(service.sections[0].size(), 1U) << text;
    ASSERT_EQ(file.sections[0].size(), 1U) << text;
    EXPECT_EQ(service.sections[0][0].type, type) << text;
    EXPECT_EQ(service.sections[0][0].owner, "www.shop.test");
    EXPECT_EQ(service.sections[0][0].ttl, 30U) << text;
    EXPECT_EQ(service.sections[0][0].rdata, file.sections[0][0].rdata) << text;
    EXPECT_EQ(service.sections[0][0].target, file.sections[0][0].target) << text;
  }
}

TEST_F(ServiceAliasTest, EndpointsCannotMakeZonesOrMetaTypes) {
  for (const char* record :
       {"SOA ns. h. 1 2 3 4 5", "NS ns.shop.test.", "DNAME x.shop.test.", "DS 1 13 2 AA",
        "RRSIG A 13 2 300 20300101000000 20200101000000 1 shop.test. AQID", "NSEC a.shop.test. A",
        "NSEC3PARAM 1 0 0 -", "DNSKEY 257 3 13 AQID", "CDNSKEY 257 3 13 AQID", "CDS 1 13 2 AA"}) {
    world_.topology = aliasTopology("", "\"" + std::string(record) + "\"");
    EXPECT_THAT(problems(), HasSubstr("a type that no endpoint may have")) << record;
  }
  for (const char* record : {"OPT \\\\# 0", "ANY \\\\# 0", "TSIG \\\\# 0", "AXFR \\\\# 0"}) {
    world_.topology = aliasTopology("", "\"" + std::string(record) + "\"");
    EXPECT_THAT(problems(), HasSubstr("a type that no record has")) << record;
  }
}

}  // namespace
}  // namespace meridian::dns
