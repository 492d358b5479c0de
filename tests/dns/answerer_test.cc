#include "dns/answer/answerer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"
#include "tests/support/signed_zone.h"

namespace {

// How often this thread asked for memory.
thread_local std::size_t allocations = 0;

void* countedNew(std::size_t size) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}

}  // namespace

// All forms that the library pairs with each other: memory from one is freed by another.
void* operator new(std::size_t size) {
  if (void* out = countedNew(size)) return out;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return countedNew(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return countedNew(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept {
  std::free(memory);
}

namespace meridian::dns {
namespace {

using test::Bytes;
using test::option;
using test::optRecord;
using test::QueryPacket;
using test::ReadMessage;
using test::subnetOption;
using testing::HasSubstr;

constexpr unsigned kA = 1, kNs = 2, kCname = 5, kSoa = 6, kTxt = 16, kAaaa = 28, kDs = 43;
constexpr unsigned kAny = 255;
constexpr unsigned kNoError = 0, kFormErr = 1, kNxDomain = 3, kNotImp = 4, kRefused = 5;
constexpr unsigned kLocationCode = 65001;

constexpr const char* kParent = R"($ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
www AAAA 2001:db8::1
www TXT "www"
order TXT "from the file"
* TXT "wild"
loop1 CNAME loop2
loop2 CNAME loop1
old DNAME new
to CNAME s.g.order
kid NS ns.kid
kid DS 12345 8 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.kid A 192.0.2.99
far NS ns.far
ns.far A 192.0.2.98
)";

constexpr const char* kChild = R"($ORIGIN kid.example.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.99
)";

constexpr const char* kTopology = R"({"format": 1,
 "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0},
                 {"id": "two", "region": "r", "lat": -10, "lon": -10, "slot": 1}],
 "zones": [
  {"id": "sharded", "kind": "sharding",
   "placement": {"default_partition": "p1", "unknown_ttl": 7}, "partitions": [
    {"id": "p1", "home": "one", "anchors": [{"lat": 10, "lon": 10}]},
    {"id": "p2", "home": "two", "anchors": [{"lat": -10, "lon": -10}]}]},
  {"id": "single", "kind": "global", "primary": "one", "replicas": ["two"]},
  {"id": "free", "kind": "stateless", "ezones": ["one", "two"]}],
 "services": [
  {"name": "order.example", "zone": "sharded",
   "endpoints": {"one": ["A 192.0.2.10"], "two": ["A 192.0.2.20"]}},
  {"name": "account.example", "zone": "single",
   "endpoints": {"one": ["A 192.0.2.11"], "two": ["A 192.0.2.21"]}},
  {"name": "web.example", "zone": "free",
   "endpoints": {"one": ["A 192.0.2.12", "TXT one", "AAAA 2001:db8::12"], "two": ["A 192.0.2.22"]}},
  {"name": "alias.example", "zone": "free",
   "endpoints": {"one": ["CNAME www.example."], "two": ["CNAME www.elsewhere.test."]}}]})";

// Addresses of A records at the two sites.
constexpr const char* kOrderOne = "192.0.2.10";
constexpr const char* kOrderTwo = "192.0.2.20";

const Bytes kNearOne{198, 51, 100};  // as /24 subnets
const Bytes kNearTwo{203, 0, 113};
constexpr const char* kClientNearOne = "198.51.100.7";
constexpr const char* kClientNearTwo = "203.0.113.7";
constexpr const char* kListed = "127.0.0.1";

// A TXT RRset of `count` records of some 200 bytes each.
std::string texts(const std::string& owner, int count) {
  std::string out;
  for (int i = 0; i < count; ++i)
    out += owner + " TXT " + std::string(180, static_cast<char>('a' + i)) + "\n";
  return out;
}

