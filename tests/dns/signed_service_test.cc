// Services in a zone that is signed here: every answer's signatures verify, what is denied is
// denied for that name alone, and nothing is signed twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "dns/answer/answerer.h"
#include "dns/sign/online_signer.h"
#include "dns/sign/zone_signer.h"
#include "dns/wire/render_record.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"
#include "tests/support/signing_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::ReadMessage;
using test::ReadRecord;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr unsigned kServiceA = 1, kServiceCname = 5, kServiceMx = 15, kServiceTxt = 16,
                   kServiceAaaa = 28, kServiceRrsig = 46, kServiceNsec = 47, kServiceNxname = 128;
constexpr std::uint32_t kDo = 0x8000, kCo = 0x4000;

constexpr const char* kSignedZoneText = R"($ORIGIN shop.test.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.53
order TXT "beside the service"
*.wild MX 10 ns
deep.ent TXT "x"
)";

constexpr const char* kSignedTopology = R"({"format": 1,
 "datacenters": [{"id": "one", "lat": 10, "lon": 10, "slot": 0},
                 {"id": "two", "lat": -10, "lon": -10, "slot": 1}],
 "zones": [
  {"id": "cells", "kind": "sharding", "placement": {"default_partition": "p1"}, "partitions": [
    {"id": "p1", "home": "one", "anchors": [{"lat": 10, "lon": 10}]},
    {"id": "p2", "home": "two", "anchors": [{"lat": -10, "lon": -10}]}]},
  {"id": "web", "kind": "stateless", "ezones": ["one", "two"]}],
 "services": [
  {"name": "order.shop.test", "zone": "cells", "endpoints": {
    "one": ["A 192.0.2.10", "A 192.0.2.11", "AAAA 2001:db8::10"], "two": ["A 192.0.2.20"]}},
  {"name": "www.shop.test", "zone": "web", "answer_count": 1, "endpoints": {
    "one": [{"id": "a", "records": ["A 192.0.2.30"]}, {"id": "b", "records": ["A 192.0.2.31"]}],
    "two": ["A 192.0.2.40"]}},
  {"name": "cdn.shop.test", "zone": "web", "endpoints": {
    "one": ["CNAME ns.shop.test."], "two": ["A 192.0.2.50"]}}]})";

class SignedServiceTest : public testing::Test {
 protected:
  SignedServiceTest() {
    world_.zones = {kSignedZoneText};
    world_.topology = kSignedTopology;
    world_.networks = "20.0.0.0/8 at 10,10\n30.0.0.0/8 at -10,-10\n";
    world_.sign = [this](const ZoneSet& zones) {
      LoadedZone loaded = zones[0];
      SigningPolicy policy;
      policy.denial = denial_;
      policy.refresh_before = refresh_before_;
      auto done = signZone({nullptr, *loaded.zone, *key_set_, policy, world_.now});
      if (!done) throw std::runtime_error(done.error().text());
      loaded.unsigned_zone = std::exchange(loaded.zone, done->zone);
      if (denial_ == DenialKind::kCompact) {
        loaded.online = std::make_shared<const OnlineKeys>(
            OnlineKeys{key_set_, policy.signature_lifetime, policy.refresh_before});
      }
      return std::make_shared<const ZoneSet>(std::vector<LoadedZone>{loaded});
    };
  }

