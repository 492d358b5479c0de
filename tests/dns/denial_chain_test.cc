#include "dns/zone/denial_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "dns/zone/canonical_order.h"
#include "dns/zone/loader.h"
#include "tests/support/dns_world.h"
#include "tests/support/signed_zone.h"

namespace meridian::dns {
namespace {

using test::Denies;
using test::must;

Name chainName(std::string_view text) {
  return *Name::parse(text);
}

std::shared_ptr<const Zone> signedZone(std::vector<test::PlainRecord> records, Denies denies) {
  return must(parseZone(test::ZoneInTheMaking(std::move(records), denies).text(), "test.zone"));
}

const std::vector<test::PlainRecord>& chainRecords() {
  static const std::vector<test::PlainRecord> kRecords{
      {"example.", "SOA", "ns.example. host.example. 1 7200 900 1209600 60"},
      {"example.", "NS", "ns.example."},
      {"ns.example.", "A", "192.0.2.53"},
      {"a.b.example.", "A", "192.0.2.1"},
      {"cut.example.", "NS", "ns.cut.example."},
      {"ns.cut.example.", "A", "192.0.2.99"}};
  return kRecords;
}

TEST(CanonicalOrder, IsThatOfTheRfc) {
  // RFC 4034 §6.1, and a name before what lies below it.
  const std::vector<std::string> sorted{
      "example.",           "a.example.",      "yljkjljk.a.example.",
      "Z.a.example.",       "zABC.a.EXAMPLE.", "z.example.",
      R"(\001.z.example.)", "*.z.example.",    R"(\200.z.example.)"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      EXPECT_EQ(canonicalOrder(chainName(sorted[i]), chainName(sorted[j])), i <=> j)
          << sorted[i] << " " << sorted[j];
    }
  }
}

// Names of few different labels, so that they nest and share beginnings.
std::vector<std::string> randomLabels(std::mt19937_64& random) {
  constexpr std::string_view kLetters = "aAbBz-0*";
  std::vector<std::string> out(random() % 4);
  for (std::string& label : out) {
    for (std::size_t i = 0; i <= random() % 3; ++i) label += kLetters[random() % kLetters.size()];
  }
  return out;
}

std::vector<std::string> loweredLabels(std::vector<std::string> labels) {
  for (std::string& label : labels) {
    for (char& c : label) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return labels;
}

TEST(CanonicalOrder, EqualsThatOfVectorsOfLabels) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    const auto a = randomLabels(random);
    const auto b = randomLabels(random);
    const auto order = canonicalOrder(chainName(test::nameOfLabels(a) + "x."),
                                      chainName(test::nameOfLabels(b) + "x."));
    ASSERT_EQ(order, loweredLabels(a) <=> loweredLabels(b))
        << test::nameOfLabels(a) << " " << test::nameOfLabels(b);
  }
}

TEST(Nsec3Hash, IsThatOfTheRfc) {
  // RFC 5155 appendix A.
  const std::vector<std::uint8_t> salt{0xaa, 0xbb, 0xcc, 0xdd};
  const auto hash = [&](std::string_view name) {
    return test::base32(nsec3Hash(chainName(name), 12, salt));
  };
  EXPECT_EQ(hash("example."), "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom");
  EXPECT_EQ(hash("a.example."), "35mthgpgcu1qg68fab165klnsnk3dpvl");
  EXPECT_EQ(hash("*.w.example."), "r53bq7cc2uvmubfu5ocmm6pers9tk9en");
}

TEST(DenialChain, IsOfSignedZonesOnly) {
  const std::string text = test::ZoneInTheMaking(chainRecords(), Denies::kNsec).text();
  EXPECT_NE(must(parseZone(text, "test.zone"))->denial(), nullptr);
  const auto without = [&](const std::string& type) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = text.find('\n', at) + 1;
      const std::string line = text.substr(at, end - at);
      if (line.find("example. 300 " + type + " ") != 0) out += line;
      at = end;
    }
    return must(parseZone(out, "test.zone"));
  };
  EXPECT_EQ(without("DNSKEY")->denial(), nullptr);
  EXPECT_EQ(without("NSEC")->denial(), nullptr);
  EXPECT_NE(without("RRSIG")->denial(), nullptr) << "served, and warned about";
}