const ServingState& world() {
  static const std::shared_ptr<const ServingState> kState = [] {
    test::DnsWorld world;
    world.zones = {kParent + texts("big", 4) + texts("huge", 8), kChild};
    world.topology = kTopology;
    world.networks =
        "198.51.100.0/24 at 10,10\n203.0.113.0/24 at -10,-10\n2001:db8:2::/48 at -10,-10\n";
    world.cities = {{"southtown", {-11, -11}, "", {}}};
    world.pois = {{"tower", {11, 11}, "", {}}};
    world.settings.node_id = "unit";
    world.settings.version = "meridian-test";
    const IpPrefixList listed({test::must(IpPrefix::parse("127.0.0.0/8"))});
    world.settings.explain_from = listed;
    world.settings.location_option_from = listed;
    world.settings.cookies = std::make_shared<const CookieSecrets>(
        test::must(CookieSecrets::parse(std::string(32, 'a'))));
    return world.serve();
  }();
  return *kState;
}

class Answerer : public testing::Test {
 protected:
  Bytes raw(const Bytes& message, std::string_view client, Transport transport = Transport::kUdp) {
    Bytes out(kMaxMessage);
    out.resize(answer(message, {test::address(client), transport}, world(), out, counters_));
    return out;
  }
  ReadMessage ask(const QueryPacket& packet, std::string_view client = kClientNearOne) {
    return test::readMessage(raw(packet.bytes(), client));
  }
  ReadMessage ask(std::string_view name, unsigned type, std::string_view client = kClientNearOne) {
    return ask(QueryPacket(name, type), client);
  }
  ReadMessage askFrom(std::string_view name, const Bytes& options,
                      std::string_view client = kClientNearOne) {
    return ask(QueryPacket(name, kA).with(optRecord(options)), client);
  }
  void expectNoData(const ReadMessage& read, const std::string& what) {
    EXPECT_EQ(read.rcode, kNoError) << what;
    EXPECT_TRUE(read.answers().empty()) << what;
    EXPECT_TRUE(read.authoritative()) << what;
    ASSERT_EQ(read.sections[1].size(), 1U) << what;
    EXPECT_EQ(read.sections[1][0].type, kSoa) << what;
  }
  void expectNameError(const ReadMessage& read, const std::string& what) {
    EXPECT_EQ(read.rcode, kNxDomain) << what;
    EXPECT_TRUE(read.answers().empty()) << what;
    ASSERT_EQ(read.sections[1].size(), 1U) << what;
    EXPECT_EQ(read.sections[1][0].type, kSoa) << what;
  }

  std::uint64_t hitsOf(std::string_view subject) const {
    return counters_.subjects.value(world().map.table->find(subject).value().index());
  }

  AnswerCounters counters_;
};

std::string dotted(const Bytes& rdata) {
  std::string out;
  for (const std::uint8_t byte : rdata) out += (out.empty() ? "" : ".") + std::to_string(byte);
  return out;
}

// The address of a response's last answer.
std::string addressIn(const ReadMessage& read) {
  return read.answers().empty() ? "none" : dotted(read.answers().back().rdata);
}

TEST_F(Answerer, TheResolverDecidesWithoutBetterEvidence) {
  const ReadMessage one = ask("order.example", kA, kClientNearOne);
  EXPECT_EQ(addressIn(one), kOrderOne);
  EXPECT_TRUE(one.authoritative());
  EXPECT_EQ(one.answers()[0].ttl, 30U);
  EXPECT_EQ(addressIn(ask("order.example", kA, kClientNearTwo)), kOrderTwo);
  EXPECT_EQ(addressIn(ask("web.example", kA, kClientNearTwo)), "192.0.2.22");
  EXPECT_EQ(counters_.service_answers.value(), 3U);
  EXPECT_EQ(counters_.client_subnet.value(), 0U);
  EXPECT_EQ(hitsOf("p1"), 1U);
  EXPECT_EQ(hitsOf("p2"), 1U) << "the stateless service has no subjects";
}

TEST_F(Answerer, QuestionsAreCountedByTheSubjectThatDecides) {
  ask("sp2.shard.order.example", kA);
  ask("tower.poi.order.example", kA);  // an alias to sp1.shard
  ask("rw.account.example", kA);
  ask("account.example", kA);
  ask("ro.account.example", kA);
  ask("account.example", kTxt);  // nobody decides about what is not there
  EXPECT_EQ(hitsOf("p1"), 1U);
  EXPECT_EQ(hitsOf("p2"), 1U);
  EXPECT_EQ(hitsOf("single"), 2U) << "a copy answers reads, not the primary";
}