  ReadMessage ask(const std::string& name, unsigned type, std::uint8_t network = 20,
                  std::uint32_t flags = kDo) {
    if (state_ == nullptr) state_ = world_.serve();
    Bytes out(kMaxMessage);
    const auto packet =
        test::QueryPacket(name, type)
            .with(test::optRecord(test::subnetOption(1, 24, {network, 1, 2}), 4096, flags));
    Client client{test::address("127.0.0.1"), Transport::kTcp};
    client.unix_time = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(world_.now.time_since_epoch()).count());
    out.resize(answer(packet.bytes(), client, *state_, out, counters_));
    ReadMessage read = test::readMessage(out);
    if ((flags & kDo) != 0 && read.rcode <= 3) verify(read);
    return read;
  }

  // Every RRset of answer and authority has a signature that verifies, of its very name or of the
  // wildcard that made it.
  void verify(const ReadMessage& read) const {
    for (const auto& section : {read.sections[0], read.sections[1]}) {
      std::set<std::pair<std::string, unsigned>> unverified;
      for (const ReadRecord& record : section) {
        if (record.type != kServiceRrsig) unverified.emplace(record.owner, record.type);
      }
      for (const ReadRecord& signature : section) {
        if (signature.type != kServiceRrsig) continue;
        const unsigned covered =
            static_cast<unsigned>(signature.rdata[0] << 8 | signature.rdata[1]);
        EXPECT_TRUE(verifies(section, signature, covered)) << signature.owner << " " << covered;
        unverified.erase({signature.owner, covered});
      }
      EXPECT_THAT(unverified, IsEmpty());
    }
  }
  bool verifies(const std::vector<ReadRecord>& section, const ReadRecord& signature,
                unsigned covered) const {
    std::vector<std::uint8_t> rendered;
    RrsetView rrset{static_cast<RrType>(covered), 0, 0, {}};
    const Bytes& rdata = signature.rdata;
    const auto number = [&](std::size_t at) {
      return std::uint32_t{rdata[at]} << 24U | std::uint32_t{rdata[at + 1]} << 16U |
             std::uint32_t{rdata[at + 2]} << 8U | rdata[at + 3];
    };
    rrset.ttl = number(4);
    for (const ReadRecord& record : section) {
      if (record.type != covered || record.owner != signature.owner) continue;
      EXPECT_EQ(record.ttl, signature.ttl);
      EXPECT_LE(record.ttl, rrset.ttl);
      const Bytes data = record.target.empty() ? record.rdata : test::wireName(record.target);
      renderRecord(rrset.type, rrset.ttl, data, rendered);
      ++rrset.count;
    }
    rrset.rendered = rendered;
    const Name owner = Name::parse(signature.owner).value();
    EXPECT_EQ(rdata[3], owner.view().labelCount());
    const SignedData data(owner, rrset, *key_, Name::parse("shop.test.")->view(),
                          {number(12), number(8)});
    SignatureBytes bytes{};
    std::copy_n(rdata.end() - static_cast<std::ptrdiff_t>(bytes.size()), bytes.size(),
                bytes.begin());
    return std::ranges::equal(data.withSignature(bytes), rdata) &&
           meridian::verifies(key_->key().kind(), key_->key().publicBytes(), data.bytes(), bytes);
  }

  static std::vector<unsigned> typesOf(const std::vector<ReadRecord>& records) {
    std::vector<unsigned> out;
    for (const ReadRecord& record : records) out.push_back(record.type);
    return out;
  }
  // The types of the NSEC of `owner`, which leads to the name right behind it.
  static std::vector<unsigned> deniedTypes(const std::vector<ReadRecord>& records,
                                           const std::string& owner) {
    std::vector<unsigned> out;
    for (const ReadRecord& record : records) {
      if (record.type != kServiceNsec) continue;
      EXPECT_EQ(record.owner, owner);
      Bytes next{1, 0};
      test::append(next, test::wireName(owner));
      EXPECT_TRUE(std::equal(next.begin(), next.end(), record.rdata.begin()));
      for (std::size_t at = next.size(); at < record.rdata.size();) {
        const unsigned window = record.rdata[at], size = record.rdata[at + 1];
        for (unsigned bit = 0; bit < size * 8; ++bit) {
          if ((record.rdata[at + 2 + bit / 8] & 0x80U >> bit % 8) != 0) {
            out.push_back(window * 256 + bit);
          }
        }
        at += 2 + size;
      }
    }
    return out;
  }

  test::DnsWorld world_;
  DenialKind denial_ = DenialKind::kCompact;
  std::chrono::seconds refresh_before_ = std::chrono::days(7);
  std::shared_ptr<const ZoneKey> key_ = test::makeZoneKey(true);
  std::shared_ptr<const KeySet> key_set_ = std::make_shared<const KeySet>(test::keySetOf({key_}));
  std::shared_ptr<const ServingState> state_;
  AnswerCounters counters_;
};

