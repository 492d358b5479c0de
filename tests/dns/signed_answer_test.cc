// Answers of signed zones, proof by proof (RFC 4035 §3.1, RFC 5155 §7.2). The zones are made by
// tests/support/signed_zone.h; that validators believe such answers is what
// tests/scenario/test_signed_zones.py shows.
#include "dns/answer/signed_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "dns/answer/answerer.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"
#include "tests/support/signed_zone.h"

namespace meridian::dns {
namespace {

using test::Denies;
using test::ReadMessage;
using test::ReadRecord;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr unsigned kAskA = 1, kAskTxt = 16, kAskDs = 43;
constexpr unsigned kAskRrsig = 46, kAskNsec = 47, kAskNsec3 = 50, kAskAny = 255;
constexpr unsigned kNameError = 3;

const std::vector<test::PlainRecord>& signedRecords() {
  static const std::vector<test::PlainRecord> kRecords = [] {
    std::vector<test::PlainRecord> out{
        {"example.", "SOA", "ns.example. host.example. 1 7200 900 1209600 60"},
        {"example.", "NS", "ns.example."},
        {"ns.example.", "A", "192.0.2.53"},
        {"www.example.", "A", "192.0.2.1"},
        {"www.example.", "TXT", "www"},
        {"alias.example.", "CNAME", "www.example."},
        {"lost.example.", "CNAME", "nothing.example."},
        {"*.wild.example.", "TXT", "wild"},
        {"*.links.example.", "CNAME", "x.wild.example."},
        {"old.example.", "DNAME", "wild.example."},
        {"leaf.ent.example.", "A", "192.0.2.2"},
        {"safe.example.", "NS", "ns.safe.example."},
        {"safe.example.", "DS", "1 13 2 " + std::string(64, 'A')},
        {"ns.safe.example.", "A", "192.0.2.54"},
        {"far.example.", "NS", "ns.elsewhere.test."},
        {"far.example.", "DS", "1 13 2 " + std::string(64, 'B')},
        {"plain.example.", "NS", "ns.safe.example."},
        {"deep.hidden.example.", "NS", "ns.safe.example."}};
    for (int i = 0; i < 12; ++i) {
      out.push_back({"big.example.", "TXT", std::string(90, static_cast<char>('a' + i))});
    }
    return out;
  }();
  return kRecords;
}

std::shared_ptr<const ServingState> signedWorld(Denies denies) {
  test::DnsWorld world;
  world.zones = {test::ZoneInTheMaking(signedRecords(), denies).text(),
                 "$ORIGIN safe.example.\n$TTL 300\n@ SOA ns host 1 7200 900 1209600 60\n@ NS ns\n"
                 "ns A 192.0.2.54\n"};
  world.topology = test::kNoServices;
  world.settings.udp_payload_max = 4096;
  return world.serve();
}

class SignedAnswers : public testing::TestWithParam<Denies> {
 protected:
  bool hashed() const { return GetParam() != Denies::kNsec; }
  ReadMessage ask(const std::string& name, unsigned type, bool dnssec_ok = true,
                  unsigned payload = 4096) {
    test::QueryPacket packet(name, type);
    packet.flags |= 0x0010;  // CD
    packet.with(test::optRecord({}, payload, dnssec_ok ? 0x8000 : 0));
    test::Bytes out(kMaxMessage);
    out.resize(answer(packet.bytes(), {test::address("198.51.100.7"), Transport::kUdp}, *state_,
                      out, counters_));
    ReadMessage message = test::readMessage(out);
    EXPECT_EQ(message.flags & 0x0030, 0x0010U) << "CD is copied, AD never set";
    return message;
  }
  // "owner type", or "owner type covered" for signatures. Hashed owners stand as in the zone.
  static std::vector<std::string> shown(const std::vector<ReadRecord>& section) {
    std::vector<std::string> out;
    for (const ReadRecord& record : section) {
      out.push_back(record.owner + " " + std::to_string(record.type));
      if (record.type == kAskRrsig) {
        out.back() += " " + std::to_string(record.rdata[0] << 8 | record.rdata[1]);
      }
    }
    return out;
  }
  // The owner of the record that matches or covers `name`, and its types as shown() has them.
  std::vector<std::string> denying(const std::vector<std::string>& names) const {
    const DenialChain& chain = *(*state_->zones)[0].zone->denial();
    std::vector<std::string> out;
    for (const std::string& text : names) {
      const Name name = *Name::parse(text);
      const DenialIx found = hashed() ? chain.find(chain.hash(name)) : chain.find(name);
      std::string owner = chain.owner(found).text();
      owner.pop_back();
      const std::string type = hashed() ? "50" : "47";
      if (std::find(out.begin(), out.end(), owner + " " + type) != out.end()) continue;
      out.push_back(owner + " " + type);
      out.push_back(owner + " 46 " + type);
    }
    return out;
  }
  std::vector<std::string> negative(const std::vector<std::string>& names) const {
    std::vector<std::string> out = denying(names);
    out.insert(out.begin(), {"example 6", "example 46 6"});
    return out;
  }
  const std::vector<ReadRecord>& authority(const ReadMessage& message) {
    return message.sections[1];
  }