TEST_F(Answerer, TheClientSubnetBeatsTheResolver) {
  const ReadMessage read = askFrom("order.example", subnetOption(1, 24, kNearTwo), kClientNearOne);
  EXPECT_EQ(addressIn(read), kOrderTwo);
  EXPECT_EQ(*read.findOption(8), test::subnetValue(1, 24, 24, kNearTwo));
  EXPECT_EQ(counters_.client_subnet.value(), 1U);
  const ReadMessage six =
      askFrom("order.example", subnetOption(2, 48, {0x20, 0x01, 0x0d, 0xb8, 0, 2}), kClientNearOne);
  EXPECT_EQ(addressIn(six), kOrderTwo);
  EXPECT_EQ(six.scope(), 48);
}

TEST_F(Answerer, TheLocationOptionBeatsTheClientSubnet) {
  Bytes options = subnetOption(1, 24, kNearOne);
  test::append(options, option(kLocationCode, test::bytesOf("7")));  // centre -22.5, -22.5
  EXPECT_EQ(addressIn(askFrom("order.example", options, kListed)), kOrderTwo);
  EXPECT_EQ(counters_.location_option.value(), 1U);
  EXPECT_EQ(counters_.client_subnet.value(), 0U);
}

TEST_F(Answerer, AStrangersLocationOptionIsIgnored) {
  Bytes options = subnetOption(1, 24, kNearOne);
  test::append(options, option(kLocationCode, test::bytesOf("7")));
  EXPECT_EQ(addressIn(askFrom("order.example", options, kClientNearTwo)), kOrderOne);
  EXPECT_EQ(addressIn(askFrom("order.example", option(kLocationCode, test::bytesOf("s")),
                              kClientNearTwo)),
            kOrderTwo);
  EXPECT_EQ(counters_.location_option.value(), 0U);
}

TEST_F(Answerer, ALocationOptionThatIsNoGeohashIsIgnored) {
  for (const char* text : {"", "a", "7!", "9999999999999"}) {
    Bytes options = subnetOption(1, 24, kNearTwo);
    test::append(options, option(kLocationCode, test::bytesOf(text)));
    EXPECT_EQ(addressIn(askFrom("order.example", options, kListed)), kOrderTwo) << text;
  }
  EXPECT_EQ(counters_.location_option.value(), 0U);
}

TEST_F(Answerer, APrivateSubnetLeavesItToTheResolver) {
  const ReadMessage read =
      askFrom("order.example", subnetOption(1, 24, {10, 1, 2}), kClientNearTwo);
  EXPECT_EQ(addressIn(read), kOrderTwo);
  EXPECT_GE(read.scope(), 8);  // never reused outside 10.0.0.0/8
  EXPECT_EQ(counters_.client_subnet.value(), 0U);
  EXPECT_GE(askFrom("order.example", subnetOption(1, 16, {192, 168})).scope(), 16);
}

TEST_F(Answerer, SourceZeroAsksForNoTailoring) {
  const ReadMessage read = askFrom("order.example", subnetOption(1, 0, {}), kClientNearTwo);
  EXPECT_EQ(addressIn(read), kOrderTwo);
  EXPECT_EQ(*read.findOption(8), test::subnetValue(1, 0, 0, {}));
  EXPECT_EQ(counters_.client_subnet.value(), 0U);
}

TEST_F(Answerer, WhatDoesNotDependOnThePlaceHasScopeZero) {
  const std::pair<const char*, const char*> names[] = {
      {"sp1.shard.order.example", "192.0.2.10"}, {"sp2.shard.order.example", "192.0.2.20"},
      {"7.g.order.example", "192.0.2.20"},       {"rw.account.example", "192.0.2.11"},
      {"account.example", "192.0.2.11"},         {"www.example", "192.0.2.1"}};
  for (const auto& [name, address] : names) {
    const ReadMessage read = askFrom(name, subnetOption(1, 24, kNearTwo));
    EXPECT_EQ(addressIn(read), address) << name;
    EXPECT_EQ(read.scope(), 0) << name;
  }
  const ReadMessage nearest = askFrom("ro.account.example", subnetOption(1, 24, kNearTwo));
  EXPECT_EQ(addressIn(nearest), "192.0.2.21");
  EXPECT_EQ(nearest.scope(), 24);
}

