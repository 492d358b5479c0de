// The tables [dns.zones.sign], those of the documentation among them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "server/config.h"

namespace meridian::server {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using testing::HasSubstr;

std::string signingProblems(const std::string& keys) {
  const auto config =
      parseConfig("[[dns.zones]]\nname = \"a\"\n[dns.zones.sign]\n" + keys, "m.toml");
  return config ? "" : config.error().text();
}

dns::SigningPolicy signingOf(const std::string& text) {
  const auto config = parseConfig(text, "m.toml");
  EXPECT_TRUE(config) << (config ? "" : config.error().text());
  if (!config || config->zone_policies.empty()) return {};
  EXPECT_TRUE(config->zone_policies.front().sign);
  return config->zone_policies.front().sign.value_or(dns::SigningPolicy{});
}

TEST(SigningConfig, AnEmptyTableHasTheDefaults) {
  EXPECT_EQ(signingOf("[[dns.zones]]\nname = \"a\"\n[dns.zones.sign]\n"), dns::SigningPolicy{});
}

TEST(SigningConfig, TheDocumentedExampleIsReadAndShowsTheDefaults) {
  const std::string page = *readFile(MERIDIAN_SOURCE_DIR "/docs/dnssec.md", 1 << 20);
  constexpr std::string_view kFence = "```toml\n";
  ASSERT_NE(page.find(kFence), std::string::npos);
  const std::size_t start = page.find(kFence) + kFence.size();
  const std::string example = page.substr(start, page.find("```", start) - start);
  EXPECT_EQ(signingOf(example), dns::SigningPolicy{});
  for (const char* key : {"algorithm", "keys", "denial", "signature_s", "refresh_s",
                          "ksk_lifetime_s", "zsk_lifetime_s", "dnskey_ttl_s", "propagation_delay_s",
                          "parent_propagation_delay_s", "parent_ds_ttl_s"}) {
    EXPECT_THAT(example, HasSubstr("\n" + std::string(key) + " = "));
  }
}

TEST(SigningConfig, EveryKeyIsRead) {
  const dns::SigningPolicy policy = signingOf(
      "[[dns.zones]]\nname = \"a\"\n[dns.zones.sign]\nalgorithm = \"ed25519\"\n"
      "keys = \"ksk-zsk\"\ndenial = \"compact\"\nsignature_s = 60\nrefresh_s = 30\n"
      "ksk_lifetime_s = 1000\nzsk_lifetime_s = 100\ndnskey_ttl_s = 2\npropagation_delay_s = 3\n"
      "parent_propagation_delay_s = 4\nparent_ds_ttl_s = 5\n");
  dns::SigningPolicy expected;
  expected.algorithm = dns::SigningAlgorithm::kEd25519;
  expected.split_keys = true;
  expected.denial = dns::DenialKind::kCompact;
  expected.signature_lifetime = seconds(60);
  expected.refresh_before = seconds(30);
  expected.ksk_lifetime = seconds(1000);
  expected.zsk_lifetime = seconds(100);
  expected.dnskey_ttl = seconds(2);
  expected.propagation_delay = seconds(3);
  expected.parent_propagation_delay = seconds(4);
  expected.parent_ds_ttl = seconds(5);
  EXPECT_EQ(policy, expected);
}

TEST(SigningConfig, EveryErrorHasItsPlace) {
  const std::string errors = signingProblems(
      "algorithm = \"rsasha256\"\nkeys = \"zsk\"\ndenial = \"none\"\nsignature_s = 9\n"
      "refresh_s = 0\nksk_lifetime_s = -1\ndnskey_ttl_s = 604801\npropagation_delay_s = 0\n"
      "parent_ds_ttl_s = 2592001\nzsk_lifetime = 1\n");
  for (const char* expected :
       {"dns.zones[0].sign.algorithm: rsasha256: must be one of", "dns.zones[0].sign.keys: zsk",
        "dns.zones[0].sign.denial: none", "dns.zones[0].sign.signature_s: 9",
        "dns.zones[0].sign.refresh_s: 0", "dns.zones[0].sign.ksk_lifetime_s: -1",
        "dns.zones[0].sign.dnskey_ttl_s: 604801", "dns.zones[0].sign.propagation_delay_s: 0",
        "dns.zones[0].sign.parent_ds_ttl_s: 2592001",
        "dns.zones[0].sign.zsk_lifetime: is not known here; did you mean zsk_lifetime_s?"}) {
    EXPECT_THAT(errors, HasSubstr(expected));
  }
}

TEST(SigningConfig, DurationsFitTogether) {
  EXPECT_THAT(signingProblems("signature_s = 3600\nrefresh_s = 3600\npropagation_delay_s = 1\n"),
              HasSubstr("sign.refresh_s: 3600: must be less than signature_s, 3600 s"));
  EXPECT_THAT(signingProblems("refresh_s = 60\npropagation_delay_s = 60\n"),
              HasSubstr("sign.refresh_s: 60: must be more than propagation_delay_s, 60 s"));
  const std::string short_lived =
      "signature_s = 100\nrefresh_s = 50\ndnskey_ttl_s = 10\npropagation_delay_s = 5\n"
      "parent_propagation_delay_s = 7\nparent_ds_ttl_s = 11\n";
  EXPECT_THAT(signingProblems(short_lived + "keys = \"ksk-zsk\"\nzsk_lifetime_s = 120\n"),
              HasSubstr("sign.zsk_lifetime_s: 120: must be 0, or more than"));
  EXPECT_EQ(signingProblems(short_lived + "keys = \"ksk-zsk\"\nzsk_lifetime_s = 121\n"), "");
  EXPECT_EQ(signingProblems(short_lived + "zsk_lifetime_s = 1\n"), "") << "there is no ZSK";
  EXPECT_THAT(signingProblems(short_lived + "ksk_lifetime_s = 138\n"),
              HasSubstr("sign.ksk_lifetime_s: 138: must be 0, or more than"));
  EXPECT_EQ(signingProblems(short_lived + "ksk_lifetime_s = 139\n"), "");
  EXPECT_EQ(signingProblems(short_lived +
                            "keys = \"ksk-zsk\"\nzsk_lifetime_s = 0\nksk_lifetime_s = 34\n"),
            "");
}

}  // namespace
}  // namespace meridian::server
