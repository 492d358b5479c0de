// Catalogs in the [[dns.zones]] tables, those of the documentation among them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "server/config.h"

namespace meridian::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Checked<Config> withCatalogKeys(const std::string& text) {
  return parseConfig(
      "[[tsig.keys]]\nname = \"ns1-ns2.example\"\nsecret_file = \"a\"\n"
      "[[tsig.keys]]\nname = \"backup.example\"\nsecret_file = \"b\"\n" +
          text,
      "m.toml");
}
// The example below this heading.
std::string catalogExample(const char* heading) {
  const std::string page = *readFile(MERIDIAN_SOURCE_DIR "/docs/catalogs.md", 1 << 20);
  const std::size_t start = page.find("[[dns.zones]]", page.find(heading));
  return page.substr(start, page.find("```", start) - start);
}
std::string catalogProblems(const std::string& text) {
  const auto config = withCatalogKeys("[[dns.zones]]\n" + text);
  return config ? "" : config.error().text();
}

TEST(CatalogConfig, TheDocumentedCatalogThatIsMadeHereIsRead) {
  const auto config = withCatalogKeys(catalogExample("## A catalog that is made here"));
  ASSERT_TRUE(config) << config.error().text();
  const dns::ZonePolicies policies(config->zone_policies);
  const auto lowered = [](const char* text) { return dns::Name::parse(text)->lowered(); };
  EXPECT_TRUE(policies.makesCatalog(lowered("catalog.example.")));
  EXPECT_FALSE(policies.isCatalog(lowered("a.catalog.example.")));
  const dns::CatalogRule& rule = *config->zone_policies.front().catalog;
  EXPECT_TRUE(rule.lists(lowered("shop.example."), true));
  EXPECT_FALSE(rule.lists(lowered("a.internal.example."), true));
  EXPECT_EQ(rule.groupsOf(lowered("example.eu.")), std::vector<std::string>{"europe"});
}

TEST(CatalogConfig, TheDocumentedCatalogFromElsewhereIsRead) {
  const auto config = withCatalogKeys(catalogExample("## A catalog from elsewhere"));
  ASSERT_TRUE(config) << config.error().text();
  const dns::ZonePolicy& policy = config->zone_policies.front();
  EXPECT_EQ(policy.max_members, 100'000U);
  ASSERT_EQ(policy.members.size(), 2U);
  EXPECT_EQ(policy.members[0].group, "");
  EXPECT_EQ(policy.members[0].policy->transfer_to[0].key->text(), "backup.example.");
  EXPECT_EQ(policy.members[0].policy->primaries[0].address.text(), "192.0.2.10:53");
  EXPECT_EQ(policy.members[1].group, "europe");
  EXPECT_EQ(policy.members[1].policy->primaries[0].address.text(), "192.0.2.11:53");
  EXPECT_TRUE(policy.members[1].policy->transfer_to.empty());
  EXPECT_TRUE(dns::ZonePolicies(config->zone_policies).isCatalog(policy.name));
}

TEST(CatalogConfig, EveryErrorHasItsPlace) {
  EXPECT_THAT(catalogProblems("name = \"a\"\n[dns.zones.catalog]\n"),
              HasSubstr("dns.zones[0].catalog.zones: is missing"));
  EXPECT_THAT(catalogProblems("name = \"a\"\n[dns.zones.catalog]\nzones = [\"*.b..c\"]\n"
                              "groups = [{name = \"\", zones = [\"*\"]}, {zones = []}]\n"),
              AllOf(HasSubstr("catalog.zones[0]: *.b..c: "),
                    HasSubstr("catalog.groups[0].name: must not be empty"),
                    HasSubstr("catalog.groups[1].name: is missing"),
                    HasSubstr("catalog.groups[1].zones: has 0")));
  EXPECT_THAT(catalogProblems("name = \".\"\ncatalog = {zones = [\"*\"]}\n"),
              HasSubstr("catalog: makes a catalog of one zone"));
  EXPECT_THAT(catalogProblems("name = \"a\"\nsign = {}\nupdate = [{key = \"backup.example\"}]\n"
                              "primaries = [{address = \"192.0.2.1\"}]\n"
                              "catalog = {zones = [\"*\"]}\n"),
              AllOf(HasSubstr("catalog: goes together with no primaries"),
                    HasSubstr("sign: goes together with no catalog"),
                    HasSubstr("update: goes together with no catalog")));
  EXPECT_THAT(catalogProblems("name = \"a\"\nmembers = [{}]\n"),
              HasSubstr("members: are of no use without primaries"));
  EXPECT_THAT(catalogProblems("name = \"a\"\nmax_members = 5\n"),
              HasSubstr("max_members: 5: is of no use without members"));
  EXPECT_THAT(
      catalogProblems("name = \"a\"\nprimaries = [{address = \"192.0.2.1\"}]\n"
                      "members = [{}, {}, {group = \"g\"}, {group = \"g\"}]\n"
                      "max_members = 0\n"),
      AllOf(HasSubstr("members[1].group: is missing, as in another one"),
            HasSubstr("members[3].group: g: stands here twice"), HasSubstr("max_members: 0: ")));
  const std::string label(63, 'x');
  EXPECT_THAT(catalogProblems("name = \"" + label + "." + label + "." + label + "." + label +
                              "\"\ncatalog = {zones = [\"*\"]}\n"),
              HasSubstr("name: "));
}

}  // namespace
}  // namespace meridian::server