TEST_F(Answerer, NoDataWhereNoSiteHasTheType) {
  const ReadMessage read =
      ask(QueryPacket("order.example", kAaaa).with(optRecord(subnetOption(1, 24, kNearTwo))));
  expectNoData(read, "order.example AAAA");
  EXPECT_EQ(read.scope(), 0);
  EXPECT_EQ(read.sections[1][0].ttl, 60U);
}

TEST_F(Answerer, NoDataWhereTheChosenSiteLacksTheType) {
  const ReadMessage near_two =
      ask(QueryPacket("web.example", kTxt).with(optRecord(subnetOption(1, 24, kNearTwo))));
  expectNoData(near_two, "web.example TXT at two");
  EXPECT_EQ(near_two.scope(), 24);  // elsewhere there is one
  EXPECT_EQ(ask("web.example", kTxt, kClientNearOne).answers()[0].rdata, test::bytesOf("\3one"));
}

TEST_F(Answerer, TheZoneFilesDataAtAServicesName) {
  const ReadMessage read = ask("order.example", kTxt);
  ASSERT_EQ(read.answers().size(), 1U);
  EXPECT_EQ(read.answers()[0].rdata, test::bytesOf("\x0D"
                                                   "from the file"));
}

TEST_F(Answerer, NamesThatOnlyLeadToOthersAreEmpty) {
  for (const char* label : {"g", "shard", "city", "poi", "key"}) {
    for (const unsigned type : {kA, kTxt, kAny}) {
      expectNoData(ask(std::string(label) + ".order.example", type), label);
    }
  }
}

TEST_F(Answerer, AGeohashLeadsToItsShard) {
  const ReadMessage read = ask("S.G.Order.example", kA, kClientNearTwo);
  ASSERT_EQ(read.answers().size(), 2U);
  EXPECT_EQ(read.answers()[0].owner, "S.G.Order.example");
  EXPECT_EQ(read.answers()[0].type, kCname);
  EXPECT_EQ(read.answers()[0].target, "sp1.shard.Order.example");
  EXPECT_EQ(read.answers()[0].ttl, kShardAliasTtl);
  EXPECT_EQ(addressIn(read), kOrderOne);
  EXPECT_EQ(ask("7.g.order.example", kCname).answers().size(), 1U);
  EXPECT_EQ(counters_.unknown_places.value(), 0U);
}

TEST_F(Answerer, CitiesPoisAndKeysLeadToTheirShards) {
  EXPECT_EQ(ask("SouthTown.city.order.example", kA).answers()[0].target, "sp2.shard.order.example");
  EXPECT_EQ(ask("tower.poi.order.example", kA).answers()[0].target, "sp1.shard.order.example");
  const ReadMessage key = ask("user-17.key.order.example", kA);
  ASSERT_EQ(key.answers().size(), 2U);
  EXPECT_EQ(ask("USER-17.key.order.example", kA).answers()[0].target, key.answers()[0].target);
  EXPECT_EQ(counters_.unknown_places.value(), 0U);
}

TEST_F(Answerer, UnknownPlacesGoToTheDefaultForAShortWhile) {
  for (const char* name : {"a.g.order.example", "nowhere.city.order.example",
                           "nothing.poi.order.example", "x.a.g.order.example"}) {
    const ReadMessage read = ask(name, kA, kClientNearTwo);
    ASSERT_EQ(read.answers().size(), 2U) << name;
    EXPECT_EQ(read.answers()[0].target, "sp1.shard.order.example") << name;
    EXPECT_EQ(read.answers()[0].ttl, 7U) << name;
  }
  EXPECT_EQ(counters_.unknown_places.value(), 4U);
}