TEST(DenialChain, FindsWhatMatchesOrCovers) {
  const auto zone = signedZone(chainRecords(), Denies::kNsec);
  const DenialChain& chain = *zone->denial();
  ASSERT_FALSE(chain.isHashed());
  EXPECT_EQ(chain.size(), 4U) << "glue and empty non-terminals have none";
  const auto owner = [&](std::string_view name) {
    return chain.owner(chain.find(chainName(name))).text();
  };
  EXPECT_EQ(owner("example."), "example.");
  EXPECT_EQ(owner("a.example."), "example.");
  EXPECT_EQ(owner("b.example."), "example.");
  EXPECT_EQ(owner("a.b.example."), "a.b.example.");
  EXPECT_EQ(owner("ns.cut.example."), "cut.example.");
  EXPECT_EQ(owner("zzz.example."), "ns.example.");
  const DenialIx cut = chain.find(chainName("cut.example."));
  EXPECT_EQ(chain.rrset(cut).type, RrType::kNsec);
  EXPECT_EQ(chain.signatures(cut).count, 1U);
}

TEST(DenialChain, FindsAsASearchOfAllNamesDoes) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    std::vector<test::PlainRecord> records = chainRecords();
    std::set<std::string> names{"example.", "ns.example.", "a.b.example.", "cut.example."};
    for (int i = 0; i < 40; ++i) {
      const std::string name = test::nameOfLabels(loweredLabels(randomLabels(random))) + "example.";
      if (names.insert(name).second) records.push_back({name, "A", "192.0.2.7"});
    }
    const auto plain = signedZone(records, Denies::kNsec);
    const auto hashed = signedZone(records, Denies::kNsec3);
    std::map<std::vector<std::string>, std::string> by_order;
    std::map<std::string, std::string> by_hash;
    for (const std::string& name : names) {
      by_order[test::labelsOf(name)] = name;
      std::vector<std::string> above = test::labelsOf(name);
      for (; !above.empty(); above.pop_back()) {
        const std::string each = test::nameOfLabels(above);
        by_hash[test::hashedName(each)] = test::hashedName(each) + ".example.";
      }
    }
    for (int i = 0; i < 200; ++i) {
      const std::string name = test::nameOfLabels(loweredLabels(randomLabels(random))) + "example.";
      const DenialChain& nsec = *plain->denial();
      ASSERT_EQ(nsec.owner(nsec.find(chainName(name))).text(),
                std::prev(by_order.upper_bound(test::labelsOf(name)))->second)
          << name;
      const DenialChain& nsec3 = *hashed->denial();
      const auto after = by_hash.upper_bound(test::hashedName(name));
      const auto& expected = after == by_hash.begin() ? *by_hash.rbegin() : *std::prev(after);
      const Sha1 hash = nsec3.hash(chainName(name));
      ASSERT_EQ(nsec3.owner(nsec3.find(hash)).text(), expected.second) << name;
      ASSERT_EQ(nsec3.matches(nsec3.find(hash), hash), by_hash.contains(test::hashedName(name)));
    }
  }
}

TEST(DenialChain, HashedNamesAreNoNamesOfTheTree) {
  const std::string of_ns = test::hashedName("ns.example.") + ".example.";
  const auto zone = signedZone(chainRecords(), Denies::kNsec3);
  EXPECT_EQ(zone->find(chainName(of_ns)).kind, Zone::MatchKind::kNxDomain);
  // But for one that has something of its own, or below it (RFC 5155 §7.2.8).
  auto records = chainRecords();
  records.push_back({"below." + of_ns, "A", "192.0.2.1"});
  EXPECT_EQ(signedZone(records, Denies::kNsec3)->find(chainName(of_ns)).kind,
            Zone::MatchKind::kExact);
  records.back().owner = of_ns;
  const auto own = signedZone(records, Denies::kNsec3);
  const Zone::Match match = own->find(chainName(of_ns));
  EXPECT_EQ(match.kind, Zone::MatchKind::kExact);
  EXPECT_FALSE(own->rrset(match.node, RrType::kA).empty());
  EXPECT_TRUE(own->rrset(match.node, RrType::kNsec3).empty());
  EXPECT_TRUE(own->signatures(match.node, RrType::kNsec3).empty());
}