TEST_F(SignedServiceTest, RecordsOfEachPlaceAreSignedAhead) {
  const ReadMessage one = ask("order.shop.test", kServiceA);
  EXPECT_THAT(typesOf(one.answers()), ElementsAre(kServiceA, kServiceA, kServiceRrsig));
  const ReadMessage two = ask("order.shop.test", kServiceA, 30);
  EXPECT_THAT(typesOf(two.answers()), ElementsAre(kServiceA, kServiceRrsig));
  EXPECT_THAT(typesOf(ask("sp2.shard.order.shop.test", kServiceA).answers()),
              ElementsAre(kServiceA, kServiceRrsig));
  EXPECT_EQ(counters_.signatures_made.value(), 0U);
  EXPECT_THAT(typesOf(ask("order.shop.test", kServiceA, 20, 0).answers()),
              ElementsAre(kServiceA, kServiceA));
}

TEST_F(SignedServiceTest, NamesOfPlacesAreSignedOnceInAnHour) {
  for (int i = 0; i < 3; ++i) {
    const ReadMessage read = ask("s1b2.g.order.shop.test", kServiceA);
    EXPECT_THAT(typesOf(read.answers()),
                ElementsAre(kServiceCname, kServiceRrsig, kServiceA, kServiceA, kServiceRrsig));
    EXPECT_EQ(counters_.signatures_made.value(), 1U);
  }
  world_.now += std::chrono::hours(1);
  ask("s1b2.g.order.shop.test", kServiceA);
  EXPECT_EQ(counters_.signatures_made.value(), 2U);
}

TEST_F(SignedServiceTest, WhatOnePlaceLacksIsDeniedForTheNameAlone) {
  // AAAA stands at the other place: the next one who asks for A must get it.
  const ReadMessage read = ask("order.shop.test", kServiceAaaa, 30);
  EXPECT_EQ(read.rcode, 0U);
  EXPECT_THAT(deniedTypes(read.sections[1], "order.shop.test"),
              ElementsAre(kServiceA, kServiceTxt, kServiceRrsig, kServiceNsec));
  EXPECT_THAT(deniedTypes(ask("order.shop.test", kServiceMx).sections[1], "order.shop.test"),
              ElementsAre(kServiceA, kServiceTxt, kServiceAaaa, kServiceRrsig, kServiceNsec));
  EXPECT_THAT(typesOf(ask("order.shop.test", kServiceTxt).answers()),
              ElementsAre(kServiceTxt, kServiceRrsig));
  // Names that only lead to others.
  EXPECT_THAT(deniedTypes(ask("g.order.shop.test", kServiceA).sections[1], "g.order.shop.test"),
              ElementsAre(kServiceRrsig, kServiceNsec));
  // Where an alias stands elsewhere.
  EXPECT_THAT(deniedTypes(ask("cdn.shop.test", kServiceMx, 30).sections[1], "cdn.shop.test"),
              ElementsAre(kServiceA, kServiceRrsig, kServiceNsec));
}