TEST_F(Answerer, KnownPlacesHaveNothingBelow) {
  for (const char* name :
       {"x.s.g.order.example", "x.southtown.city.order.example", "x.y.key.order.example",
        "x.sp1.shard.order.example", "sp3.shard.order.example"}) {
    expectNameError(ask(name, kA), name);
  }
}

TEST_F(Answerer, AWildcardAboveAServiceDoesNotCoverWhatIsBelow) {
  EXPECT_EQ(ask("any.example", kTxt).answers().size(), 1U);
  for (const char* name : {"x.web.example", "x.y.web.example", "x.account.example",
                           "x.order.example", "g.web.example"}) {
    expectNameError(ask(name, kTxt), name);
  }
  expectNoData(ask("account.example", kTxt), "the service's name itself");
}

TEST_F(Answerer, ACnameEndpointIsFollowedInsideTheZone) {
  const ReadMessage inside = ask("alias.example", kAaaa, kClientNearOne);
  ASSERT_EQ(inside.answers().size(), 2U);
  EXPECT_EQ(inside.answers()[0].target, "www.example");
  EXPECT_EQ(inside.answers()[1].owner, "www.example");
  EXPECT_EQ(inside.answers()[1].type, kAaaa);
  const ReadMessage outside = ask("alias.example", kA, kClientNearTwo);
  ASSERT_EQ(outside.answers().size(), 1U);
  EXPECT_EQ(outside.answers()[0].target, "www.elsewhere.test");
  EXPECT_EQ(ask("alias.example", kCname, kClientNearOne).answers().size(), 1U);
}

TEST_F(Answerer, AnAliasOfTheZoneFileLeadsIntoAService) {
  const ReadMessage read = ask("to.example", kA, kClientNearTwo);
  ASSERT_EQ(read.answers().size(), 3U);
  EXPECT_EQ(read.answers()[1].owner, "s.g.order.example");
  EXPECT_EQ(read.answers()[1].target, "sp1.shard.order.example");
  EXPECT_EQ(read.answers()[2].owner, "sp1.shard.order.example");
  EXPECT_EQ(addressIn(read), kOrderOne);
}

TEST_F(Answerer, AliasLoopsEnd) {
  EXPECT_EQ(ask("loop1.example", kA).answers().size(), 2U);
}

TEST_F(Answerer, AnyGetsOneRrset) {
  for (const char* name : {"www.example", "web.example", "example"}) {
    const ReadMessage read = ask(name, kAny);
    EXPECT_EQ(read.rcode, kNoError) << name;
    EXPECT_EQ(read.answers().size(), 1U) << name;
  }
}

TEST_F(Answerer, ADelegationIsReferred) {
  const ReadMessage read = ask("www.far.example", kA);
  EXPECT_FALSE(read.authoritative());
  EXPECT_TRUE(read.answers().empty());
  ASSERT_EQ(read.sections[1].size(), 1U);
  EXPECT_EQ(read.sections[1][0].type, kNs);
  EXPECT_EQ(read.sections[1][0].owner, "far.example");
  ASSERT_EQ(read.sections[2].size(), 1U);
  EXPECT_EQ(read.sections[2][0].owner, "ns.far.example");
}

TEST_F(Answerer, DsBelongsToTheParent) {
  const ReadMessage child_apex = ask("kid.example", kDs);
  ASSERT_EQ(child_apex.answers().size(), 1U);  // both zones are here: the parent answers
  EXPECT_EQ(child_apex.answers()[0].type, kDs);
  EXPECT_TRUE(child_apex.authoritative());
  const ReadMessage unsigned_cut = ask("far.example", kDs);
  expectNoData(unsigned_cut, "far.example DS");
  EXPECT_EQ(unsigned_cut.sections[1][0].owner, "example");
  EXPECT_EQ(ask("kid.example", kSoa).answers()[0].owner, "kid.example");
}

