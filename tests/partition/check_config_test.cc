#include "partition/health/check_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::partition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Checked<std::vector<CheckConfig>> decodedChecks(const std::string& text) {
  const auto root = parseToml(text, "m.toml");
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  const ConfigNode* health = root->find("health");
  ObjectReader in(*health, "health", "m.toml", problems);
  auto out = decodeChecks(in.array("checks"), "health.checks", "m.toml", problems);
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

std::string checkErrors(const std::string& members) {
  const auto checks = decodedChecks("[[health.checks]]\n" + members);
  return checks ? "" : checks.error().text();
}

constexpr std::string_view kTcp =
    "id = \"a\"\ndatacenter = \"d\"\nkind = \"tcp\"\ntarget = \"192.0.2.1:80\"\n";

TEST(CheckConfigTest, WhatIsNotSaidHasTheDocumentedDefault) {
  const auto checks = decodedChecks("[[health.checks]]\n" + std::string(kTcp));
  ASSERT_TRUE(checks) << checks.error().text();
  const CheckConfig& check = checks->at(0);
  EXPECT_EQ(check.interval.count(), 5000);
  EXPECT_EQ(check.timeout.count(), 2000);
  EXPECT_EQ(check.jitter_percent, 10U);
  EXPECT_EQ(check.rise, 2U);
  EXPECT_EQ(check.fall, 3U);
  EXPECT_TRUE(check.critical);
  EXPECT_TRUE(check.active());
  EXPECT_EQ(check.target.text(), "192.0.2.1:80");
  EXPECT_EQ(check.http.path, "/");
  EXPECT_EQ(check.http.status, 200);
  EXPECT_TRUE(check.http.verify_certificate);
}

TEST(CheckConfigTest, EachKindTakesItsOwnKeys) {
  const auto checks = decodedChecks(R"(
[[health.checks]]
id = "web"
ezone = "fra-1"
kind = "https"
target = "[2001:db8::1]:443"
host = "www.shop.example"
path = "/health?deep=1"
status = 204
body = "fine"
certificate_days = 14
verify_certificate = false
critical = false
[[health.checks]]
id = "ns"
datacenter = "fra"
kind = "dns"
target = "192.0.2.1:53"
qname = "shop.example."
qtype = "SOA"
rcode = "REFUSED"
text = "ns1"
[[health.checks]]
id = "script"
datacenter = "fra"
kind = "exec"
command = ["/usr/bin/env", "true"]
[[health.checks]]
id = "told"
datacenter = "fra"
kind = "pushed"
)");
  ASSERT_TRUE(checks) << checks.error().text();
  ASSERT_THAT(*checks, SizeIs(4));
  const CheckConfig& web = checks->at(0);
  EXPECT_EQ(web.ezone, "fra-1");
  EXPECT_EQ(web.http.host, "www.shop.example");
  EXPECT_EQ(web.http.path, "/health?deep=1");
  EXPECT_EQ(web.http.status, 204);
  EXPECT_EQ(web.http.certificate_days, 14);
  EXPECT_FALSE(web.http.verify_certificate);
  EXPECT_FALSE(web.critical);
  EXPECT_EQ(checks->at(1).dns.type, 6);
  EXPECT_EQ(checks->at(1).dns.rcode, 5);
  EXPECT_THAT(checks->at(2).command, ElementsAre("/usr/bin/env", "true"));
  EXPECT_FALSE(checks->at(3).active());
}

TEST(CheckConfigTest, AKeyOfAnotherKindIsAnError) {
  EXPECT_THAT(
      checkErrors(std::string(kTcp) + "qname = \"x.example\"\n"),
      HasSubstr("m.toml:6:9: health.checks[0].qname: x.example: is for checks of kind dns"));
  EXPECT_THAT(checkErrors("id = \"a\"\ndatacenter = \"d\"\nkind = \"exec\"\ncommand = [\"/x\"]\n"
                          "target = \"192.0.2.1:80\"\n"),
              HasSubstr("health.checks[0].target: 192.0.2.1:80: is for checks of kind tcp"));
}

TEST(CheckConfigTest, WhatAKindNeedsIsMissed) {
  const std::string site = "id = \"a\"\ndatacenter = \"d\"\nkind = ";
  EXPECT_THAT(checkErrors(site + "\"tcp\"\n"), HasSubstr("target: is needed"));
  EXPECT_THAT(checkErrors(site + "\"dns\"\ntarget = \"192.0.2.1:53\"\n"),
              HasSubstr("qname: is needed"));
  EXPECT_THAT(checkErrors(site + "\"https\"\ntarget = \"192.0.2.1:443\"\n"),
              HasSubstr("host: is needed"));
  EXPECT_THAT(checkErrors(site + "\"exec\"\n"), HasSubstr("command: is needed"));
  EXPECT_THAT(checkErrors("id = \"a\"\nkind = \"pushed\"\n"),
              HasSubstr("datacenter: must be given"));
  EXPECT_THAT(checkErrors("id = \"a\"\nkind = \"pushed\"\ndatacenter = \"d\"\nezone = \"d\"\n"),
              HasSubstr("ezone: d: stands beside datacenter"));
}

TEST(CheckConfigTest, ValuesAreChecked) {
  const std::string site = "id = \"a\"\ndatacenter = \"d\"\n";
  EXPECT_THAT(checkErrors(site + "kind = \"exec\"\ncommand = [\"true\"]\n"),
              HasSubstr("must be an absolute path"));
  EXPECT_THAT(checkErrors(site + "kind = \"tcp\"\ntarget = \"192.0.2.1:0\"\n"),
              HasSubstr("must have a port"));
  EXPECT_THAT(checkErrors(std::string(kTcp) + "timeout_ms = 5000\n"),
              HasSubstr("timeout_ms: 5000: timeout_ms must be shorter than interval_ms"));
  const std::string http = site + "kind = \"http\"\ntarget = \"192.0.2.1:80\"\n";
  EXPECT_THAT(checkErrors(http + "path = \"/a b\"\n"), HasSubstr("must start with '/'"));
  EXPECT_THAT(checkErrors(http + "path = \"/a\\r\\nX: 1\"\n"), HasSubstr("must start with '/'"));
  EXPECT_THAT(checkErrors(http + "host = \"a b\"\n"), HasSubstr("must be a host's name"));
  const std::string dns = site + "kind = \"dns\"\ntarget = \"192.0.2.1:53\"\n";
  for (const std::string& bad :
       std::vector<std::string>{"a..b", ".a", "a.b..", "", std::string(64, 'x')}) {
    EXPECT_THAT(checkErrors(dns + "qname = \"" + bad + "\"\n"),
                HasSubstr("must be a name of labels"))
        << bad;
  }
  EXPECT_EQ(checkErrors(dns + "qname = \".\"\n"), "");
}

TEST(CheckConfigTest, IdsAreUnique) {
  const std::string one = "[[health.checks]]\n" + std::string(kTcp);
  const auto checks = decodedChecks(one + one);
  ASSERT_FALSE(checks);
  EXPECT_THAT(checks.error().text(), HasSubstr("m.toml:7:6: health.checks[1].id: a: stands twice"));
}

}  // namespace
}  // namespace meridian::partition
