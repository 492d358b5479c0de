// Catalog zones: what is read from one, what is written, and that both go together.
#include "dns/zone/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "dns/zone/difference.h"
#include "dns/zone/loader.h"
#include "tests/support/dns_world.h"

namespace meridian::dns {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Name catalogName(const std::string& text) {
  return Name::parse(text)->lowered();
}
const std::string kCatalogHead =
    "$ORIGIN cat.example.\n$TTL 0\n@ SOA invalid. invalid. 1 3600 600 2147483646 0\n@ NS "
    "invalid.\n";
const std::string kVersionTwo = "version TXT \"2\"\n";

Checked<std::vector<CatalogMember>> readText(const std::string& text, std::size_t max = 1000) {
  const auto zone = parseZone(kCatalogHead + text, "cat.zone");
  EXPECT_TRUE(zone) << zone.error().text();
  return readCatalog(**zone, max);
}
std::string catalogFaults(const std::string& text, std::size_t max = 1000) {
  const auto read = readText(text, max);
  return read ? "" : read.error().text();
}
std::vector<std::string> zonesOf(const std::vector<CatalogMember>& members) {
  std::vector<std::string> out;
  for (const CatalogMember& each : members) out.push_back(each.zone.text());
  return out;
}

TEST(Catalog, MembersHaveLabelsGroupsAndNewOwners) {
  const auto read = readText(kVersionTwo +
                             "Ab1.zones PTR One.Example.\n"
                             "group.ab1.zones TXT \"b\"\ngroup.ab1.zones TXT \"a\" \"a\"\n"
                             "c2.zones PTR two.example.\ncoo.c2.zones PTR Other.Example.\n");
  ASSERT_TRUE(read) << read.error().text();
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].zone.text(), "one.example.");
  EXPECT_EQ((*read)[0].label, "ab1");
  EXPECT_THAT((*read)[0].groups, ElementsAre("aa", "b"));
  EXPECT_FALSE((*read)[0].new_owner);
  EXPECT_EQ((*read)[1].new_owner->text(), "other.example.");
}

TEST(Catalog, WhatIsForOthersIsIgnored) {
  const auto read =
      readText(kVersionTwo +
               "a.zones PTR one.example.\na.zones TXT \"x\"\nb.zones TXT \"no PTR\"\n"
               "group.b.zones TXT \"of nobody\"\ncoo.b.zones PTR x.\ncoo.b.zones PTR y.\n"
               "group.a.zones A 192.0.2.1\ncoo.a.zones TXT \"x\"\nother.a.zones PTR "
               "x.\nother.a.zones PTR y.\n"
               "x.ext.a.zones TXT \"x\"\next TXT \"x\"\ndeep.down.a.zones PTR z.example.\nzones "
               "PTR z.example.\n"
               "a.elsewhere PTR z.example.\n@ TXT \"x\"\n");
  // A property of a name without PTR may be wrong as it likes, but for the ones that are known.
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().text(), HasSubstr("coo.b.zones.cat.example."));
  const auto good = readText(
      kVersionTwo +
      "a.zones PTR one.example.\na.zones TXT \"x\"\nb.zones TXT \"no PTR\"\n"
      "group.b.zones TXT \"of nobody\"\ngroup.a.zones A 192.0.2.1\ncoo.a.zones TXT \"x\"\n"
      "other.a.zones PTR x.\nother.a.zones PTR y.\nx.ext.a.zones TXT \"x\"\next TXT \"x\"\n"
      "deep.down.a.zones PTR z.example.\nzones PTR z.example.\na.elsewhere PTR z.example.\n");
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_THAT(zonesOf(*good), ElementsAre("one.example."));
  EXPECT_THAT((*good)[0].groups, IsEmpty());
}

TEST(Catalog, TheVersionIsTwoAndOnlyThat) {
  EXPECT_EQ(catalogFaults(kVersionTwo), "");
  EXPECT_THAT(catalogFaults(""), HasSubstr("version.cat.example.: there is no version"));
  EXPECT_THAT(catalogFaults("version A 192.0.2.1\n"), HasSubstr("there is no version"));
  EXPECT_THAT(catalogFaults("version TXT \"1\"\n"), HasSubstr("the version is not 2"));
  EXPECT_THAT(catalogFaults("version TXT \"2\" \"\"\n"), HasSubstr("the version is not 2"));
  EXPECT_THAT(catalogFaults("version TXT \"\"\n"), HasSubstr("the version is not 2"));
  EXPECT_THAT(catalogFaults(kVersionTwo + "version TXT \"3\"\n"), HasSubstr("there are several"));
}

TEST(Catalog, ABrokenOneIsToldWithEveryReason) {
  const std::string faults = catalogFaults(
      "version TXT \"1\"\na.zones PTR one.example.\na.zones PTR two.example.\n"
      "b.zones PTR same.example.\nc.zones PTR SAME.example.\nd.zones PTR cat.example.\n"
      "e.zones PTR e.example.\ncoo.e.zones PTR x.\ncoo.e.zones PTR y.\n");
  EXPECT_THAT(faults, HasSubstr("the version is not 2"));
  EXPECT_THAT(faults, HasSubstr("a.zones.cat.example.: there is not one PTR but 2"));
  EXPECT_THAT(faults, HasSubstr("same.example.: two members are this zone"));
  EXPECT_THAT(faults, HasSubstr("d.zones.cat.example.: the catalog is its own member"));
  EXPECT_THAT(faults, HasSubstr("coo.e.zones.cat.example.: there is not one PTR but 2"));
}

