// The signer against the RFCs' rules, by the keys' own verdict on each signature. Whole generated
// zones: tests/scenario/test_signing.py, with others' verifiers.
#include "dns/sign/zone_signer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "dns/sign/type_bitmap.h"
#include "dns/zone/denial_chain.h"
#include "dns/zone/loader.h"
#include "dns/zone/signing_faults.h"
#include "dns/zone/zone_text.h"
#include "tests/support/fake_clock.h"
#include "tests/support/signing_world.h"

namespace meridian::dns {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::makeZoneKey;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kApex =
    "$ORIGIN example.\n$TTL 300\n@ SOA ns admin 7 1 2 3 60\n@ NS ns\nns A 192.0.2.1\n";

std::shared_ptr<const Zone> plainZone(const std::string& more) {
  auto zone = parseZone(kApex + more, "test");
  EXPECT_TRUE(zone) << (zone ? "" : zone.error().text());
  return *zone;
}

class ZoneSignerTest : public testing::Test {
 protected:
  SignedZone sign(const Zone* before, const Zone& data, std::size_t max_renewals = 10'000) {
    auto done = signZone({before, data, keys_, policy_, clock_.wallNow(), max_renewals});
    EXPECT_TRUE(done) << (done ? "" : done.error().text());
    const auto checked = test::checkSignatures(*done->zone, all_keys_);
    EXPECT_EQ(checked.bad, 0U) << checked.first_bad;
    EXPECT_EQ(checked.good, done->made + done->kept);
    EXPECT_FALSE(done->zone->signingFaults(clock_.wallNow()).any())
        << done->zone->signingFaults(clock_.wallNow()).first;
    return std::move(*done);
  }
  static std::string textOf(const SignedZone& zone) {
    return zoneText(*zone.zone, 1 << 20).value();
  }