TEST(DenialChain, MayStandBelowADnameOfTheApex) {
  const std::vector<test::PlainRecord> records{
      {"example.", "SOA", "ns.test. host.test. 1 7200 900 1209600 60"},
      {"example.", "NS", "ns.test."},
      {"example.", "DNAME", "other.test."}};
  const auto zone = signedZone(records, Denies::kNsec3);
  ASSERT_NE(zone->denial(), nullptr);
  EXPECT_EQ(zone->find(chainName("x.example.")).kind, Zone::MatchKind::kDname);
}

TEST(DenialChain, TooManyIterationsAreRefused) {
  std::string text = test::ZoneInTheMaking(chainRecords(), Denies::kNsec).text();
  EXPECT_TRUE(parseZone(text + "example. 300 NSEC3PARAM 1 0 100 -\n", "test.zone"));
  const auto refused = parseZone(text + "example. 300 NSEC3PARAM 1 0 101 -\n", "test.zone");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("more iterations than 100"), std::string::npos)
      << refused.error().text();
}

TEST(DenialChain, IsCachedNoLongerThanTheNegativeAnswer) {
  // RFC 9077 §3: min(SOA's TTL 300, MINIMUM 60).
  for (const Denies denies : {Denies::kNsec, Denies::kNsec3}) {
    const auto zone = signedZone(chainRecords(), denies);
    const DenialIx first(0);
    EXPECT_EQ(zone->denial()->rrset(first).ttl, 60U);
    EXPECT_EQ(zone->denial()->signatures(first).ttl, 60U);
    EXPECT_EQ(zone->negativeSoaSignatures().ttl, 60U);
    const auto rdata = zone->negativeSoaSignatures().firstRdata();
    EXPECT_EQ(rdata[6] << 8 | rdata[7], 300) << "the original TTL is signed";
    const Zone::Match apex = zone->find(chainName("example."));
    EXPECT_EQ(zone->signatures(apex.node, RrType::kSoa).ttl, 300U);
  }
}

TEST(ZoneSignatures, AreGroupedByTheTypeTheyCover) {
  const std::string signature = " 13 2 300 20370101000000 20200101000000 1 example. AAAA\n";
  const auto zone =
      must(parseZone("example. 300 SOA ns host 1 7200 900 1209600 60\nexample. 300 NS ns.example.\n"
                     "x.example. 100 A 192.0.2.1\nx.example. 200 TXT x\nx.example. 200 RRSIG TXT" +
                         signature + "x.example. 100 RRSIG A" + signature +
                         "x.example. 200 RRSIG TXT 14 2 300 "
                         "20370101000000 20200101000000 2 example. AAAA\n",
                     "test.zone"));
  const NodeIx node = zone->find(chainName("x.example.")).node;
  EXPECT_EQ(zone->signatures(node, RrType::kA).ttl, 100U) << "TTLs are evened within a group only";
  EXPECT_EQ(zone->signatures(node, RrType::kTxt).ttl, 200U);
  EXPECT_EQ(zone->signatures(node, RrType::kTxt).count, 2U);
  EXPECT_TRUE(zone->signatures(node, RrType::kAaaa).empty());
  EXPECT_EQ(zone->rrset(node, RrType::kRrsig).ttl, 100U) << "the first group";
  EXPECT_EQ(zone->signaturesAfter(node, RrType::kA).count, 2U);
  EXPECT_TRUE(zone->signaturesAfter(node, RrType::kTxt).empty());
}

}  // namespace
}  // namespace meridian::dns
