#include "dns/zone/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace meridian::dns {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Three lines: what follows begins on line 4.
const std::string kFileHead = "$ORIGIN example.\n$TTL 3600\n@ SOA ns admin 7 1 2 3 300\n";
const std::string kNsLine = "@ NS ns.other.\n";  // line 4

std::vector<std::string> errorsOf(const std::string& text) {
  const auto zone = parseZone(text, "f");
  std::vector<std::string> out;
  if (zone) return out;
  for (const Diagnostic& entry : zone.error().entries()) out.push_back(entry.text());
  return out;
}

std::shared_ptr<const Zone> loadedZone(const std::string& text) {
  auto zone = parseZone(text, "f");
  EXPECT_TRUE(zone) << zone.error().text();
  return zone ? *zone : nullptr;
}

RrsetView loadedRrset(const Zone& zone, std::string_view name, RrType type) {
  return zone.rrset(zone.find(Name::parse(name).value()).node, type);
}

std::uint32_t ttlAt(const Zone& zone, std::string_view name) {
  return loadedRrset(zone, name, RrType::kA).ttl;
}

// A folder of its own, gone at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "zonesXXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

TEST(ZoneErrors, SayFileLineColumnAndReason) {
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "\n; comment\nwww A 192.0.2.256\n"),
              ElementsAre("f:7:5: www.example. A: 192.0.2.256: not an IPv4 address"));
}

TEST(ZoneErrors, AreAllReported) {
  EXPECT_THAT(
      errorsOf(kFileHead + kNsLine + "a A x\nb BLAH x\nc 60 CH A 192.0.2.1\nd A 192.0.2.1 2\n"),
      ElementsAre("f:5:3: a.example. A: x: not an IPv4 address",
                  "f:6:3: type: BLAH: unknown record type",
                  "f:7:6: class: CH: the class must be IN",
                  "f:8:3: d.example. A: 192.0.2.1 2: superfluous text: 2"));
}

TEST(ZoneErrors, LinesCountThroughParenthesesCommentsAndCrLf) {
  const std::string text =
      "example. 60 IN SOA a. b. ( ; (\r\n 1\r\n 2 ; )\r\n 3 4 5 )\r\n@ 60 NS a.\r\n\r\nx 60 A "
      "y\r\n";
  EXPECT_THAT(errorsOf(text), ElementsAre("f:7:6: x.example. A: y: not an IPv4 address"));
}

TEST(ZoneErrors, OpenParenthesesAndQuotesAreShownWhereTheyOpen) {
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "a A x\nt TXT ( \"a\"\n\"b\"\n"),
              ElementsAre("f:5:3: a.example. A: x: not an IPv4 address",
                          "f:6:7: parenthesis is never closed"));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "t TXT \"a\nu TXT b\"\nv A x\n"),
              ElementsAre("f:5:7: quote is not closed on its line",
                          "f:6:8: quote is not closed on its line",
                          "f:7:3: v.example. A: x: not an IPv4 address"));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "t TXT a )\n"),
              ElementsAre("f:5:9: closing parenthesis without an opening one"));
}

TEST(ZoneErrors, NulBytesAreRefusedWhereverTheyStand) {
  const std::string nul(1, '\0');
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "a TXT x" + nul + "y\n"),
              ElementsAre("f:5:8: NUL byte"));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "a TXT \"x" + nul + "\"\n"),
              ElementsAre("f:5:9: NUL byte"));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "; " + nul + "\n"), ElementsAre("f:5:3: NUL byte"));
}

TEST(ZoneErrors, ALineOfTenMegabytesIsRefused) {
  const std::string huge(10u << 20, 'a');
  for (const std::string& line : {"a TXT " + huge, "; " + huge, "a TXT (" + huge}) {
    EXPECT_THAT(errorsOf(kFileHead + kNsLine + line), ElementsAre("f:5: longer than 1 MiB"));
    const Folder folder;
    const auto zone = loadZone(folder.write("a.zone", kFileHead + kNsLine + line));
    ASSERT_FALSE(zone);
    EXPECT_THAT(zone.error().text(), HasSubstr("a.zone:5: longer than 1 MiB"));
  }
}