TEST(Catalog, MembersHaveABound) {
  const std::string two = kVersionTwo + "a.zones PTR a.example.\nb.zones PTR b.example.\n";
  EXPECT_EQ(catalogFaults(two, 2), "");
  EXPECT_THAT(catalogFaults(two, 1), HasSubstr("2 members are more than 1"));
}

TEST(Catalog, PatternsAreAZoneThoseBelowOrAll) {
  const auto matches = [](const char* pattern, const char* apex) {
    return ZonePattern::parse(pattern)->matches(catalogName(apex));
  };
  EXPECT_TRUE(matches("Example.org", "example.org."));
  EXPECT_FALSE(matches("example.org", "a.example.org."));
  EXPECT_TRUE(matches("*.example.org", "b.a.example.org."));
  EXPECT_FALSE(matches("*.example.org", "example.org."));
  EXPECT_FALSE(matches("*.example.org", "badexample.org."));
  EXPECT_TRUE(matches("*", "."));
  EXPECT_TRUE(matches("*", "example."));
  EXPECT_FALSE(ZonePattern::parse("a..b"));
}

TEST(Catalog, ARuleListsWhatIsMadeHereAndWhatItNames) {
  const auto pattern = [](const char* text) { return *ZonePattern::parse(text); };
  const CatalogRule rule{{pattern("*"), pattern("far.example")},
                         {pattern("*.secret.example")},
                         {{"b", {pattern("*.shop")}}, {"a", {pattern("*")}}}};
  EXPECT_TRUE(rule.lists(catalogName("x.example."), true));
  EXPECT_FALSE(rule.lists(catalogName("x.example."), false));
  EXPECT_TRUE(rule.lists(catalogName("far.example."), false));
  EXPECT_FALSE(rule.lists(catalogName("a.secret.example."), true));
  EXPECT_THAT(rule.groupsOf(catalogName("x.shop.")), ElementsAre("a", "b"));
}

TEST(Catalog, AZoneThatComesAgainIsAnotherMember) {
  const std::vector<CatalogMember> both{{catalogName("a."), ""}, {catalogName("b."), ""}};
  const auto first = nextMembers({}, both, 1);
  EXPECT_NE(first[0].label, first[1].label);
  EXPECT_EQ(nextMembers(first, both, 2), first);
  const auto without = nextMembers(first, {both[1]}, 2);
  ASSERT_EQ(without.size(), 1U);
  EXPECT_EQ(without[0], first[1]);
  const auto again = nextMembers(without, both, 3);
  EXPECT_EQ(again[1], first[1]);
  EXPECT_NE(again[0].label, first[0].label);
}

// A catalog that changes at random says what it was told, by the whole zone and by its steps.
TEST(CatalogProperty, WhatIsWrittenIsRead) {
  const unsigned seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  const Name apex = catalogName("cat.example.");
  std::vector<CatalogMember> known;
  std::shared_ptr<const Zone> served;
  std::map<std::string, std::set<std::string>> labels_gone;
  for (std::uint32_t serial = 1; serial <= 200; ++serial) {
    std::map<std::string, CatalogMember> wanted;
    for (const CatalogMember& each : known) {
      if (below(5) != 0) wanted.emplace(each.zone.text(), each);
    }
    for (unsigned i = below(6); i > 0; --i) {
      CatalogMember member{catalogName("z" + std::to_string(below(30)) + ".example."), ""};
      for (unsigned j = below(3); j > 0; --j) member.groups.push_back("g" + std::to_string(j));
      std::sort(member.groups.begin(), member.groups.end());
      if (below(8) == 0) member.new_owner = catalogName("other.example.");
      wanted.insert_or_assign(member.zone.text(), member);
    }
    std::vector<CatalogMember> list;
    for (auto& [name, member] : wanted) {
      member.label = "looked at by nobody";
      list.push_back(member);
    }
    std::shuffle(list.begin(), list.end(), random);
    const auto next = nextMembers(known, list, serial);
    auto zone = zoneOfRecords(catalogRecords(apex, next, serial), "test");
    ASSERT_TRUE(zone) << zone.error().text() << " seed " << seed;
    if (served != nullptr) {
      auto stepped = apply(*served, *differenceOf(*served, **zone), "test");
      ASSERT_TRUE(stepped) << stepped.error().text() << " seed " << seed;
      zone = std::move(stepped);
    }
    const auto read = readCatalog(**zone, 1000);
    ASSERT_TRUE(read) << read.error().text() << " seed " << seed;
    ASSERT_EQ(*read, next) << "seed " << seed;
    ASSERT_EQ(read->size(), wanted.size()) << "seed " << seed;
    std::map<std::string, std::string> labels;
    for (const CatalogMember& each : *read) {
      labels[each.zone.text()] = each.label;
      const CatalogMember& asked = wanted.at(each.zone.text());
      EXPECT_EQ(each.groups, asked.groups) << "seed " << seed;
      EXPECT_EQ(each.new_owner, asked.new_owner) << "seed " << seed;
      EXPECT_FALSE(labels_gone[each.zone.text()].contains(each.label)) << "seed " << seed;
    }
    for (const CatalogMember& each : known) {
      const auto now = labels.find(each.zone.text());
      if (now == labels.end()) {
        labels_gone[each.zone.text()].insert(each.label);
      } else {
        EXPECT_EQ(now->second, each.label) << "seed " << seed;
      }
    }
    known = next;
    served = *zone;
  }
}

}  // namespace
}  // namespace meridian::dns