TEST_F(Answerer, ChaosNamesTellTheNode) {
  for (const char* name : {"id.server", "HostName.Bind"}) {
    const ReadMessage read = ask(QueryPacket(name, kTxt, 3));
    ASSERT_EQ(read.answers().size(), 1U) << name;
    EXPECT_EQ(read.answers()[0].rr_class, 3U);
    EXPECT_EQ(read.answers()[0].rdata, test::bytesOf("\x0Aunit rev=1")) << name;
  }
  const ReadMessage version = ask(QueryPacket("version.server", kTxt, 3));
  ASSERT_EQ(version.answers().size(), 1U);
  const std::string text(version.answers()[0].rdata.begin() + 1, version.answers()[0].rdata.end());
  EXPECT_EQ(text, "meridian-test unit rev=1");
  EXPECT_EQ(ask(QueryPacket("id.server", kA, 3)).rcode, kRefused);
  EXPECT_EQ(ask(QueryPacket("other.server", kTxt, 3)).rcode, kRefused);
  EXPECT_EQ(ask(QueryPacket("www.example", kA, 4)).rcode, kRefused);
}

TEST_F(Answerer, NsidIsTheIdentity) {
  const ReadMessage read = askFrom("www.example", option(3, {}));
  ASSERT_NE(read.findOption(3), nullptr);
  EXPECT_EQ(*read.findOption(3), test::bytesOf("unit rev=1"));
  EXPECT_EQ(askFrom("www.example", {}).findOption(3), nullptr);
}

TEST_F(Answerer, ExplanationsAreForListedNetworks) {
  const ReadMessage refused = ask("_explain.order.example", kTxt, kClientNearOne);
  EXPECT_EQ(refused.rcode, kRefused);
  EXPECT_TRUE(refused.answers().empty());
  EXPECT_EQ(counters_.explained.value(), 0U);
  const ReadMessage told = ask("_explain.order.example", kTxt, kListed);
  ASSERT_EQ(told.answers().size(), 1U);
  EXPECT_EQ(told.answers()[0].ttl, 0U);
  const std::string text(told.answers()[0].rdata.begin(), told.answers()[0].rdata.end());
  EXPECT_THAT(text, HasSubstr("evidence=resolver 127.0.0.1"));
  EXPECT_EQ(counters_.explained.value(), 1U);
  expectNoData(ask("_explain.order.example", kA, kListed), "only TXT explains");
}

TEST_F(Answerer, RefusesWhatIsNotServed) {
  EXPECT_EQ(ask("www.elsewhere.test", kA).rcode, kRefused);
  for (const unsigned type : {251U, 252U, 253U, 254U}) {
    EXPECT_EQ(ask("example", type).rcode, kRefused) << type;
  }
}

TEST_F(Answerer, UdpAnswersKeepToThePayload) {
  const Bytes plain = QueryPacket("big.example", kTxt).bytes();
  const ReadMessage cut = test::readMessage(raw(plain, kListed));
  EXPECT_TRUE(cut.truncated());
  EXPECT_TRUE(cut.answers().empty());
  EXPECT_EQ(counters_.truncated.value(), 1U);
  const ReadMessage whole = test::readMessage(raw(plain, kListed, Transport::kTcp));
  EXPECT_EQ(raw(plain, kListed, Transport::kTls), raw(plain, kListed, Transport::kTcp));
  EXPECT_FALSE(whole.truncated());
  EXPECT_EQ(whole.answers().size(), 4U);
  EXPECT_EQ(ask(QueryPacket("big.example", kTxt).with(optRecord())).answers().size(), 4U);
  EXPECT_TRUE(ask(QueryPacket("big.example", kTxt).with(optRecord({}, 600))).truncated());
  // The server's own maximum, whatever the client takes.
  EXPECT_TRUE(ask(QueryPacket("huge.example", kTxt).with(optRecord({}, 4096))).truncated());
  EXPECT_EQ(counters_.truncated.value(), 3U);
}

