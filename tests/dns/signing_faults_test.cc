#include "dns/zone/signing_faults.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "dns/zone/loader.h"
#include "tests/support/dns_world.h"
#include "tests/support/signed_zone.h"

namespace meridian::dns {
namespace {

using test::Denies;

// Signatures of signed_zone.h are good from 2020 to 2037.
WallTime yearsAfter1970(int years) {
  return WallTime(std::chrono::hours(24 * 365) * years);
}
const WallTime kBetween = yearsAfter1970(55);

std::string faultless(Denies denies) {
  return test::ZoneInTheMaking({{"example.", "SOA", "ns.example. host.example. 1 7200 900 9 60"},
                                {"example.", "NS", "ns.example."},
                                {"ns.example.", "A", "192.0.2.53"},
                                {"cut.example.", "NS", "ns.cut.example."},
                                {"ns.cut.example.", "A", "192.0.2.54"},
                                {"a.b.example.", "A", "192.0.2.1"}},
                               denies)
      .text();
}

SigningFaults faultsOf(const std::string& text, WallTime now = kBetween) {
  return test::must(parseZone(text, "test.zone"))->signingFaults(now);
}

// The text with the first line that begins so replaced.
std::string replaced(std::string text, const std::string& beginning, const std::string& by) {
  const std::size_t at = text.find("\n" + beginning) + 1;
  EXPECT_NE(at, 0U) << beginning;
  return text.replace(at, text.find('\n', at) + 1 - at, by);
}

TEST(SigningFaults, OfAZoneWithoutDnssecAreNone) {
  const SigningFaults faults =
      faultsOf("example. 300 SOA ns.test. host.test. 1 7200 900 9 60\nexample. 300 NS ns.test.\n");
  EXPECT_FALSE(faults.begun);
  EXPECT_FALSE(faults.any());
}

TEST(SigningFaults, OfAWellSignedZoneAreNone) {
  for (const Denies denies : {Denies::kNsec, Denies::kNsec3, Denies::kOptOut}) {
    const SigningFaults faults = faultsOf(faultless(denies));
    EXPECT_TRUE(faults.begun);
    EXPECT_TRUE(faults.is_signed);
    EXPECT_FALSE(faults.any()) << faults.first << " " << faults.unsigned_rrsets << " "
                               << faults.undenied_names << " " << faults.broken_links;
  }
}

TEST(SigningFaults, TellSignaturesOutsideTheirTime) {
  for (const Denies denies : {Denies::kNsec, Denies::kNsec3}) {
    const SigningFaults late = faultsOf(faultless(denies), yearsAfter1970(68));
    EXPECT_GT(late.expired, 4U);
    EXPECT_EQ(late.not_yet_valid, 0U);
    EXPECT_EQ(late.first, "example.");
    const SigningFaults early = faultsOf(faultless(denies), yearsAfter1970(40));
    EXPECT_EQ(early.not_yet_valid, late.expired);
    EXPECT_EQ(early.expired, 0U);
  }
}

TEST(SigningFaults, TellWhatIsNotSigned) {
  const std::string without_soa = replaced(faultless(Denies::kNsec), "example. 300 RRSIG SOA", "");
  EXPECT_EQ(faultsOf(without_soa).unsigned_rrsets, 1U);
  EXPECT_TRUE(faultsOf(without_soa).is_signed);
  const std::string hash = test::hashedName("a.b.example.") + ".example.";
  const std::string without_hashed =
      replaced(faultless(Denies::kNsec3), hash + " 300 RRSIG NSEC3", "");
  EXPECT_EQ(faultsOf(without_hashed).unsigned_rrsets, 1U);
  EXPECT_EQ(faultsOf(without_hashed).first, hash);
}

TEST(SigningFaults, TellChainsThatLeadNowhere) {
  const SigningFaults wrong =
      faultsOf(replaced(faultless(Denies::kNsec), "a.b.example. 300 NSEC",
                        "a.b.example. 300 NSEC zz.example. A RRSIG NSEC\n"));
  EXPECT_EQ(wrong.broken_links, 1U);
  EXPECT_EQ(wrong.first, "a.b.example.");
  const SigningFaults missing =
      faultsOf(replaced(faultless(Denies::kNsec), "a.b.example. 300 NSEC", ""));
  EXPECT_EQ(missing.undenied_names, 1U);
  EXPECT_EQ(missing.broken_links, 1U);
  const std::string hash = test::hashedName("b.example.") + ".example.";
  EXPECT_EQ(faultsOf(replaced(faultless(Denies::kNsec3), hash + " 300 NSEC3", "")).broken_links,
            1U);
}

TEST(SigningFaults, TellAZoneThatIsNotServedAsSigned) {
  const std::string hash = test::hashedName("example.") + ".example.";
  for (const std::string& text :
       {replaced(faultless(Denies::kNsec), "example. 300 NSEC", ""),
        replaced(faultless(Denies::kNsec), "example. 300 DNSKEY", ""),
        replaced(faultless(Denies::kNsec3), "example. 300 NSEC3PARAM", ""),
        replaced(faultless(Denies::kNsec3), hash + " 300 NSEC3", "")}) {
    const SigningFaults faults = faultsOf(text);
    EXPECT_TRUE(faults.begun);
    EXPECT_FALSE(faults.is_signed);
    EXPECT_TRUE(faults.any());
  }
}

}  // namespace
}  // namespace meridian::dns