TEST_F(SignedServiceTest, WhatServicesDenyIsSignedAhead) {
  struct Case {
    const char* name;
    unsigned type;
    std::vector<unsigned> types;  // beside RRSIG and NSEC
  };
  const Case cases[] = {
      {"order.shop.test", kServiceAaaa, {kServiceA, kServiceTxt}},
      {"order.shop.test", kServiceMx, {kServiceA, kServiceTxt, kServiceAaaa}},
      {"sp2.shard.order.shop.test", kServiceAaaa, {kServiceA}},
      {"sp2.shard.order.shop.test", kServiceTxt, {kServiceA, kServiceAaaa}},
      {"shard.order.shop.test", kServiceA, {}},
      {"key.order.shop.test", kServiceA, {}},
      {"www.shop.test", kServiceAaaa, {kServiceA}},
      {"cdn.shop.test", kServiceMx, {kServiceA}},
      {"cdn.shop.test", kServiceCname, {kServiceA}},
  };
  for (const Case& each : cases) {
    const ReadMessage read = ask(each.name, each.type, 30);
    EXPECT_THAT(read.answers(), IsEmpty()) << each.name;
    std::vector<unsigned> expected = each.types;
    expected.insert(expected.end(), {kServiceRrsig, kServiceNsec});
    EXPECT_THAT(deniedTypes(read.sections[1], each.name), testing::ElementsAreArray(expected))
        << each.name << " " << each.type;
    for (const ReadRecord& record : read.sections[1]) {
      EXPECT_EQ(record.ttl, 60U) << each.name;  // the SOA's minimum
    }
  }
  EXPECT_THAT(deniedTypes(ask("www.shop.test", kServiceNsec).answers(), "www.shop.test"),
              ElementsAre(kServiceA, kServiceRrsig, kServiceNsec));
  EXPECT_EQ(counters_.signatures_made.value(), 0U);
}

// What stands beside a service belongs to the zone, which may change.
TEST_F(SignedServiceTest, WhatIsDeniedFollowsTheZone) {
  const auto before = world_.serve();
  std::string& text = world_.zones[0];
  const std::string beside = "order TXT \"beside the service\"\n";
  text.replace(text.find(beside), beside.size(), "order MX 10 ns\n");
  state_ = world_.serve();
  const auto kept = ServiceSignatures::make(*state_->services, *state_->zones,
                                            before->signatures.get(), world_.now);
  EXPECT_EQ(kept->made(), 3U);  // of any other type, of A, of AAAA
  EXPECT_THAT(deniedTypes(ask("order.shop.test", kServiceTxt).sections[1], "order.shop.test"),
              ElementsAre(kServiceA, kServiceMx, kServiceAaaa, kServiceRrsig, kServiceNsec));
}

TEST_F(SignedServiceTest, ANameThatDoesNotExistHasNxname) {
  for (const char* name : {"no.such.shop.test", "x.s1b2.g.order.shop.test", "shop.shop.test"}) {
    const ReadMessage read = ask(name, kServiceA);
    EXPECT_EQ(read.rcode, 0U);
    EXPECT_THAT(deniedTypes(read.sections[1], name),
                ElementsAre(kServiceRrsig, kServiceNsec, kServiceNxname));
    EXPECT_EQ(ask(name, kServiceA, 20, kDo | kCo).rcode, 3U);
    EXPECT_EQ(ask(name, kServiceA, 20, 0).rcode, 3U);
  }
  EXPECT_EQ(counters_.signatures_made.value(), 3U);
}

TEST_F(SignedServiceTest, WildcardsAndEmptyNonTerminalsOfTheZone) {
  const ReadMessage made = ask("any.wild.shop.test", kServiceMx);
  EXPECT_THAT(typesOf(made.answers()), ElementsAre(kServiceMx, kServiceRrsig));
  EXPECT_THAT(made.sections[1], IsEmpty());
  EXPECT_THAT(deniedTypes(ask("any.wild.shop.test", kServiceA).sections[1], "any.wild.shop.test"),
              ElementsAre(kServiceMx, kServiceRrsig, kServiceNsec));
  EXPECT_THAT(deniedTypes(ask("ent.shop.test", kServiceA).sections[1], "ent.shop.test"),
              ElementsAre(kServiceRrsig, kServiceNsec));
}

TEST_F(SignedServiceTest, WhoAsksForTheDenialGetsIt) {
  for (const char* name : {"order.shop.test", "no.such.shop.test", "any.wild.shop.test"}) {
    const ReadMessage read = ask(name, kServiceNsec);
    EXPECT_EQ(read.rcode, 0U);
    EXPECT_THAT(typesOf(read.answers()), ElementsAre(kServiceNsec, kServiceRrsig)) << name;
  }
  EXPECT_EQ(ask("order.shop.test", kServiceNxname).rcode, 1U);
}