TEST(ZoneErrors, DirectivesAreRefusedWithReason) {
  EXPECT_THAT(errorsOf(kFileHead + kNsLine +
                       "$INCLUDE /etc/passwd\n$RANDOM 1-2 a A 1.2.3.$\n"
                       "$TTL\n$TTL x\n$TTL 2147483648\n$ORIGIN a..b.\n"),
              ElementsAre(HasSubstr("f:5:1: $INCLUDE: refused"),
                          HasSubstr("f:6:1: $RANDOM: unknown directive"),
                          "f:7:1: $TTL: needs exactly one value",
                          "f:8:6: $TTL: x: not a time: digits with s, m, h, d, w",
                          "f:9:6: $TTL: 2147483648: time over 2^31 - 1 s",
                          "f:10:9: $ORIGIN: a..b.: empty label"));
}

TEST(ZoneErrors, NamesKeepTheirBounds) {
  const std::string label(63, 'x');
  const std::string name = label + "." + label + "." + label;
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + label + "x A 192.0.2.1\n"),
              ElementsAre(HasSubstr("label over 63 bytes")));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + name + "." + label.substr(0, 54) + " A 192.0.2.1\n"),
              ElementsAre(HasSubstr("name over 255 bytes")));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + name + "." + label.substr(0, 53) + " A 192.0.2.1\n"),
              ElementsAre());
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "a SRV 1 2 3 " + name + "." + label + "\n"),
              ElementsAre(HasSubstr("f:5:3: a.example. SRV")));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "a SRV 1 2 3 " + label + "x\n"),
              ElementsAre(HasSubstr("f:5:3: a.example. SRV")));
}

TEST(ZoneErrors, NumbersThatLdnsWouldCutAreRefused) {
  for (const char* data :
       {"SRV 1 2 70000 a.", "CAA 300 issue \"a\"", "MX 65536 a.", "SOA a. b. 4294967296 1 2 3 4",
        "SOA a. b. 1 2147483648 2 3 4", "TLSA 256 1 1 ab", "SVCB 65536 a.", "TYPE65536 \\# 0",
        "DS 1 8 2 abc", "A \\# 3 010203", "A \\# 4 0102030", "NS \\# 2 C000", "A \\# 4 0102030g",
        "TXT \\#", "DS \\# 2 0001", "MX \\# 2 0001", "SRV \\# 4 00010002"}) {
    EXPECT_EQ(errorsOf(kFileHead + kNsLine + "a " + data + "\n").size(), 1u) << data;
  }
}

TEST(ZoneErrors, MetaTypesNeverStandInAZone) {
  for (const char* type : {"OPT", "TSIG", "TKEY", "AXFR", "ANY", "TYPE0", "TYPE41", "TYPE255"}) {
    EXPECT_EQ(errorsOf(kFileHead + kNsLine + "a " + type + " \\# 0\n").size(), 1u) << type;
  }
}

TEST(ZoneChecks, SoaAndNsAreNeeded) {
  EXPECT_THAT(errorsOf(""), ElementsAre("f: no SOA record"));
  EXPECT_THAT(errorsOf("example. 60 NS a.\n"), ElementsAre("f: no SOA record"));
  EXPECT_THAT(errorsOf(kFileHead), ElementsAre("f: example.: no NS record at the apex"));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "@ SOA ns admin 8 1 2 3 4\n"),
              ElementsAre(HasSubstr("f:5:3: example. SOA: a second, different record")));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "a SOA ns admin 7 1 2 3 300\n"),
              ElementsAre(HasSubstr("f:5:3: a.example. SOA: a second SOA; the first is at")));
}

TEST(ZoneChecks, OwnersAreWithinTheApex) {
  EXPECT_THAT(
      errorsOf(kFileHead + kNsLine + "a A 192.0.2.1\nb.other. A 192.0.2.1\nxexample. TXT a\n"),
      ElementsAre("f:6: b.other.: not within the zone example.",
                  "f:7: xexample.: not within the zone example."));
}