TEST_F(Answerer, EveryMessageIsCountedOnce) {
  const std::pair<const char*, unsigned> names[] = {
      {"order.example", kA},     {"x.web.example", kA},     {"www.elsewhere.test", kA},
      {"7.g.order.example", kA}, {"a.g.order.example", kA}, {"far.example", kA},
      {"www.example", kAny},     {"g.order.example", kTxt}, {"x.old.example", kA}};
  for (const auto& [name, type] : names) ask(name, type);
  QueryPacket notify("example", kSoa);
  notify.flags = 4U << 11;
  EXPECT_EQ(ask(notify).rcode, kNotImp);
  QueryPacket two("example");
  two.counts[0] = 2;
  EXPECT_EQ(test::readMessage(raw(two.bytes(), kListed)).rcode, kFormErr);
  EXPECT_EQ(ask(QueryPacket("example").with(optRecord({}, 1232, 0x00010000))).rcode, 16U);
  EXPECT_TRUE(raw({1, 2, 3}, kListed).empty());
  QueryPacket response("example");
  response.flags = 0x8000;
  EXPECT_TRUE(raw(response.bytes(), kListed).empty());

  const AnswerCounters& c = counters_;
  EXPECT_EQ(c.received.value(), 14U);
  EXPECT_EQ(c.ignored.value(), 2U);
  EXPECT_EQ(c.nx_domain.value(), 1U);
  EXPECT_EQ(c.not_imp.value(), 1U);
  EXPECT_EQ(c.form_err.value(), 1U);
  EXPECT_EQ(c.bad_vers.value(), 1U);
  EXPECT_EQ(c.refused.value(), 1U);
  EXPECT_EQ(c.received.value(), c.ignored.value() + c.no_error.value() + c.form_err.value() +
                                    c.serv_fail.value() + c.nx_domain.value() + c.not_imp.value() +
                                    c.refused.value() + c.yx_domain.value() + c.bad_vers.value());
}

TEST_F(Answerer, OrdinaryQueriesAllocateNothing) {
  const std::size_t before_probe = allocations;
  const auto probe = std::make_unique<std::string>(100, 'x');
  ASSERT_GT(allocations, before_probe);  // the counter works

  Bytes options = subnetOption(1, 24, kNearTwo);
  test::append(options, option(3, {}));
  test::append(options, option(kLocationCode, test::bytesOf("7")));
  test::append(options, option(10, Bytes(24, 1)));
  std::vector<Bytes> messages;
  for (const char* name : {"order.example",
                           "web.example",
                           "rw.account.example",
                           "ro.account.example",
                           "sp2.shard.order.example",
                           "7.g.order.example",
                           "a.g.order.example",
                           "southtown.city.order.example",
                           "tower.poi.order.example",
                           "alias.example",
                           "to.example",
                           "www.example",
                           "any.example",
                           "x.web.example",
                           "g.order.example",
                           "x.far.example",
                           "kid.example",
                           "loop1.example",
                           "x.old.example",
                           "www.elsewhere.test"}) {
    for (const unsigned type : {kA, kTxt, kAny, kDs}) {
      messages.push_back(QueryPacket(name, type).bytes());
      messages.push_back(QueryPacket(name, type).with(optRecord(options)).bytes());
    }
  }
  messages.push_back({1, 2, 3});
  messages.push_back(QueryPacket("example").with({0}).bytes());
  const ServingState& state = world();
  const Client client{test::address(kListed), Transport::kUdp};
  Bytes out(4096);
  for (const Bytes& message : messages) {
    const std::size_t before = allocations;
    answer(message, client, state, out, counters_);
    EXPECT_EQ(allocations, before) << testing::PrintToString(message);
  }
  EXPECT_EQ(counters_.received.value(), messages.size());
}

TEST(SignedZones, AreAnsweredWithoutMemory) {
  for (const test::Denies denies : {test::Denies::kNsec, test::Denies::kNsec3}) {
    test::DnsWorld world;
    world.zones = {test::ZoneInTheMaking(
                       {{"s.", "SOA", "ns.s. h.s. 1 2 3 4 5"}, {"s.", "NS", "ns.s."}}, denies)
                       .text()};
    world.topology = test::kNoServices;
    const auto state = world.serve();
    AnswerCounters counters;
    Bytes out(4096);
    const Bytes message = QueryPacket("a.s").with(optRecord({}, 4096, 0x8000)).bytes();
    answer(message, {}, *state, out, counters);  // a thread's first hash asks for some
    const std::size_t before = allocations;
    answer(message, {}, *state, out, counters);
    EXPECT_EQ(allocations, before);
  }
}

}  // namespace
}  // namespace meridian::dns