TEST_F(SignedServiceTest, PoolsAndAliasesAreSigned) {
  EXPECT_THAT(typesOf(ask("www.shop.test", kServiceA).answers()),
              ElementsAre(kServiceA, kServiceRrsig));
  EXPECT_THAT(typesOf(ask("www.shop.test", kServiceA, 30).answers()),
              ElementsAre(kServiceA, kServiceRrsig));
  EXPECT_THAT(typesOf(ask("cdn.shop.test", kServiceA).answers()),
              ElementsAre(kServiceCname, kServiceRrsig, kServiceA, kServiceRrsig));
  EXPECT_THAT(typesOf(ask("cdn.shop.test", kServiceCname).answers()),
              ElementsAre(kServiceCname, kServiceRrsig));
}

// Regression: where nothing else was signed ahead, their answers had no signatures.
TEST_F(SignedServiceTest, PoolsAreSignedWhereNoOtherServiceIs) {
  world_.topology = R"({"format": 1,
 "datacenters": [{"id": "one", "lat": 10, "lon": 10, "slot": 0}],
 "zones": [{"id": "web", "kind": "stateless", "ezones": ["one"]}],
 "services": [{"name": "www.shop.test", "zone": "web", "answer_count": 1, "endpoints": {
    "one": [{"id": "a", "records": ["A 192.0.2.30"]}, {"id": "b", "records": ["A 192.0.2.31"]}]}}]})";
  EXPECT_THAT(typesOf(ask("www.shop.test", kServiceA).answers()),
              ElementsAre(kServiceA, kServiceRrsig));
  EXPECT_THAT(deniedTypes(ask("www.shop.test", kServiceMx).sections[1], "www.shop.test"),
              ElementsAre(kServiceA, kServiceRrsig, kServiceNsec));
}

TEST_F(SignedServiceTest, InAZoneWithAChainTheyAreRefused) {
  denial_ = DenialKind::kNsec;
  try {
    world_.serve();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("denial = \"compact\""));
  }
}

// Of every name, eZone and type, with the TTL of a service and with the one before a move.
TEST_F(SignedServiceTest, WhatWasSignedAheadIsFoundByItsRrset) {
  const auto state = world_.serve();
  const ServiceSet& services = *state->services;
  std::size_t found = 0;
  for (const ServiceNode& node : services.nodes()) {
    const auto place = state->signatures->placeOf(services.indexOf(node));
    EXPECT_NE(place, ServiceSignatures::Place::kUnsigned);
    EXPECT_EQ(ServiceSignatures::isAhead(place), node.ownsRecords());
    if (!ServiceSignatures::isAhead(place)) continue;
    for (std::size_t i = 0; i < services.ezoneCount(node.service); ++i) {
      for (const bool prepared : {false, true}) {
        for (const RrsetView& rrset : services.rrsets(
                 node.service, partition::EZoneIx(static_cast<std::uint16_t>(i)), prepared)) {
          const RrsetView& whole = state->signatures->at(place, services.indexOf(rrset));
          EXPECT_EQ(whole.type, rrset.type);
          EXPECT_EQ(whole.ttl, rrset.ttl);
          EXPECT_EQ(whole.ttl, prepared ? 5U : 30U);
          EXPECT_EQ(whole.count, rrset.count + 1);
          const auto records = whole.rendered.first(rrset.rendered.size());
          EXPECT_TRUE(std::equal(records.begin(), records.end(), rrset.rendered.begin()));
          ++found;
        }
      }
    }
  }
  EXPECT_EQ(found, 2U * (3 * 3 + 2));  // S and two shards, three RRsets each; one without a pool
}

