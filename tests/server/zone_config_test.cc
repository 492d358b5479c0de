// The [[dns.zones]] tables, those of the documentation among them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "server/config.h"

namespace meridian::server {
namespace {

using testing::HasSubstr;

const std::string kKeys =
    "[[tsig.keys]]\nname = \"ns1-ns2.example\"\nsecret_file = \"a\"\n"
    "[[tsig.keys]]\nname = \"backup.example\"\nsecret_file = \"b\"\n"
    "[[tsig.keys]]\nname = \"certbot.example\"\nsecret_file = \"c\"\n";

std::string zoneProblems(const std::string& text) {
  const auto config = parseConfig(kKeys + text, "m.toml");
  return config ? "" : config.error().text();
}

TEST(ZoneConfig, TheDocumentedExampleIsRead) {
  const std::string page = *readFile(MERIDIAN_SOURCE_DIR "/docs/transfers.md", 1 << 20);
  const std::size_t start = page.find("[[dns.zones]]");
  const std::string example = page.substr(start, page.find("```", start) - start);
  const auto config = parseConfig(kKeys + example, "m.toml");
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_EQ(config->zone_policies.size(), 1U);
  const dns::ZonePolicy& policy = config->zone_policies.front();
  EXPECT_EQ(policy.name.text(), "example.org.");
  EXPECT_EQ(policy.serials, dns::SerialPolicy::kIncrement);
  ASSERT_EQ(policy.transfer_to.size(), 2U);
  EXPECT_TRUE(policy.transfer_to[0].from->contains(*IpAddress::parse("192.0.2.9")));
  EXPECT_FALSE(policy.transfer_to[0].from->contains(*IpAddress::parse("192.0.3.9")));
  EXPECT_EQ(policy.transfer_to[0].key->text(), "ns1-ns2.example.");
  EXPECT_FALSE(policy.transfer_to[1].from);
  ASSERT_EQ(policy.notify.size(), 1U);
  EXPECT_EQ(policy.notify[0].address.text(), "192.0.2.53:53");
  ASSERT_EQ(policy.update.size(), 1U);
  EXPECT_EQ(policy.update[0].key->text(), "certbot.example.");
  EXPECT_EQ(policy.update[0].names, dns::UpdateGrant::Names::kPattern);
  EXPECT_EQ(policy.update[0].name.text(), "_acme-challenge.*.");
  EXPECT_EQ(policy.update[0].types, std::vector{dns::RrType::kTxt});
}

TEST(ZoneConfig, TheDocumentedSecondaryIsRead) {
  const std::string page = *readFile(MERIDIAN_SOURCE_DIR "/docs/transfers.md", 1 << 20);
  const std::size_t start = page.find("[[dns.zones]]", page.find("## Transfers in"));
  const std::string example = page.substr(start, page.find("```", start) - start);
  const auto config = parseConfig(kKeys + example, "m.toml");
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_EQ(config->zone_policies.size(), 1U);
  const dns::ZonePolicy& policy = config->zone_policies.front();
  ASSERT_EQ(policy.primaries.size(), 2U);
  EXPECT_EQ(policy.primaries[0].address.text(), "192.0.2.10:53");
  EXPECT_EQ(policy.primaries[1].address.text(), "[2001:db8::10]:53");
  EXPECT_EQ(policy.primaries[1].key->text(), "ns1-ns2.example.");
  ASSERT_EQ(policy.allow_notify.size(), 1U);
  EXPECT_EQ(policy.allow_notify[0].key->text(), "backup.example.");
  const dns::ZonePolicies policies(config->zone_policies);
  EXPECT_EQ(policies.secondaries().size(), 1U);
  EXPECT_TRUE(policies.isSecondary(dns::Name::parse("partner.example.")->lowered()));
  EXPECT_FALSE(policies.isSecondary(dns::Name::parse("a.partner.example.")->lowered()));
}

TEST(ZoneConfig, PrimariesAreOfOneZoneThatIsMadeNowhereElse) {
  EXPECT_THAT(
      zoneProblems("[[dns.zones]]\nname = \".\"\nprimaries = [{address = \"192.0.2.1\"}]\n"),
      HasSubstr("dns.zones[0].primaries: are those of one zone"));
  EXPECT_THAT(zoneProblems("[[dns.zones]]\nname = \"a\"\nprimaries = [{address = \"192.0.2.1\"}]\n"
                           "update = [{key = \"backup.example\"}]\n"),
              HasSubstr("dns.zones[0].update: goes together with no primaries"));
  EXPECT_THAT(zoneProblems("[[dns.zones]]\nname = \"a\"\nallow_notify = [{from = [\"::/0\"]}]\n"),
              HasSubstr("dns.zones[0].allow_notify: is of no use without primaries"));
  EXPECT_THAT(zoneProblems("[[dns.zones]]\nname = \"a\"\nprimaries = [{key = \"none\"}, "
                           "{address = \"192.0.2.1:0\"}]\nallow_notify = [{}]\n"),
              testing::AllOf(HasSubstr("primaries[0].address: is missing"),
                             HasSubstr("primaries[0].key: none: is not among tsig.keys"),
                             HasSubstr("primaries[1].address: 192.0.2.1:0: port 0 is none"),
                             HasSubstr("allow_notify[0].from: is missing")));
}

TEST(ZoneConfig, EveryErrorHasItsPlace) {
  const std::string errors = zoneProblems(
      "[[dns.zones]]\nname = \"a..b\"\nserial = \"random\"\n"
      "transfer_to = [{}, {from = []}, {from = [\"10.0.0.1/8\"]}, {key = \"other\"}]\n"
      "notify = [{address = \"nowhere\"}, {address = \"192.0.2.1:0\"}, {key = "
      "\"backup.example\"}]\n"
      "update = [{}, {key = \"backup.example\", names = \"exact\"}, {from = [\"::1/128\"], names = "
      "\"self\"},"
      " {key = \"backup.example\", types = [\"AXFR\", \"nothing\"]}]\n"
      "[[dns.zones]]\nname = \"X.example\"\nunknown = 1\n[[dns.zones]]\nname = \"x.Example.\"\n");
  for (const char* expected :
       {"dns.zones[0].name: a..b: ", "dns.zones[0].serial: random: must be one of",
        "dns.zones[0].transfer_to[0].from: is missing, and so is key",
        "dns.zones[0].transfer_to[1].from: has 0",
        "dns.zones[0].transfer_to[2].from[0]: 10.0.0.1/8",
        "dns.zones[0].transfer_to[3].key: other: is not among tsig.keys",
        "dns.zones[0].notify[0].address: nowhere: must be an address",
        "dns.zones[0].notify[1].address: 192.0.2.1:0: port 0 is none",
        "dns.zones[0].notify[2].address: is missing", "dns.zones[0].update[0].from: is missing",
        "dns.zones[0].update[1].name: is missing", "dns.zones[0].update[2].key: is missing",
        "dns.zones[0].update[3].types[0]: AXFR: never stands",
        "dns.zones[0].update[3].types[1]: nothing", "dns.zones[1].unknown",
        "dns.zones[2].name: x.Example.: stands here twice"}) {
    EXPECT_THAT(errors, HasSubstr(expected));
  }
}

TEST(ZonePolicies, TheLongestNameDecides) {
  const auto named = [](const char* name) {
    dns::ZonePolicy out;
    out.name = dns::Name::parse(name)->lowered();
    return out;
  };
  const dns::ZonePolicies policies({named("example."), named("."), named("a.example.")});
  const auto of = [&](const char* apex) {
    return policies.of(dns::Name::parse(apex)->lowered()).name.text();
  };
  EXPECT_EQ(of("a.example."), "a.example.");
  EXPECT_EQ(of("x.a.example."), "a.example.");
  EXPECT_EQ(of("b.example."), "example.");
  EXPECT_EQ(of("aexample."), ".");
  EXPECT_FALSE(policies.allowUpdates());
  dns::ZonePolicy open_one = named("example.");
  open_one.update.emplace_back();
  EXPECT_TRUE(dns::ZonePolicies({named("."), open_one}).allowUpdates());
  EXPECT_TRUE(dns::ZonePolicies().of(dns::Name::parse("x.")->lowered()).transfer_to.empty());
}

}  // namespace
}  // namespace meridian::server