  test::FakeClock clock_;
  SigningPolicy policy_;
  KeySet::Keys all_keys_{makeZoneKey(true), makeZoneKey(false, SigningKeyKind::kEcdsaP256)};
  KeySet keys_ = test::keySetOf(all_keys_);
};

TEST_F(ZoneSignerTest, EveryRrsetThatTheZoneHasTheSayOnIsSigned) {
  const auto data = plainZone(
      "www A 192.0.2.7\n*.wild TXT \"x\"\ncut NS ns.cut\nns.cut A 192.0.2.9\n"
      "safe NS ns\nsafe DS 1 13 2 " +
      std::string(64, 'a') + "\na.b.c MX 10 WWW\n");
  const SignedZone done = sign(nullptr, *data);
  // SOA NS DNSKEY CDNSKEY NSEC; A NSEC twice; TXT NSEC; NSEC; DS NSEC; MX NSEC.
  EXPECT_EQ(done.made, 5U + 2 * 2 + 2 + 1 + 2 + 2);
  const std::string text = textOf(done);
  EXPECT_THAT(text, HasSubstr("cut.example.\t60\tIN\tNSEC\tns.example. NS RRSIG NSEC \n"));
  EXPECT_THAT(text, HasSubstr("safe.example.\t60\tIN\tNSEC\t*.wild.example. NS DS RRSIG NSEC \n"));
  EXPECT_THAT(text, HasSubstr("www.example.\t60\tIN\tNSEC\texample. A RRSIG NSEC \n"));
  EXPECT_THAT(text, Not(HasSubstr("ns.cut.example.\t60")));
  EXPECT_THAT(text, HasSubstr("*.wild.example.\t300\tIN\tRRSIG\tTXT 13 2 300 "));
}

TEST_F(ZoneSignerTest, Nsec3HasEmptyNonTerminalsAndUnsignedCuts) {
  policy_.denial = DenialKind::kNsec3;
  const auto data = plainZone("a.b.c A 192.0.2.7\ncut NS ns.cut\nns.cut A 192.0.2.9\n");
  const SignedZone done = sign(nullptr, *data);
  const DenialChain* chain = done.zone->denial();
  ASSERT_TRUE(chain != nullptr && chain->isHashed());
  EXPECT_EQ(chain->size(), 6U);  // the apex, ns, a.b.c, b.c, c, cut
  const auto bitmapOf = [&](const char* name) {
    const Sha1 hash = chain->hash(Name::parse(name)->lowered());
    const DenialIx found = chain->find(hash);
    EXPECT_TRUE(chain->matches(found, hash)) << name;
    const auto rdata = chain->rrset(found).firstRdata().subspan(6 + sizeof(Sha1));
    return std::vector<std::uint8_t>(rdata.begin(), rdata.end());
  };
  EXPECT_THAT(bitmapOf("b.c.example."), testing::IsEmpty());
  EXPECT_EQ(bitmapOf("cut.example."), (std::vector<std::uint8_t>{0, 1, 0x20}));
  EXPECT_EQ(bitmapOf("ns.example."), (std::vector<std::uint8_t>{0, 6, 0x40, 0, 0, 0, 0, 2}));
}

TEST_F(ZoneSignerTest, WhatIsTheSameKeepsItsSignatures) {
  const auto data = plainZone("www A 192.0.2.7\n");
  const SignedZone first = sign(nullptr, *data);
  EXPECT_TRUE(first.changed);
  const SignedZone again = sign(first.zone.get(), *data);
  EXPECT_EQ(again.made, 0U);
  EXPECT_EQ(again.kept, first.made);
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(textOf(again), textOf(first));
}

TEST_F(ZoneSignerTest, AnEditCostsAHandful) {
  const SignedZone first =
      sign(nullptr, *plainZone("a A 192.0.2.7\nb A 192.0.2.7\nc A 192.0.2.7\n"));
  // One address is another; one name is new, and the NSEC before it leads there.
  const SignedZone second =
      sign(first.zone.get(), *plainZone("a A 192.0.2.8\nb A 192.0.2.7\nbb A 192.0.2.9\n"
                                        "c A 192.0.2.7\n"));
  EXPECT_EQ(second.made, 1U + 2 + 1);
  EXPECT_TRUE(second.changed);
  // A type less: the map of its NSEC.
  const SignedZone third =
      sign(second.zone.get(), *plainZone("a A 192.0.2.8\nb A 192.0.2.7\nc A 192.0.2.7\n"));
  EXPECT_EQ(third.made, 1U);
  EXPECT_TRUE(third.changed);
}

TEST_F(ZoneSignerTest, SignaturesAreMadeAnewBeforeTheyEnd) {
  const auto data = plainZone("a A 192.0.2.7\nb A 192.0.2.7\nc A 192.0.2.7\n");
  SignedZone zone = sign(nullptr, *data);
  std::size_t passes = 0;
  const WallTime end = clock_.wallNow() + hours(24 * 60);
  while (clock_.wallNow() < end) {
    ASSERT_GT(zone.next, clock_.wallNow());
    clock_.advance(
        std::chrono::duration_cast<std::chrono::milliseconds>(zone.next - clock_.wallNow()));
    zone = sign(zone.zone.get(), *data);
    ++passes;
    const auto checked = test::checkSignatures(*zone.zone, all_keys_);
    const auto left =
        static_cast<std::int64_t>(checked.first_end) -
        std::chrono::duration_cast<seconds>(clock_.wallNow().time_since_epoch()).count();
    ASSERT_GE(left, policy_.refresh_before.count());
  }
  // A useful life is 5.25 to 7 days; what is due within 10.5 hours goes together.
  EXPECT_GE(passes, 60 / 7U);
  EXPECT_LE(passes, 60U);
}

TEST_F(ZoneSignerTest, AnotherKeySignsAllAndAtItsPace) {
  const auto data = plainZone("a A 192.0.2.7\nb A 192.0.2.7\nc A 192.0.2.7\n");
  SignedZone zone = sign(nullptr, *data);
  const std::size_t all = zone.made;
  all_keys_.push_back(makeZoneKey(false));
  const KeySet before = keys_;
  keys_ = test::keySetOf(all_keys_);
  // Both are published: either's signatures will do.
  zone = sign(zone.zone.get(), *data, 3);
  EXPECT_GT(zone.left, 0U);
  EXPECT_LE(zone.next, clock_.wallNow());
  for (int i = 0; i < 10 && zone.left > 0; ++i) zone = sign(zone.zone.get(), *data, 3);
  EXPECT_EQ(zone.left, 0U);
  // The old one leaves. Only the keys' own signatures are made anew.
  std::erase(keys_.dnskeys, all_keys_[1]->dnskey());
  zone = sign(zone.zone.get(), *data);
  EXPECT_EQ(zone.made + zone.kept, all);
  EXPECT_EQ(zone.made, 1U);
  // A key that nobody has any more: all at once, whatever the pace.
  keys_ = before;
  keys_.dnskeys = {all_keys_[0]->dnskey(), all_keys_[1]->dnskey()};
  zone = sign(zone.zone.get(), *data, 3);
  EXPECT_EQ(zone.left, 0U);
}

TEST_F(ZoneSignerTest, WhatSigningMakesIsNoData) {
  for (const char* line :
       {"a RRSIG A 13 2 300 20370101000000 20200101000000 1 example. AAAA\n",
        "@ DNSKEY 257 3 13 AAAA\n", "@ CDS 0 0 0 00\n", "@ NSEC3PARAM 1 0 0 -\n"}) {
    const auto done = signZone({nullptr, *plainZone(line), keys_, policy_, clock_.wallNow()});
    ASSERT_FALSE(done) << line;
    EXPECT_THAT(done.error().text(), HasSubstr("made by signing"));
  }
}

TEST_F(ZoneSignerTest, TheNamesOfAnOwnerAndItsDataAreSignedInLowerCase) {
  const SignedZone first = sign(nullptr, *plainZone("Mail MX 10 WWW.Example.\n"));
  EXPECT_THAT(textOf(first), HasSubstr("Mail.example.\t300\tIN\tMX\t10 WWW.Example.\n"));
  EXPECT_THAT(textOf(first), HasSubstr("\tNSEC\tmail.example. NS SOA"));
}

TEST(TypeBitmap, IsThatOfRfc4034) {
  // RFC 4034 §4.3: A MX RRSIG NSEC TYPE1234.
  std::vector<std::uint8_t> out;
  appendTypeBitmap(std::vector<RrType>{RrType::kA, RrType::kMx, RrType::kRrsig, RrType::kNsec,
                                       static_cast<RrType>(1234)},
                   out);
  std::vector<std::uint8_t> wanted{0x00, 0x06, 0x40, 0x01, 0x00, 0x00, 0x00, 0x03, 0x04, 0x1b};
  wanted.resize(wanted.size() + 26);
  wanted.push_back(0x20);
  EXPECT_EQ(out, wanted);
}

TEST(CanonicalRdata, LowersNamesOfTheListedTypesOnly) {
  const struct {
    RrType type;
    std::string rdata, canonical;
  } cases[] = {
      {RrType::kSoa, std::string("\1A\0\1B\0", 6) + std::string(20, 'C'),
       std::string("\1a\0\1b\0", 6) + std::string(20, 'C')},
      {RrType::kSrv, std::string("ABCDEF\1X\0", 9), std::string("ABCDEF\1x\0", 9)},
      {static_cast<RrType>(35), std::string("ABCD\1U\1S\1R\1X\0", 13),
       std::string("ABCD\1U\1S\1R\1x\0", 13)},
      {static_cast<RrType>(26), std::string("AB\1X\0\1Y\0", 8), std::string("AB\1x\0\1y\0", 8)},
      {RrType::kSvcb, std::string("AB\1X\0", 5), std::string("AB\1X\0", 5)},
      {RrType::kNsec, std::string("\1X\0", 3), std::string("\1X\0", 3)},
      // No whole name: left alone.
      {RrType::kMx, std::string("AB\7XY", 5), std::string("AB\7XY", 5)},
      {static_cast<RrType>(35), "AB", "AB"},
  };
  for (const auto& each : cases) {
    std::vector<std::uint8_t> rdata(each.rdata.begin(), each.rdata.end());
    makeCanonical(each.type, rdata);
    EXPECT_EQ(std::string(rdata.begin(), rdata.end()), each.canonical)
        << static_cast<int>(each.type);
  }
}

}  // namespace
}  // namespace meridian::dns