TEST(ZoneChecks, ACnameStandsAlone) {
  EXPECT_THAT(errorsOf(kFileHead + kNsLine +
                       "a CNAME b.\na A 192.0.2.1\nc A 192.0.2.1\nc CNAME b.\n"
                       "d CNAME b.\nd CNAME c.\n@ CNAME x.\n"),
              ElementsAre(HasSubstr("f:6:3: a.example. A: a record beside a CNAME"),
                          HasSubstr("f:8:3: c.example. CNAME: a CNAME where other"),
                          HasSubstr("f:10:3: d.example. CNAME: a second, different"),
                          HasSubstr("f:11:3: example. CNAME: a CNAME where other")));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "a CNAME b.\na NSEC b. CNAME NSEC\n"), ElementsAre());
}

TEST(ZoneChecks, ADnameHasNothingBelowAndNoNsBeside) {
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "d DNAME x.\nd DNAME y.\n"),
              ElementsAre(HasSubstr("f:6:3: d.example. DNAME: a second, different")));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "a.d A 192.0.2.1\nd DNAME x.\n"),
              ElementsAre("f:5: a.d.example.: below a DNAME (RFC 6672 2.4)"));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "d DNAME x.\nd NS ns.\n"),
              ElementsAre("f:5: d.example.: NS and DNAME at one name (RFC 6672 2.3)"));
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "c NS x.\nd.c DNAME x.\na.d.c A 192.0.2.1\n"),
              ElementsAre())
      << "below a cut nothing counts";
}

TEST(ZoneChecks, AnRrsetFitsIntoAMessage) {
  std::string text = kFileHead + kNsLine;
  for (int i = 100; i < 180; ++i) {
    text += "big TYPE65400 \\# 1000 0" + std::to_string(i) + std::string(1996, '0') + "\n";
  }
  // 65,535 bytes less header (12), type and class (4) and the name (13) hold 64 records of 1,012.
  const std::vector<std::string> errors = errorsOf(text);
  EXPECT_EQ(errors.size(), 80u - 64u);
  EXPECT_THAT(errors, testing::Each(HasSubstr("the RRset fits into no DNS message")));
}

