#include "dns/answer/service_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/dns_world.h"

namespace meridian::dns {
namespace {

using partition::EZoneIx;
using partition::Locus;
using partition::ServiceIx;
using testing::HasSubstr;
using NodeKind = ServiceNode::Kind;

constexpr const char* kZone = R"($ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
alias CNAME www
texts TXT "from the file"
child NS ns.child
ns.child A 192.0.2.99
old DNAME new
*.wild A 192.0.2.2
held.ent A 192.0.2.3
rw.bank A 192.0.2.4
ro.bank CNAME www
g.cut NS ns
shard.store DNAME new
sp2.shard.depot TXT "from the file"
sp2.shard.depot A 192.0.2.5
key.depot TXT "an empty non-terminal may have data"
)";

partition::Topology topologyWith(const std::string& services) {
  return test::must(partition::decodeTopology(R"({"format": 1,
 "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0},
                 {"id": "two", "region": "r", "lat": -10, "lon": -10, "slot": 1}],
 "zones": [
  {"id": "sharded", "kind": "sharding", "placement": {"default_partition": "p1"}, "partitions": [
    {"id": "p1", "home": "one", "anchors": [{"lat": 10, "lon": 10}]},
    {"id": "p2", "home": "two", "anchors": [{"lat": -10, "lon": -10}]}]},
  {"id": "single", "kind": "global", "primary": "one", "replicas": ["two"]},
  {"id": "free", "kind": "stateless", "ezones": ["one", "two"]}],
 "services": [)" + services + "]}",
                                              "topology.json"));
}

std::string service(const std::string& name, const std::string& zone,
                    const std::string& one = R"("A 192.0.2.10")",
                    const std::string& two = R"("A 192.0.2.20")") {
  return R"({"name": ")" + name + R"(", "zone": ")" + zone + R"(", "endpoints": {"one": [)" + one +
         R"(], "two": [)" + two + "]}}";
}

// What is wrong with these services; "" when nothing is.
std::string problems(const std::string& services) {
  const auto built = ServiceSet::build(topologyWith(services), *test::zoneSet({kZone}));
  return built ? "" : built.error().text();
}