  std::shared_ptr<const ServingState> state_ = signedWorld(GetParam());
  AnswerCounters counters_;
};

INSTANTIATE_TEST_SUITE_P(Chains, SignedAnswers,
                         testing::Values(Denies::kNsec, Denies::kNsec3, Denies::kOptOut),
                         [](const auto& each) {
                           return each.param == Denies::kNsec    ? "Nsec"
                                  : each.param == Denies::kNsec3 ? "Nsec3"
                                                                 : "OptOut";
                         });

TEST_P(SignedAnswers, HaveSignaturesBesideTheirRecords) {
  const ReadMessage message = ask("www.example", kAskA);
  EXPECT_THAT(shown(message.answers()), ElementsAre("www.example 1", "www.example 46 1"));
  EXPECT_THAT(authority(message), IsEmpty());
  EXPECT_TRUE(message.dnssec_ok);
}

TEST_P(SignedAnswers, WithoutDoHaveNothingOfIt) {
  EXPECT_THAT(shown(ask("www.example", kAskA, false).answers()), ElementsAre("www.example 1"));
  EXPECT_THAT(shown(authority(ask("no.example", kAskA, false))), ElementsAre("example 6"));
  EXPECT_THAT(shown(authority(ask("far.example", kAskA, false))), ElementsAre("far.example 2"));
}

TEST_P(SignedAnswers, NoData) {
  const ReadMessage message = ask("www.example", 28);
  EXPECT_EQ(message.rcode, 0U);
  EXPECT_EQ(shown(authority(message)), negative({"www.example."}));
  for (const ReadRecord& record : authority(message)) EXPECT_EQ(record.ttl, 60U);
}

TEST_P(SignedAnswers, EmptyNonTerminal) {
  EXPECT_EQ(shown(authority(ask("ent.example", kAskA))), negative({"ent.example."}));
}

TEST_P(SignedAnswers, NameError) {
  const ReadMessage message = ask("a.b.example", kAskA);
  EXPECT_EQ(message.rcode, kNameError);
  EXPECT_EQ(shown(authority(message)), hashed() ? negative({"example.", "b.example.", "*.example."})
                                                : negative({"a.b.example.", "*.example."}));
}

TEST_P(SignedAnswers, WildcardAnswer) {
  const ReadMessage message = ask("a.b.wild.example", kAskTxt);
  EXPECT_THAT(shown(message.answers()),
              ElementsAre("a.b.wild.example 16", "a.b.wild.example 46 16"));
  EXPECT_EQ(message.answers()[1].rdata[3], 2) << "labels: that of wild.example";
  EXPECT_EQ(shown(authority(message)),
            hashed() ? denying({"b.wild.example."}) : denying({"a.b.wild.example."}));
}

TEST_P(SignedAnswers, WildcardNoData) {
  EXPECT_EQ(shown(authority(ask("a.wild.example", kAskA))),
            hashed() ? negative({"wild.example.", "a.wild.example.", "*.wild.example."})
                     : negative({"a.wild.example.", "*.wild.example."}));
  // The wildcard itself is a name like any other.
  EXPECT_EQ(shown(authority(ask("*.wild.example", kAskA))), negative({"*.wild.example."}));
}

TEST_P(SignedAnswers, ChainsOfAliases) {
  EXPECT_THAT(
      shown(ask("alias.example", kAskA).answers()),
      ElementsAre("alias.example 5", "alias.example 46 5", "www.example 1", "www.example 46 1"));
  const ReadMessage lost = ask("lost.example", kAskA);
  EXPECT_EQ(lost.rcode, kNameError);
  EXPECT_THAT(shown(lost.answers()), ElementsAre("lost.example 5", "lost.example 46 5"));
  EXPECT_EQ(shown(authority(lost)), hashed()
                                        ? negative({"example.", "nothing.example.", "*.example."})
                                        : negative({"nothing.example.", "*.example."}));
  // Two wildcards, two proofs.
  EXPECT_EQ(shown(authority(ask("y.links.example", kAskTxt))),
            denying({"y.links.example.", "x.wild.example."}));
}

TEST_P(SignedAnswers, Dname) {
  const ReadMessage message = ask("q.old.example", kAskTxt);
  EXPECT_THAT(shown(message.answers()),
              ElementsAre("old.example 39", "old.example 46 39", "q.old.example 5",
                          "q.wild.example 16", "q.wild.example 46 16"))
      << "the CNAME is made, and has no signature (RFC 6672 5.3.1)";
  EXPECT_EQ(shown(authority(message)), denying({"q.wild.example."}));
}

TEST_P(SignedAnswers, ReferralToASignedZone) {
  const ReadMessage message = ask("www.far.example", kAskA);
  EXPECT_FALSE(message.authoritative());
  EXPECT_THAT(shown(authority(message)),
              ElementsAre("far.example 2", "far.example 43", "far.example 46 43"));
  // The parent's side, with the child loaded and without.
  for (const std::string name : {"safe.example", "far.example"}) {
    const ReadMessage signer = ask(name, kAskDs);
    EXPECT_THAT(shown(signer.answers()), ElementsAre(name + " 43", name + " 46 43"));
    EXPECT_TRUE(signer.authoritative());
  }
  // The parent of this apex is not here.
  EXPECT_EQ(shown(authority(ask("example", kAskDs))), negative({"example."}));
}

TEST_P(SignedAnswers, ReferralToAnUnsignedZone) {
  const ReadMessage message = ask("www.plain.example", kAskA);
  std::vector<std::string> expected = {"plain.example 2"};
  const auto proof = GetParam() == Denies::kOptOut ? denying({"example.", "plain.example."})
                                                   : denying({"plain.example."});
  expected.insert(expected.end(), proof.begin(), proof.end());
  EXPECT_EQ(shown(authority(message)), expected);
  EXPECT_THAT(shown(message.sections[2]), ElementsAre("ns.safe.example 1")) << "glue is not signed";
  const ReadMessage no_signer = ask("plain.example", kAskDs);
  EXPECT_EQ(shown(authority(no_signer)), GetParam() == Denies::kOptOut
                                             ? negative({"example.", "plain.example."})
                                             : negative({"plain.example."}));
}

TEST_P(SignedAnswers, NamesThatOptOutLeftOut) {
  if (GetParam() != Denies::kOptOut) return;
  // hidden.example only leads to a zone without DS: the closest encloser that is proved is example.
  EXPECT_EQ(shown(authority(ask("hidden.example", kAskA))),
            negative({"example.", "hidden.example."}));
  EXPECT_EQ(shown(authority(ask("no.hidden.example", kAskA))),
            negative({"example.", "hidden.example.", "*.example."}));
  EXPECT_EQ(shown(authority(ask("deep.hidden.example", kAskDs))),
            negative({"example.", "hidden.example."}));
}

TEST_P(SignedAnswers, QuestionsForTypesOfDnssec) {
  EXPECT_THAT(shown(ask("example", 48).answers()), ElementsAre("example 48", "example 46 48"));
  EXPECT_THAT(shown(ask("example", kAskAny).answers()), ElementsAre("example 2", "example 46 2"));
  const auto signatures = shown(ask("www.example", kAskRrsig, false).answers());
  if (!hashed()) {
    EXPECT_THAT(signatures,
                ElementsAre("www.example 46 1", "www.example 46 16", "www.example 46 47"));
    EXPECT_THAT(shown(ask("www.example", kAskNsec, false).answers()),
                ElementsAre("www.example 47"));
    return;
  }
  EXPECT_THAT(signatures, ElementsAre("www.example 46 1", "www.example 46 16"));
  EXPECT_THAT(shown(ask("example", 51).answers()), ElementsAre("example 51", "example 46 51"));
  // RFC 5155 §7.2.8: as if the hashed name did not exist.
  const std::string owner = test::hashedName("www.example.") + ".example";
  const ReadMessage message = ask(owner, kAskNsec3);
  EXPECT_EQ(message.rcode, kNameError);
  EXPECT_EQ(shown(authority(message)), negative({"example.", owner + ".", "*.example."}));
}

TEST_P(SignedAnswers, AreTruncatedWholeOrNotAtAll) {
  // The RRset fits into that many bytes by itself, but not with its signature.
  constexpr unsigned kPlain = 1290;
  const ReadMessage message = ask("big.example", kAskTxt, false, kPlain);
  EXPECT_EQ(message.answers().size(), 12U);
  EXPECT_FALSE(message.truncated());
  const ReadMessage with = ask("big.example", kAskTxt, true, kPlain);
  EXPECT_TRUE(with.truncated());
  EXPECT_THAT(with.answers(), IsEmpty());
  EXPECT_FALSE(ask("big.example", kAskTxt, true, 4096).truncated());
  // The proof that a wildcard was right is not left out either.
  const ReadMessage proof = ask(std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                                    std::string(60, 'c') + ".wild.example",
                                kAskTxt, true, 512);
  EXPECT_TRUE(proof.truncated() || !authority(proof).empty());
}

// What a world says that has a service at `name`; empty: nothing is wrong.
std::string problemsOfService(const std::string& name, const std::string& child) {
  test::DnsWorld world;
  world.zones = {
      test::ZoneInTheMaking(signedRecords(), Denies::kNsec).text(),
      "$ORIGIN " + child + ".\n$TTL 300\n@ SOA ns host 1 7200 900 1209600 60\n@ NS ns\n"};
  world.topology = R"({"format": 1,
    "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0}],
    "zones": [{"id": "free", "kind": "stateless", "ezones": ["one"]}],
    "services": [{"name": ")" +
                   name + R"(", "zone": "free",
                  "endpoints": {"one": ["A 192.0.2.12"]}}]})";
  try {
    world.serve();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(ServiceInASignedZone, IsRefusedUnlessBelowAnUnsignedDelegation) {
  using testing::AllOf;
  using testing::HasSubstr;
  EXPECT_THAT(problemsOfService("web.example", "plain.example"),
              AllOf(HasSubstr("web.example"), HasSubstr("its answers would be bogus"),
                    HasSubstr("the DNS zone example. is signed")));
  EXPECT_EQ(problemsOfService("web.plain.example", "plain.example"), "");
  EXPECT_THAT(problemsOfService("web.far.example", "far.example"),
              HasSubstr("the signed DNS zone example. does not delegate far.example. without DS"));
  EXPECT_THAT(problemsOfService("web.kid.example", "kid.example"),
              HasSubstr("does not delegate kid.example. without DS"));
  EXPECT_EQ(problemsOfService("web.test", "test"), "");
}

}  // namespace
}  // namespace meridian::dns