TEST(ZoneChecks, RepeatedRecordsAreDroppedAndTtlsEvened) {
  const auto zone = loadedZone(kFileHead + kNsLine +
                               "@ SOA ns admin 7 1 2 3 300\n@ NS NS.OTHER.\n"
                               "a 300 A 192.0.2.1\na 60 A 192.0.2.2\na 900 A 192.0.2.1\n"
                               "a 600 A 192.0.2.3\nt TXT a\nt TXT A\n");
  EXPECT_EQ(loadedRrset(*zone, "example.", RrType::kNs).count, 1);
  const RrsetView a = loadedRrset(*zone, "a.example.", RrType::kA);
  EXPECT_EQ(a.count, 3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(a.rendered[16 * i + 9], 60);
  EXPECT_EQ(loadedRrset(*zone, "t.example.", RrType::kTxt).count, 2) << "text minds case";
  EXPECT_EQ(zone->recordCount(), 7u);
}

TEST(ZoneSyntax, TtlComesFromTheRecordThenTheDirectiveThenTheLastOne) {
  const auto with = loadedZone(
      "$ORIGIN example.\n$TTL 1h30m\n@ 5 SOA a b 1 2 3 4 9\n@ NS ns\na 1w2d3h4m5s A 192.0.2.1\n"
      "b A 192.0.2.1\n$TTL 7\nc IN A 192.0.2.1\nd IN 8 A 192.0.2.1\ne 0 IN A 192.0.2.1\n");
  EXPECT_EQ(ttlAt(*with, "a.example."), 604800u + 2 * 86400 + 3 * 3600 + 4 * 60 + 5);
  EXPECT_EQ(ttlAt(*with, "b.example."), 5400u);
  EXPECT_EQ(ttlAt(*with, "c.example."), 7u);
  EXPECT_EQ(ttlAt(*with, "d.example."), 8u);
  EXPECT_EQ(ttlAt(*with, "e.example."), 0u);
  const auto without = loadedZone(
      "example. SOA a b 1 2 3 4 9\n NS ns\na A 192.0.2.1\nb 4 A 192.0.2.1\nc A 192.0.2.1\n");
  EXPECT_EQ(ttlAt(*without, "a.example."), 9u) << "the SOA's MINIMUM";
  EXPECT_EQ(ttlAt(*without, "c.example."), 4u);
  EXPECT_THAT(errorsOf("example. NS a.\n"), ElementsAre(HasSubstr("no TTL")));
}

TEST(ZoneSyntax, NamesAreRelativeToTheOriginOrTheSoasOwner) {
  const auto zone = loadedZone(
      "example. 60 SOA ns @ 1 2 3 4 5\n NS ns\nns A 192.0.2.1\n$ORIGIN sub.example.\n"
      "@ A 192.0.2.2\nm MX 1 @\n$ORIGIN deep\nx A 192.0.2.3\n  TXT second\n");
  EXPECT_FALSE(loadedRrset(*zone, "ns.example.", RrType::kA).empty());
  EXPECT_FALSE(loadedRrset(*zone, "sub.example.", RrType::kA).empty());
  EXPECT_FALSE(loadedRrset(*zone, "x.deep.sub.example.", RrType::kTxt).empty());
  EXPECT_EQ(loadedRrset(*zone, "m.sub.example.", RrType::kMx).firstRdata().size(), 2 + 13u);
  EXPECT_THAT(errorsOf("a 60 A 192.0.2.1\n 60 A 192.0.2.1\n"),
              ElementsAre(HasSubstr("f:1:1: owner: a: a relative name where there is no origin"),
                          HasSubstr("f:2:2: 60: the first record has no owner")));
  EXPECT_THAT(errorsOf("x.example. 60 SRV 1 2 3 host\n"),
              ElementsAre(HasSubstr("a relative name where there is no origin")));
}

TEST(ZoneSyntax, AnErrorInTheOwnerDropsTheRecordsThatShareIt) {
  EXPECT_THAT(errorsOf(kFileHead + kNsLine + "a..b A 192.0.2.1\n  A 192.0.2.2\n"),
              ElementsAre(HasSubstr("f:5:1: owner: a..b: empty label"), HasSubstr("f:6:3:")));
}

TEST(ZoneSyntax, EscapesReachTheWire) {
  const auto zone =
      loadedZone(kFileHead + kNsLine + "a\\.b\\\\\\032c TXT \"q\\\"\\;\\010\" un\\ quoted\\059\n");
  const RrsetView set = loadedRrset(*zone, "a\\.b\\\\\\032c.example.", RrType::kTxt);
  ASSERT_FALSE(set.empty());
  const auto rdata = set.firstRdata();
  EXPECT_EQ(std::string(rdata.begin(), rdata.end()), std::string("\4q\";\n\12un quoted;"));
}

struct TypeCase {
  const char* text;
  const char* hex;
};

void PrintTo(const TypeCase& sample, std::ostream* out) {
  *out << sample.text;
}

// The expected bytes are dnspython's (2.3.0), names left in the case written.
const TypeCase kTypes[] = {
    {R"(A 192.0.2.1)", "c0000201"},
    {R"(AAAA 2001:db8::1)", "20010db8000000000000000000000001"},
    {R"(AAAA ::ffff:192.0.2.1)", "00000000000000000000ffffc0000201"},
    {R"(CNAME Target.Example.)", "06546172676574074578616d706c6500"},
    {R"(PTR host.example.)", "04686f7374076578616d706c6500"},
    {R"(MX 10 Mail.Example.)", "000a044d61696c074578616d706c6500"},
    {R"(TXT "a b" c "" "q\"\\\255")", "036120620163000471225cff"},
    {R"(SPF "v=spf1 -all")", "0b763d73706631202d616c6c"},
    {R"(SRV 1 2 65535 Host.example.)", "00010002ffff04486f7374076578616d706c6500"},
    {R"(HINFO "PC" "Linux")", "025043054c696e7578"},
    {R"(RP a.b. c.d.)", "01610162000163016400"},
    {R"(AFSDB 1 a.b.)", "00010161016200"},
    {R"(X25 "311061700956")", "0c333131303631373030393536"},
    {R"(ISDN "150862028003217" "004")", "0f31353038363230323830303332313703303034"},
    {R"(RT 2 a.b.)", "00020161016200"},
    {R"(NSAP 0x47000580)", "47000580"},
    {R"(PX 10 a.b. c.d.)", "000a01610162000163016400"},
    {R"(GPOS "-22.6882" "116.8652" "250.0")", "082d32322e36383832083131362e38363532053235302e30"},
    {R"(LOC 52 22 23.000 N 4 53 32.000 E -2.00m 1.00m 10000.00m 10.00m)",
     "001216138b3cf018810cbce0009895b8"},
    {R"(NAPTR 100 50 "s" "http+I2R" "" _http._tcp.example.)",
     "00640032017308687474702b49325200055f68747470045f746370076578616d706c6500"},
    {R"(KX 10 a.b.)", "000a0161016200"},
    {R"(CERT PKIX 1 8 AAECAw==)", "000100010800010203"},
    {R"(APL 1:192.168.32.0/21 !2:fe80::/10)", "00011503c0a82000020a82fe80"},
    {R"(DS 60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118)",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {R"(CDS 60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118)",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {R"(DLV 60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118)",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {R"(SSHFP 2 1 123456789abcdef67890123456789abcdef67890)",
     "0201123456789abcdef67890123456789abcdef67890"},
    {R"(IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG)", "0a0102c0000226010351537986"},
    {R"(IPSECKEY 10 2 2 2001:db8::1 AQNRU3mG)",
     "0a020220010db8000000000000000000000001010351537986"},
    {R"(IPSECKEY 10 3 2 mygateway.example. AQNRU3mG)",
     "0a0302096d7967617465776179076578616d706c6500010351537986"},
    {R"(IPSECKEY 10 0 2 . AQNRU3mG)", "0a0002010351537986"},
    {R"(RRSIG A 5 3 86400 20300322173103 20300220173103 2642 example.com. oJB1W6WN)",
     "0001050300015180714646d7711eb9d70a52076578616d706c6503636f6d00a090755ba58d"},
    {R"(NSEC host.example.com. A MX RRSIG NSEC TYPE1234)",
     "04686f7374076578616d706c6503636f6d000006400100000003041b0000000000000000000000000000000000000"
     "00000000000000020"},
    {R"(DNSKEY 256 3 5 AQPSKmyn fzW4kyBv 015MUG2D)",
     "010003050103d22a6ca77f35b893206fd35e4c506d83"},
    {R"(CDNSKEY 256 3 5 AQPSKmynfzW4kyBv015MUG2D)", "010003050103d22a6ca77f35b893206fd35e4c506d83"},
    {R"(DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=)",
     "000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40"},
    {R"(NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s MX RRSIG)",
     "0101000c04aabbccdd1417f3df17b2b2adaef615257de4d2020b80ac6c7c0006000100000002"},
    {R"(NSEC3PARAM 1 0 12 aabbccdd)", "0100000c04aabbccdd"},
    {R"(NSEC3PARAM 1 0 0 -)", "0100000000"},
    {R"(TLSA 3 1 1 0d6fce13243aa7 ab01)", "0301010d6fce13243aa7ab01"},
    {R"(SMIMEA 3 1 1 0d6fce13243aa7)", "0301010d6fce13243aa7"},
    {R"(HIP 2 200100107b1a74df365639cc39f1d578 AwEAAbdx rvs.example.)",
     "10020006200100107b1a74df365639cc39f1d57803010001b77103727673076578616d706c6500"},
    {R"(OPENPGPKEY AAECAwQF)", "000102030405"},
    {R"(CSYNC 66 3 A NS AAAA)", "000000420003000460000008"},
    {R"(SVCB 1 a.b. alpn="h2,h3" port=443)", "00010161016200000100060268320268330003000201bb"},
    {R"(HTTPS 0 a.b.)", "00000161016200"},
    {R"(HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1)",
     "0001000001000302683200040008c0000201c00002020006001020010db8000000000000000000000001"},
    {R"(HTTPS 2 . port=8443 mandatory=port key65000=abc)",
     "0002000000000200030003000220fbfde80003616263"},
    {R"(NID 10 0014:4fff:ff20:ee64)", "000a00144fffff20ee64"},
    {R"(L32 10 10.1.2.0)", "000a0a010200"},
    {R"(L64 10 2001:0db8:1140:1000)", "000a20010db811401000"},
    {R"(LP 10 l64.example.)", "000a036c3634076578616d706c6500"},
    {R"(EUI48 00-00-5e-00-53-2a)", "00005e00532a"},
    {R"(EUI64 00-00-5e-ef-10-00-00-2a)", "00005eef1000002a"},
    {R"(URI 10 1 "ftp://ftp1.example.com/public")",
     "000a00016674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963"},
    {R"(CAA 0 issue "ca.example.net; account=230123")",
     "0005697373756563612e6578616d706c652e6e65743b206163636f756e743d323330313233"},
    {R"(CAA 128 tbs "Unknown")", "8003746273556e6b6e6f776e"},
    {R"(TYPE65400 \# 4 0a000001)", "0a000001"},
    {R"(A \# 4 c0000201)", "c0000201"},
};

class RecordTypes : public testing::TestWithParam<TypeCase> {};

TEST_P(RecordTypes, HaveTheirWireForm) {
  const TypeCase& sample = GetParam();
  const auto record = parseRecord(sample.text, Name::parse("o.").value(), 60);
  ASSERT_TRUE(record) << record.error().message;
  std::string hex;
  for (const std::uint8_t byte : record->rdata) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  EXPECT_EQ(hex, sample.hex);
  // The generic form of the same bytes is the same record (RFC 3597 §5).
  const std::string generic = "TYPE" + std::to_string(static_cast<int>(record->type)) + " \\# " +
                              std::to_string(record->rdata.size()) + " " + hex;
  const auto again = parseRecord(generic, record->owner, 60);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->type, record->type);
  EXPECT_EQ(again->rdata, record->rdata);
}

INSTANTIATE_TEST_SUITE_P(Samples, RecordTypes, testing::ValuesIn(kTypes));

TEST(ParseRecord, TakesExactlyOneRecord) {
  const Name owner = Name::parse("www.example.").value();
  const auto record = parseRecord(" aaaa 2001:db8::1 ; comment", owner, 30);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->owner, owner);
  EXPECT_EQ(record->type, RrType::kAaaa);
  EXPECT_EQ(record->ttl, 30u);
  EXPECT_EQ(record->rdata.size(), 16u);
  const auto reason = [&](std::string_view text) {
    const auto refused = parseRecord(text, owner, 30);
    return refused ? "" : refused.error().message;
  };
  EXPECT_EQ(reason(""), "no record");
  EXPECT_EQ(reason("; only"), "no record");
  EXPECT_EQ(reason("A 192.0.2.1\nA 192.0.2.2"), "more than one record");
  EXPECT_EQ(reason("A ( 192.0.2.1"), "parenthesis is never closed");
  EXPECT_EQ(reason("60 A 192.0.2.1"), "unknown record type");
  EXPECT_EQ(reason("A"), "a value is missing");
  EXPECT_EQ(reason("CNAME relative"), "a relative name where there is no origin");
  EXPECT_EQ(reason("HTTPS 1 relative"), "a relative name where there is no origin");
  for (const char* text : {"OPT \\# 0", "ANY \\# 0"}) {
    EXPECT_EQ(reason(text), "a type that no record has") << text;
  }
}

TEST(LoadZone, ReadsAFileInPiecesAsAWhole) {
  std::string text = kFileHead + kNsLine;
  for (int i = 0; i < 6000; ++i) {
    const std::string n = std::to_string(i);
    text += "host" + n + " A 10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) +
            " ; " + std::string(static_cast<std::size_t>(i % 40), 'c') + "\n";
    text += "text" + n + " TXT ( \"a ) ;\"\n ; comment (\n \"" + n + "\" )\n";
  }
  const Folder folder;
  const auto whole = parseZone(text, "f");
  const auto pieces = loadZone(folder.write("a.zone", text));
  ASSERT_TRUE(whole) << whole.error().text();
  ASSERT_TRUE(pieces) << pieces.error().text();
  EXPECT_EQ((*pieces)->recordCount(), 12002u);
  EXPECT_EQ((*whole)->recordCount(), (*pieces)->recordCount());
  const auto last = loadZone(folder.write("b.zone", text + "x A y"));
  ASSERT_FALSE(last);
  EXPECT_THAT(last.error().text(), HasSubstr("b.zone:24005:3: x.example. A: y"));
}

TEST(LoadZone, SaysWhyAFileCannotBeRead) {
  const Folder folder;
  const auto missing = loadZone(folder.path() / "none.zone");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().text(), HasSubstr("none.zone: "));
  const auto directory = loadZone(folder.path());
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().text(), HasSubstr("not a regular file"));
}