struct Built {
  std::shared_ptr<const ZoneSet> zones = test::zoneSet({kZone, R"($ORIGIN other.
@ 60 SOA ns hostmaster 1 7200 900 1209600 60
@ 60 NS ns.example.
)"});
  std::shared_ptr<const ServiceSet> set;

  explicit Built(const std::string& services)
      : set(test::must(ServiceSet::build(topologyWith(services), *zones))) {}

  const ServiceNode* find(std::string_view name) const {
    const Name lowered = Name::parse(name)->lowered();
    return set->find(lowered, hashName(lowered));
  }
  std::string encloser(std::string_view name) const {
    const ServiceNode* node = set->encloser(Name::parse(name)->lowered());
    return node == nullptr ? "none" : node->name.text();
  }
};

TEST(ServiceSetErrors, OutsideEveryZone) {
  EXPECT_THAT(problems(service("order.elsewhere", "free")),
              AllOf(HasSubstr("order.elsewhere"), HasSubstr("lies in no DNS zone")));
}

TEST(ServiceSetErrors, AtOrBelowADelegation) {
  EXPECT_THAT(problems(service("child.example", "free")),
              HasSubstr("lies below the delegation child.example."));
  EXPECT_THAT(problems(service("a.b.child.example", "free")),
              HasSubstr("lies below the delegation child.example."));
}

TEST(ServiceSetErrors, BelowADname) {
  EXPECT_THAT(problems(service("a.old.example", "free")),
              HasSubstr("lies below the DNAME of old.example."));
  EXPECT_EQ(problems(service("old.example", "free")), "");
}

TEST(ServiceSetErrors, BesideACname) {
  EXPECT_THAT(problems(service("alias.example", "free")), HasSubstr("CNAME beside other data"));
  EXPECT_THAT(problems(service("texts.example", "free", R"("CNAME www.example.")")),
              HasSubstr("CNAME beside other data"));
  EXPECT_THAT(problems(service("example", "free", R"("CNAME www.example.")")),
              HasSubstr("CNAME beside other data"));
  EXPECT_EQ(problems(service("new.example", "free", R"("CNAME www.example.")")), "");
}

TEST(ServiceSetErrors, TheSameTypeInTheFile) {
  EXPECT_THAT(problems(service("texts.example", "free", R"("A 192.0.2.1", "TXT x")")),
              HasSubstr("has type 16 in the zone file as well"));
  EXPECT_EQ(problems(service("texts.example", "free")), "");
}

TEST(ServiceSetErrors, RecordsThatAreNone) {
  for (const char* record : {"A 192.0.2", "AAAA 192.0.2.1", "NOTYPE x", "A"}) {
    EXPECT_THAT(problems(service("web.example", "free", '"' + std::string(record) + '"')),
                AllOf(HasSubstr("endpoint"), HasSubstr(record)))
        << record;
  }
}

TEST(ServiceSetErrors, TheSameRecordTwice) {
  EXPECT_THAT(problems(service("web.example", "free", R"("A 192.0.2.1", "A 192.0.2.1")")),
              HasSubstr("stands twice"));
  // Written otherwise, but the same bytes.
  EXPECT_THAT(
      problems(service("web.example", "free", R"("AAAA 2001:db8::1", "AAAA 2001:DB8:0::1")")),
      HasSubstr("stands twice"));
}

TEST(ServiceSetErrors, ACnameIsAlone) {
  EXPECT_THAT(problems(service("web.example", "free", R"("CNAME www.example.", "A 192.0.2.1")")),
              HasSubstr("must be alone"));
  EXPECT_THAT(
      problems(service("web.example", "free", R"("CNAME www.example.", "CNAME ns.example.")")),
      HasSubstr("must be alone"));
}

TEST(ServiceSetErrors, EndpointsOfAPoolGoTogether) {
  const auto pool = [](const std::string& a, const std::string& b, const std::string& rules = "") {
    return problems(R"({"name": "web.example", "zone": "free")" + rules +
                    R"(, "endpoints": {"one": [{"id": "a", "records": [)" + a +
                    R"(]}, {"id": "b", "records": [)" + b + R"(]}], "two": ["A 192.0.2.9"]}})");
  };
  EXPECT_EQ(pool(R"("A 192.0.2.1")", R"("A 192.0.2.2")"), "");
  EXPECT_THAT(pool(R"("A 192.0.2.1")", R"("A 192.0.2.1")"), HasSubstr("stands twice"));
  EXPECT_THAT(pool(R"("A 192.0.2.1", "TXT x")", R"("A 192.0.2.2")"),
              AllOf(HasSubstr("endpoint: b: lacks a type that another of this eZone has"),
                    HasSubstr("topology.json:")));
  EXPECT_THAT(pool(R"("A 192.0.2")", R"("A 192.0.2.2")"), HasSubstr("A 192.0.2"));
  const std::string alias = R"("CNAME www.example.")";
  const std::string other = R"("CNAME ns.example.")";
  EXPECT_EQ(pool(alias, other, R"(, "answer_count": 1)"), "");
  EXPECT_THAT(pool(alias, other), HasSubstr("answer_count must be 1"));
  EXPECT_THAT(
      pool(alias + "," + other, other.substr(0, 7) + "old.example.\"", R"(, "answer_count": 1)"),
      HasSubstr("endpoint: a: a CNAME must be alone"));
}

TEST(ServiceSetErrors, NamesWithoutRoomBelow) {
  const auto nameOf = [](std::size_t wire_size) {
    const std::string end = ".example";  // with the root 9 bytes in wire form
    std::string name;
    for (std::size_t left = wire_size - 9; left > 0;) {
      const std::size_t label = std::min<std::size_t>(left == 65 ? 63 : left, 64) - 1;
      name += (name.empty() ? "" : ".") + std::string(label, 'a');
      left -= label + 1;
    }
    return name + end;
  };
  ASSERT_EQ(Name::parse(nameOf(176))->view().size(), 176U);
  EXPECT_EQ(problems(service(nameOf(176), "sharded")), "");
  EXPECT_THAT(problems(service(nameOf(177), "sharded")), HasSubstr("is longer than 176 bytes"));
}

TEST(ServiceSetErrors, TwoServicesThatNeedOneName) {
  EXPECT_THAT(
      problems(service("order.example", "sharded") + "," + service("g.order.example", "free")),
      HasSubstr("needs the name g.order.example., which another service has"));
  EXPECT_THAT(
      problems(service("rw.account.example", "free") + "," + service("account.example", "single")),
      HasSubstr("needs the name rw.account.example."));
  EXPECT_EQ(
      problems(service("order.example", "sharded") + "," + service("rw.order.example", "free")),
      "");
}

TEST(ServiceSetErrors, NamesBelowThatTheFileTakes) {
  EXPECT_THAT(problems(service("bank.example", "single")),
              AllOf(HasSubstr("needs the name rw.bank.example., which has type 1 in the zone"),
                    HasSubstr("needs the name ro.bank.example., which has a CNAME beside")));
  EXPECT_THAT(problems(service("cut.example", "sharded")),
              HasSubstr("needs the name g.cut.example., which lies below the delegation"));
  EXPECT_THAT(problems(service("store.example", "sharded")),
              HasSubstr("needs the name shard.store.example., which has a DNAME"));
  EXPECT_THAT(problems(service("old.example", "single")), HasSubstr("has a DNAME, and names"));
  const std::string depot = problems(service("depot.example", "sharded"));
  EXPECT_THAT(depot, HasSubstr("needs the name sp2.shard.depot.example., which has type 1"));
  EXPECT_EQ(std::count(depot.begin(), depot.end(), '\n'), 1) << depot;
}

TEST(ServiceSetErrors, AllAtOnceWithTheirPlaces) {
  const auto built =
      ServiceSet::build(topologyWith(service("a.elsewhere", "free") + ",\n" +
                                     service("child.example", "free",
                                             R"("A nonsense", "A 192.0.2.1", "A 192.0.2.1")")),
                        *test::zoneSet({kZone}));
  ASSERT_FALSE(built);
  const std::string text = built.error().text();
  EXPECT_THAT(text, AllOf(HasSubstr("lies in no DNS zone"), HasSubstr("A nonsense"),
                          HasSubstr("stands twice"), HasSubstr("below the delegation"),
                          HasSubstr("topology.json:")));
}

TEST(ServiceSet, NamesOfAShardingService) {
  const Built built(service("order.example", "sharded"));
  const std::pair<const char*, NodeKind> expected[] = {
      {"order.example", NodeKind::kService},         {"g.order.example", NodeKind::kGeohash},
      {"city.order.example", NodeKind::kCity},       {"poi.order.example", NodeKind::kPoi},
      {"key.order.example", NodeKind::kKey},         {"shard.order.example", NodeKind::kEmpty},
      {"sp1.shard.order.example", NodeKind::kShard}, {"sp2.shard.order.example", NodeKind::kShard}};
  for (const auto& [name, kind] : expected) {
    const ServiceNode* node = built.find(name);
    ASSERT_NE(node, nullptr) << name;
    EXPECT_EQ(node->kind, kind) << name;
    EXPECT_EQ(node->labels, Name::parse(name)->view().labelCount()) << name;
    EXPECT_EQ(node->service, ServiceIx(0)) << name;
  }
  for (const char* absent : {"rw.order.example", "ro.order.example", "sp3.shard.order.example",
                             "p1.shard.order.example", "x.g.order.example", "example", "."}) {
    EXPECT_EQ(built.find(absent), nullptr) << absent;
  }
}

TEST(ServiceSet, ShardNodesByLocus) {
  const Built built(service("Web.example", "free") + "," + service("Order.Example", "sharded"));
  EXPECT_EQ(built.set->shardNode(ServiceIx(1), Locus(0)).name.text(), "sp1.shard.order.example.");
  EXPECT_EQ(built.set->shardNode(ServiceIx(1), Locus(1)).name.text(), "sp2.shard.order.example.");
  EXPECT_EQ(built.set->shardNode(ServiceIx(1), Locus(1)).locus, Locus(1));
  EXPECT_EQ(built.set->nameOf(ServiceIx(1)), Name::parse("order.example")->view());
  EXPECT_EQ(built.set->zoneOf(ServiceIx(1)), partition::ZoneIx(0));
}

TEST(ServiceSet, NamesOfTheOtherKinds) {
  const Built built(service("account.example", "single") + "," + service("web.example", "free"));
  ASSERT_NE(built.find("rw.account.example"), nullptr);
  EXPECT_EQ(built.find("rw.account.example")->kind, NodeKind::kReadWrite);
  EXPECT_EQ(built.find("ro.account.example")->kind, NodeKind::kReadOnly);
  EXPECT_EQ(built.find("web.example")->kind, NodeKind::kService);
  for (const char* absent : {"g.account.example", "rw.web.example", "g.web.example"}) {
    EXPECT_EQ(built.find(absent), nullptr) << absent;
  }
}

TEST(ServiceSet, NamesBetweenServiceAndApexExist) {
  const Built built(service("a.b.c.example", "free") + "," + service("x.c.example", "free") + "," +
                    service("w.held.ent.example", "free"));
  EXPECT_EQ(built.find("b.c.example")->kind, NodeKind::kEmpty);
  EXPECT_EQ(built.find("c.example")->kind, NodeKind::kEmpty);
  EXPECT_EQ(built.find("example"), nullptr);
  EXPECT_EQ(built.find("held.ent.example"), nullptr);  // the file has it
  EXPECT_EQ(built.find("ent.example"), nullptr);
}

TEST(ServiceSet, TheClosestEncloser) {
  const Built built(service("order.example", "sharded") + "," + service("a.b.example", "free"));
  EXPECT_EQ(built.encloser("order.example"), "order.example.");
  EXPECT_EQ(built.encloser("x.y.g.order.example"), "g.order.example.");
  EXPECT_EQ(built.encloser("x.sp1.shard.order.example"), "sp1.shard.order.example.");
  EXPECT_EQ(built.encloser("x.shard.order.example"), "shard.order.example.");
  EXPECT_EQ(built.encloser("x.b.example"), "b.example.");
  EXPECT_EQ(built.encloser("other.example"), "none");
  EXPECT_EQ(built.encloser("."), "none");
}

TEST(ServiceSet, TouchesOnlyZonesWithServices) {
  const Built built(service("order.example", "sharded"));
  EXPECT_TRUE(built.set->touches(*built.zones->find(Name::parse("example")->view())));
  EXPECT_FALSE(built.set->touches(*built.zones->find(Name::parse("other")->view())));
}

TEST(ServiceSet, OffersWhatAnySiteHas) {
  const Built built(service("web.example", "free", R"("A 192.0.2.1", "TXT x")") + "," +
                    service("far.example", "free", R"("CNAME www.example.")"));
  EXPECT_TRUE(built.set->offers(ServiceIx(0), RrType::kA));
  EXPECT_TRUE(built.set->offers(ServiceIx(0), RrType::kTxt));
  EXPECT_TRUE(built.set->offers(ServiceIx(0), RrType::kAny));
  EXPECT_FALSE(built.set->offers(ServiceIx(0), RrType::kAaaa));
  EXPECT_FALSE(built.set->offers(ServiceIx(0), RrType::kCname));
  EXPECT_TRUE(built.set->offers(ServiceIx(1), RrType::kAaaa));  // through the CNAME
}

TEST(ServiceSet, RecordsOfASiteAscendByType) {
  const Built built(service("web.example", "free",
                            R"("TXT x", "AAAA 2001:db8::1", "A 192.0.2.2", "A 192.0.2.1")"));
  const auto one = built.set->rrsets(ServiceIx(0), EZoneIx(0));
  ASSERT_EQ(one.size(), 3U);
  EXPECT_EQ(one[0].type, RrType::kA);
  EXPECT_EQ(one[0].count, 2);
  EXPECT_EQ(one[0].ttl, 30U);
  EXPECT_EQ(one[0].rendered.size(), 2 * (kRenderedFixedBytes + 4));
  EXPECT_THAT(one[0].firstRdata(), testing::ElementsAre(192, 0, 2, 2));  // as written
  EXPECT_EQ(one[1].type, RrType::kTxt);
  EXPECT_EQ(one[2].type, RrType::kAaaa);
  const auto two = built.set->rrsets(ServiceIx(0), EZoneIx(1));
  ASSERT_EQ(two.size(), 1U);
  EXPECT_THAT(two[0].firstRdata(), testing::ElementsAre(192, 0, 2, 20));
}

TEST(ServiceSet, RecordsOfAPoolAreThoseOfEachEndpoint) {
  const Built built(service("plain.example", "free") +
                    R"(,{"name": "web.example", "zone": "free", "ttl": 60, "endpoints": {"one": [
    {"id": "a", "records": ["A 192.0.2.1", "A 192.0.2.2", "TXT x"]},
    {"id": "b", "records": ["TXT y", "A 192.0.2.3"]}], "two": ["A 192.0.2.9"]}})");
  EXPECT_EQ(built.find("web.example")->kind, NodeKind::kPooled);
  EXPECT_EQ(built.find("plain.example")->kind, NodeKind::kService);
  const auto a = built.set->rrsets(partition::EndpointIx(0), false);
  ASSERT_EQ(a.size(), 2U);
  EXPECT_EQ(a[0].count, 2);
  EXPECT_EQ(a[0].ttl, 60U);
  const auto b = built.set->rrsets(partition::EndpointIx(1), true);
  ASSERT_EQ(b.size(), 2U);
  EXPECT_EQ(b[0].count, 1);
  EXPECT_EQ(b[0].ttl, 5U);
  EXPECT_THAT(b[0].firstRdata(), testing::ElementsAre(192, 0, 2, 3));
  EXPECT_EQ(built.set->rrsets(ServiceIx(1), EZoneIx(1)).size(), 1U);
  EXPECT_TRUE(built.set->offers(ServiceIx(1), RrType::kTxt));
}

TEST(ServiceSet, ASetWithoutServicesFindsNothing) {
  const Built built("");
  EXPECT_EQ(built.find("example"), nullptr);
  EXPECT_EQ(built.encloser("a.example"), "none");
}

}  // namespace
}  // namespace meridian::dns
