#include "dns/zone/zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dns/zone/loader.h"
#include "dns/zone/zone_set.h"

namespace meridian::dns {
namespace {

using Kind = Zone::MatchKind;
using testing::ElementsAre;

std::shared_ptr<const Zone> zoneOf(const std::string& text) {
  auto zone = parseZone(text, "test.zone");
  EXPECT_TRUE(zone) << zone.error().text();
  return zone ? *zone : nullptr;
}

Name zoneName(std::string_view text) {
  return Name::parse(text).value();
}

struct Found {
  Kind kind;
  std::string node;
  int encloser_labels;
  bool operator==(const Found&) const = default;
};

void PrintTo(const Found& found, std::ostream* out) {
  *out << static_cast<int>(found.kind) << ' ' << found.node << ' ' << found.encloser_labels;
}

Found look(const Zone& zone, std::string_view name) {
  const Zone::Match match = zone.find(zoneName(name).lowered());
  return {match.kind, zone.nodeName(match.node).text(), match.encloser_labels};
}

RrsetView rrsetAt(const Zone& zone, std::string_view name, RrType type) {
  return zone.rrset(zone.find(zoneName(name).lowered()).node, type);
}

std::vector<std::string> additionalNames(const Zone& zone, std::string_view name, RrType type) {
  std::vector<std::string> out;
  for (const NodeIx node : zone.additional(zone.find(zoneName(name).lowered()).node, type)) {
    out.push_back(zone.nodeName(node).text());
  }
  return out;
}

constexpr const char* kHead =
    "$ORIGIN example.\n$TTL 3600\n@ SOA ns.example.com. admin.example.com. 7 1 2 3 300\n"
    "@ NS ns.example.com.\n@ NS ns.example.net.\n";

// The zone of RFC 4592 §2.2.1.
std::shared_ptr<const Zone> wildcardZone() {
  return zoneOf(std::string(kHead) +
                "*.example. TXT \"this is a wildcard\"\n"
                "*.example. MX 10 host1.example.\n"
                "sub.*.example. TXT \"this is not a wildcard\"\n"
                "host1.example. A 192.0.2.1\n"
                "_ssh._tcp.host1.example. SRV 0 0 22 host1.example.\n"
                "_ssh._tcp.host2.example. SRV 0 0 22 host2.example.\n"
                "subdel.example. NS ns.example.com.\n"
                "subdel.example. NS ns.example.net.\n");
}

TEST(ZoneFind, SynthesisesAsRfc4592Shows) {
  const auto zone = wildcardZone();
  const Found wildcard{Kind::kWildcard, "*.example.", 1};
  EXPECT_EQ(look(*zone, "host3.example."), wildcard);
  EXPECT_EQ(look(*zone, "foo.bar.example."), wildcard);
  EXPECT_FALSE(rrsetAt(*zone, "host3.example.", RrType::kMx).empty());
  EXPECT_TRUE(rrsetAt(*zone, "host3.example.", RrType::kA).empty());
}

TEST(ZoneFind, DoesNotSynthesiseWhereRfc4592SaysSo) {
  const auto zone = wildcardZone();
  EXPECT_EQ(look(*zone, "host1.example."), (Found{Kind::kExact, "host1.example.", 2}));
  EXPECT_TRUE(rrsetAt(*zone, "host1.example.", RrType::kMx).empty());
  EXPECT_EQ(look(*zone, "sub.*.example."), (Found{Kind::kExact, "sub.*.example.", 3}));
  EXPECT_EQ(look(*zone, "_telnet._tcp.host1.example."),
            (Found{Kind::kNxDomain, "_tcp.host1.example.", 3}));
  EXPECT_EQ(look(*zone, "host.subdel.example."), (Found{Kind::kDelegation, "subdel.example.", 2}));
  EXPECT_EQ(look(*zone, "ghost.*.example."), (Found{Kind::kNxDomain, "*.example.", 2}));
}

TEST(ZoneFind, TheWildcardItselfIsAnOrdinaryName) {
  EXPECT_EQ(look(*wildcardZone(), "*.example."), (Found{Kind::kExact, "*.example.", 2}));
}

TEST(ZoneFind, AnEmptyNonTerminalBlocksWildcardsAbove) {
  const auto zone = wildcardZone();
  EXPECT_EQ(look(*zone, "host2.example."), (Found{Kind::kExact, "host2.example.", 2}));
  EXPECT_TRUE(zone->rrsets(zone->find(zoneName("host2.example.")).node).empty());
  EXPECT_EQ(look(*zone, "x.host2.example."), (Found{Kind::kNxDomain, "host2.example.", 2}));
}

TEST(ZoneFind, AnEmptyNonTerminalMayBeTheWildcard) {
  const auto zone = zoneOf(std::string(kHead) + "a.*.w.example. A 192.0.2.1\n");
  EXPECT_EQ(look(*zone, "q.w.example."), (Found{Kind::kWildcard, "*.w.example.", 2}));
  EXPECT_TRUE(zone->rrsets(zone->find(zoneName("q.w.example.")).node).empty());
}

TEST(ZoneFind, AWildcardUnderAnEmptyNonTerminal) {
  const auto zone = zoneOf(std::string(kHead) + "*.b.c.example. A 192.0.2.1\n");
  EXPECT_EQ(look(*zone, "c.example."), (Found{Kind::kExact, "c.example.", 2}));
  EXPECT_EQ(look(*zone, "x.y.b.c.example."), (Found{Kind::kWildcard, "*.b.c.example.", 3}));
  EXPECT_EQ(look(*zone, "x.c.example."), (Found{Kind::kNxDomain, "c.example.", 2}));
}

TEST(ZoneFind, BelowNonExistentNamesNothingExists) {  // RFC 8020
  const auto zone = zoneOf(kHead);
  EXPECT_EQ(look(*zone, "a.b.c.d.example."), (Found{Kind::kNxDomain, "example.", 1}));
}

TEST(ZoneFind, ACutHidesAllBelowAndAnswersForItself) {
  const auto zone = zoneOf(std::string(kHead) +
                           "cut NS ns.cut\nns.cut A 192.0.2.2\n*.cut TXT hidden\n"
                           "deep.cut NS ns.deep.cut\nns.deep.cut A 192.0.2.3\n");
  const Found cut{Kind::kDelegation, "cut.example.", 2};
  for (const char* name : {"cut.example.", "ns.cut.example.", "x.cut.example.",
                           "ns.deep.cut.example.", "*.cut.example."}) {
    EXPECT_EQ(look(*zone, name), cut) << name;
  }
  EXPECT_EQ(look(*zone, "example."), (Found{Kind::kExact, "example.", 1}));
}

TEST(ZoneFind, ADnameRedirectsBelowItselfOnly) {  // RFC 6672 §2.3
  const auto zone = zoneOf(std::string(kHead) + "d DNAME target.\nd A 192.0.2.1\n");
  EXPECT_EQ(look(*zone, "d.example."), (Found{Kind::kExact, "d.example.", 2}));
  EXPECT_EQ(look(*zone, "x.y.d.example."), (Found{Kind::kDname, "d.example.", 2}));
}

TEST(ZoneFind, ADnameMayStandAtTheApex) {  // RFC 6672 §2.3
  const auto zone = zoneOf(std::string(kHead) + "@ DNAME target.\n");
  EXPECT_EQ(look(*zone, "example."), (Found{Kind::kExact, "example.", 1}));
  EXPECT_EQ(look(*zone, "x.example."), (Found{Kind::kDname, "example.", 1}));
}

TEST(ZoneFind, NsAtAWildcardIsData) {
  const auto zone = zoneOf(std::string(kHead) + "*.w NS ns.example.com.\n");
  EXPECT_EQ(look(*zone, "q.w.example."), (Found{Kind::kWildcard, "*.w.example.", 2}));
  EXPECT_EQ(look(*zone, "*.w.example."), (Found{Kind::kExact, "*.w.example.", 3}));
}

TEST(ZoneFind, NamesAreFoundInAnyCaseAndKeptAsWritten) {
  const auto zone = zoneOf(std::string(kHead) + "WwW.Deep A 192.0.2.1\n");
  EXPECT_EQ(look(*zone, "www.DEEP.example."), (Found{Kind::kExact, "WwW.Deep.example.", 3}));
  EXPECT_EQ(look(*zone, "deep.example."), (Found{Kind::kExact, "Deep.example.", 2}));
}

TEST(ZoneFind, TheRootMayBeAZone) {
  const auto zone = zoneOf(". 60 IN SOA a. b. 1 2 3 4 5\n. 60 IN NS a.\norg. 60 IN NS b.org.\n");
  EXPECT_EQ(look(*zone, "."), (Found{Kind::kExact, ".", 0}));
  EXPECT_EQ(look(*zone, "x.org."), (Found{Kind::kDelegation, "org.", 1}));
  EXPECT_EQ(look(*zone, "net."), (Found{Kind::kNxDomain, ".", 0}));
}

TEST(ZoneFind, NamesOfAnyDepthEndAtTheApex) {
  std::string deep;
  for (int i = 0; i < 123; ++i) deep += "a.";
  EXPECT_EQ(look(*wildcardZone(), deep + "example."), (Found{Kind::kWildcard, "*.example.", 1}));
  EXPECT_EQ(look(*zoneOf(kHead), deep + "example."), (Found{Kind::kNxDomain, "example.", 1}));
}

TEST(ZoneRrset, IsRenderedAsInAMessage) {
  const auto zone = zoneOf(std::string(kHead) + "m 60 MX 10 A.\nm 60 MX 20 b.\n");
  const RrsetView mx = rrsetAt(*zone, "m.example.", RrType::kMx);
  EXPECT_EQ(mx.count, 2);
  EXPECT_EQ(mx.ttl, 60u);
  EXPECT_THAT(std::vector<int>(mx.rendered.begin(), mx.rendered.end()),
              ElementsAre(0xc0, 0x0c, 0, 15, 0, 1, 0, 0, 0, 60, 0, 5, 0, 10, 1, 'A', 0,  //
                          0xc0, 0x0c, 0, 15, 0, 1, 0, 0, 0, 60, 0, 5, 0, 20, 1, 'b', 0));
  EXPECT_EQ(mx.firstRdata().size(), 5u);
}

TEST(ZoneRrset, SetsOfANodeAscendByType) {
  const auto zone =
      zoneOf(std::string(kHead) + "m TXT a\nm A 192.0.2.1\nm MX 1 a.\nm A 192.0.2.2\n");
  const NodeIx node = zone->find(zoneName("m.example.")).node;
  std::vector<RrType> types;
  for (const RrsetView& set : zone->rrsets(node)) types.push_back(set.type);
  EXPECT_THAT(types, ElementsAre(RrType::kA, RrType::kMx, RrType::kTxt));
  EXPECT_EQ(zone->firstRrset(node).type, RrType::kA);
  EXPECT_EQ(zone->rrset(node, RrType::kA).count, 2);
}

TEST(ZoneRrset, RecordsOfManySetsInTurnsEndInTheirOwn) {
  std::string text = kHead;
  for (int i = 0; i < 200; ++i) {
    for (const char* owner : {"a", "b", "c"}) {
      text += std::string(owner) + " A 10.0.0." + std::to_string(i) + "\n";
    }
  }
  const auto zone = parseZone(text, "turns.zone");
  ASSERT_TRUE(zone) << zone.error().text();
  for (const char* owner : {"a", "b", "c"}) {
    const RrsetView set = rrsetAt(**zone, std::string(owner) + ".example.", RrType::kA);
    ASSERT_EQ(set.count, 200);
    for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(set.rendered[16 * i + 15], i);
  }
}

TEST(ZoneSoa, NegativeTtlIsTheSmallerOfTtlAndMinimum) {  // RFC 2308 §3
  const auto minimum_smaller = zoneOf(kHead);
  EXPECT_EQ(minimum_smaller->negativeSoa().ttl, 300u);
  EXPECT_EQ(rrsetAt(*minimum_smaller, "example.", RrType::kSoa).ttl, 3600u);
  const auto ttl_smaller =
      zoneOf("example. 60 SOA ns. admin. 4000000000 1 2 3 300\nexample. 60 NS ns.\n");
  EXPECT_EQ(ttl_smaller->negativeSoa().ttl, 60u);
  EXPECT_EQ(ttl_smaller->negativeSoa().rendered[9], 60);
  EXPECT_EQ(ttl_smaller->serial(), 4000000000u);
  EXPECT_EQ(ttl_smaller->recordCount(), 2u);
}

TEST(ZoneAdditional, NamesTargetsInOrderOnceGlueIncluded) {
  const auto zone = zoneOf(std::string(kHead) +
                           "cut NS ns2.cut\ncut NS ns1.cut\ncut NS other.\ncut NS www\n"
                           "ns1.cut A 192.0.2.1\nns2.cut AAAA ::1\nwww A 192.0.2.3\n"
                           "m MX 10 www\nm MX 20 WWW\nm MX 30 text\nm MX 40 none\ntext TXT x\n");
  EXPECT_THAT(additionalNames(*zone, "cut.example.", RrType::kNs),
              ElementsAre("ns2.cut.example.", "ns1.cut.example.", "www.example."));
  EXPECT_THAT(additionalNames(*zone, "m.example.", RrType::kMx), ElementsAre("www.example."));
  EXPECT_THAT(additionalNames(*zone, "m.example.", RrType::kA), ElementsAre());
}

TEST(ZoneAdditional, AServiceTargetDotIsTheOwner) {  // RFC 9460 §2.5
  const auto zone = zoneOf(std::string(kHead) +
                           "s HTTPS 1 . alpn=h2\ns A 192.0.2.1\n"
                           "alias HTTPS 0 .\nalias A 192.0.2.1\n"
                           "*.w HTTPS 1 .\n*.w A 192.0.2.1\n"
                           "t SVCB 1 s\n_x._tcp SRV 1 2 3 s\n");
  EXPECT_THAT(additionalNames(*zone, "s.example.", RrType::kHttps), ElementsAre("s.example."));
  EXPECT_THAT(additionalNames(*zone, "alias.example.", RrType::kHttps), ElementsAre());
  EXPECT_THAT(additionalNames(*zone, "q.w.example.", RrType::kHttps), ElementsAre());
  EXPECT_THAT(additionalNames(*zone, "t.example.", RrType::kSvcb), ElementsAre("s.example."));
  EXPECT_THAT(additionalNames(*zone, "_x._tcp.example.", RrType::kSrv), ElementsAre("s.example."));
}

TEST(Zone, IsMadeFromRecordsToo) {
  const Name apex = zoneName("Example.");
  const auto record = [&](const char* text) { return parseRecord(text, apex, 60).value(); };
  std::vector<ZoneRecord> records{record("A 192.0.2.1")};
  records.push_back({apex, RrType::kNs, 60, {0}});
  std::vector<std::uint8_t> soa(22);
  soa[5] = 9;  // SERIAL, after two root names
  records.push_back({apex, RrType::kSoa, 60, soa});
  const Zone zone(apex, records);
  EXPECT_EQ(zone.apex(), apex.lowered().view());
  EXPECT_EQ(zone.serial(), 9u);
  EXPECT_EQ(look(zone, "x.example."), (Found{Kind::kNxDomain, "Example.", 1}));
}

TEST(ZoneSet, FindsTheLongestApex) {
  std::vector<LoadedZone> zones;
  for (const char* apex : {"example.", "b.example.", "a.b.example.", "org."}) {
    zones.push_back({zoneOf(std::string(apex) + " 60 SOA a. b. 1 2 3 4 5\n" + apex + " 60 NS a.\n"),
                     "", WallTime{}});
  }
  const ZoneSet set(std::move(zones));
  const auto apexFor = [&](const char* name) {
    const Zone* zone = set.find(zoneName(name));
    return zone == nullptr ? "" : zone->apex().text();
  };
  EXPECT_EQ(apexFor("x.a.b.example."), "a.b.example.");
  EXPECT_EQ(apexFor("a.b.example."), "a.b.example.");
  EXPECT_EQ(apexFor("c.b.example."), "b.example.");
  EXPECT_EQ(apexFor("xb.example."), "example.");
  EXPECT_EQ(apexFor("com."), "");
  EXPECT_EQ(apexFor("."), "");
  std::vector<std::string> order;
  for (std::size_t i = 0; i < set.size(); ++i) order.push_back(set[i].zone->apex().text());
  EXPECT_THAT(order, ElementsAre("example.", "b.example.", "a.b.example.", "org."));
  EXPECT_EQ(ZoneSet({}).find(zoneName("a.")), nullptr);
}

LoadedZone zoneNumber(std::size_t i) {
  const std::string apex = "z" + std::to_string(i) + ".example.";
  return {zoneOf(apex + " 60 SOA a. b. 1 2 3 4 5\n" + apex + " 60 NS a.\n"), apex, WallTime{}};
}

// More than a chunk of them.
TEST(ZoneSet, OneZoneIsExchangedAddedAndTakenAwayAmongMany) {
  std::vector<LoadedZone> zones;
  for (std::size_t i = 0; i < 700; ++i) zones.push_back(zoneNumber(i));
  const ZoneSet set(std::move(zones));
  const auto everyApex = [](const ZoneSet& some) {
    std::set<std::string> out;
    for (std::size_t i = 0; i < some.size(); ++i) {
      out.insert(some[i].file);
      EXPECT_EQ(some.find(zoneName(some[i].file)), some[i].zone.get());
      EXPECT_EQ(some.at(zoneName(some[i].file)), &some[i]);
    }
    return out;
  };
  const std::set<std::string> before = everyApex(set);
  ASSERT_EQ(before.size(), 700U);
  const auto never = [](const LoadedZone&, const LoadedZone&) { return false; };
  const auto always = [](const LoadedZone&, const LoadedZone&) { return true; };
  EXPECT_TRUE(set.equals(set, never));
  for (const std::size_t i : {0U, 255U, 256U, 699U}) {
    const LoadedZone twin = zoneNumber(i);
    const auto exchanged = set.with(twin);
    EXPECT_EQ(everyApex(*exchanged), before);
    EXPECT_EQ(exchanged->find(zoneName(twin.file)), twin.zone.get());
    EXPECT_NE(set.find(zoneName(twin.file)), twin.zone.get());
    EXPECT_FALSE(set.equals(*exchanged, never));
    EXPECT_TRUE(set.equals(*exchanged, always));
    const auto without = set.without(zoneName(twin.file));
    EXPECT_EQ(without->size(), 699U);
    EXPECT_EQ(without->find(zoneName(twin.file)), nullptr);
    EXPECT_FALSE(set.equals(*without, always));
    EXPECT_EQ(everyApex(*without->with(twin)), before);
  }
}

}  // namespace
}  // namespace meridian::dns