TEST(LoadZones, TakesAllZoneFilesOfAFolder) {
  const Folder folder;
  const WallTime now{std::chrono::milliseconds(5)};
  const auto none = loadZones(folder.path(), now);
  ASSERT_TRUE(none);
  EXPECT_TRUE((*none)->size() == 0);
  folder.write("b.zone", kFileHead + kNsLine);
  folder.write("a.zone", "a.example. 60 SOA a. b. 1 2 3 4 5\n 60 NS a.\n");
  folder.write("notes.txt", "no zone");
  const auto two = loadZones(folder.path(), now);
  ASSERT_TRUE(two) << two.error().text();
  ASSERT_EQ((*two)->size(), 2u);
  EXPECT_EQ((**two)[0].zone->apex().text(), "example.");
  EXPECT_EQ((**two)[0].loaded_at, now);
  EXPECT_EQ((**two)[0].file, (folder.path() / "b.zone").string());
}

TEST(LoadZones, ReportsTheErrorsOfAllFilesTogether) {
  const Folder folder;
  folder.write("a.zone", kFileHead + kNsLine + "a A x\n");
  folder.write("b.zone", kFileHead + kNsLine);
  folder.write("c.zone", "EXAMPLE. 60 SOA a. b. 1 2 3 4 5\n 60 NS a.\n");
  folder.write("d.zone", kFileHead);
  const auto zones = loadZones(folder.path(), WallTime{});
  ASSERT_FALSE(zones);
  std::vector<std::string> errors;
  for (const Diagnostic& entry : zones.error().entries()) errors.push_back(entry.text());
  EXPECT_THAT(errors, ElementsAre(HasSubstr("a.zone:5:3:"), HasSubstr("c.zone: example.: also in"),
                                  HasSubstr("d.zone: example.: no NS")));
  EXPECT_FALSE(loadZones(folder.path() / "missing", WallTime{}));
}

// zones/broken/: the first line of each file says what its only error is: "; expect: 7: reason".
class BrokenZones : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(BrokenZones, AreRefusedAtTheLineAndForTheReasonTheyName) {
  std::string first;
  std::getline(std::ifstream(GetParam()), first);
  const std::string mark = "; expect: ";
  ASSERT_EQ(first.rfind(mark, 0), 0u) << first;
  const std::size_t colon = first.find(": ", mark.size());
  ASSERT_NE(colon, std::string::npos);
  const auto zone = loadZone(GetParam());
  ASSERT_FALSE(zone);
  ASSERT_EQ(zone.error().size(), 1u) << zone.error().text();
  const Diagnostic& error = zone.error().entries()[0];
  EXPECT_EQ(std::to_string(error.place.line), first.substr(mark.size(), colon - mark.size()));
  EXPECT_THAT(error.text(), HasSubstr(first.substr(colon + 2)));
}

std::vector<std::filesystem::path> brokenZones() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(MERIDIAN_SOURCE_DIR) / "zones" / "broken")) {
    out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(Files, BrokenZones, testing::ValuesIn(brokenZones()),
                         [](const auto& file) {
                           std::string name = file.param.stem().string();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace meridian::dns