TEST_F(SignedServiceTest, SignaturesAreKeptWhileTheyLast) {
  state_ = world_.serve();
  const auto& first = state_->signatures;
  ASSERT_NE(first, nullptr);
  const std::size_t all = first->count();
  // S and two shards, three RRsets each, and three denials; a service without a pool of its own,
  // two and two; one with a pool, two denials; five names that have nothing, one each.
  EXPECT_EQ(all, 3U * (3 + 3) + 2 + 2 + 2 + 5);
  EXPECT_EQ(first->made(), all);
  const auto again = [&](std::chrono::hours later) {
    return ServiceSignatures::make(*state_->services, *state_->zones, first.get(),
                                   world_.now + later)
        ->made();
  };
  EXPECT_EQ(again(std::chrono::hours(24 * 3)), 0U);
  EXPECT_EQ(again(std::chrono::hours(24 * 4)), all);
  key_set_ = std::make_shared<const KeySet>(test::keySetOf({test::makeZoneKey(true)}));
  const auto other = world_.serve();
  EXPECT_EQ(
      ServiceSignatures::make(*other->services, *other->zones, first.get(), world_.now)->made(),
      all);
}

// Regression: what was kept by a part of its life ended before the zone was signed anew.
TEST_F(SignedServiceTest, WhatIsKeptLastsUntilTheZoneIsSignedAnew) {
  for (const int refresh : {1, 7, 13}) {
    refresh_before_ = std::chrono::days(refresh);
    state_ = world_.serve();
    // The zone's own signatures have less than refresh_before left at the latest by then.
    const std::chrono::hours longest = std::chrono::days(14 - refresh);
    for (std::chrono::hours age{1}; age < longest; age += std::chrono::hours(5)) {
      const auto later = ServiceSignatures::make(*state_->services, *state_->zones,
                                                 state_->signatures.get(), world_.now + age);
      const bool kept = later->made() == 0;
      EXPECT_TRUE(!kept || std::chrono::days(14) - age > longest) << refresh << " " << age.count();
    }
  }
}

// Regression: a signed service at a name that asks for an explanation of another.
TEST_F(SignedServiceTest, AnExplanationIsNotSigned) {
  const std::string text(kSignedTopology);
  const std::string mark = R"("services": [)";
  world_.topology = text;
  world_.topology.insert(text.find(mark) + mark.size(),
                         R"({"name": "_explain.order.shop.test", "zone": "web", "endpoints": {
    "one": [{"id": "x", "records": ["A 192.0.2.60"]}], "two": ["A 192.0.2.60"]}},)");
  world_.settings.explain_from = IpPrefixList({test::must(IpPrefix::parse("127.0.0.0/8"))});
  EXPECT_THAT(typesOf(ask("_explain.order.shop.test", kServiceA).answers()),
              ElementsAre(kServiceA, kServiceRrsig));
  state_ = world_.serve();
  Bytes out(kMaxMessage);
  const auto packet = test::QueryPacket("_explain.order.shop.test", kServiceMx)
                          .with(test::optRecord({}, 4096, kDo));
  out.resize(answer(packet.bytes(), {test::address("127.0.0.1"), Transport::kTcp}, *state_, out,
                    counters_));
  EXPECT_EQ(test::readMessage(out).rcode, 0U);
}

TEST_F(SignedServiceTest, RandomNamesStayWithinTheCache) {
  // Twice as many as a thread keeps: the first are forgotten, and nothing else.
  const std::string tail = ".g.order.shop.test";
  constexpr std::string_view kDigits = "0123456789bcdefghjkmnpqrstuvwxyz";
  const auto name = [&](std::size_t i) {
    std::string out;
    for (int digit = 0; digit < 5; ++digit, i /= 32) out += kDigits[i % 32];
    return out + tail;
  };
  state_ = world_.serve();
  for (std::size_t i = 0; i < 2 * kCachedSignatures; i += 97) ask(name(i), kServiceA);
  const std::uint64_t made = counters_.signatures_made.value();
  EXPECT_EQ(made, (2 * kCachedSignatures + 96) / 97);
  ask(name(0), kServiceA);
  EXPECT_EQ(counters_.signatures_made.value(), made);
}

}  // namespace
}  // namespace meridian::dns
