// [dns.rrl]: every key reaches the limiter's setting that it is about.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "server/config.h"

namespace meridian::server {
namespace {

Config rrlOf(const std::string& lines) {
  const auto config = parseConfig("[dns.rrl]\n" + lines, "m.toml");
  EXPECT_TRUE(config) << config.error().text();
  return config ? *config : Config{};
}

std::uint32_t rateOf(const Config& config, dns::AnswerKind kind) {
  return config.rate_limits.per_s[static_cast<std::size_t>(kind)];
}

TEST(RrlConfig, IsOffAndHasSensibleRatesForWhoTurnsItOn) {
  const auto config = parseConfig("", "m.toml");
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->limit_rates);
  EXPECT_FALSE(config->rate_limits.dry_run);
  EXPECT_TRUE(config->rate_limits.allow.empty());
  for (const std::uint32_t rate : config->rate_limits.per_s) EXPECT_GT(rate, 0U);
  EXPECT_GT(config->rate_limits.all_per_s, 0U) << "who varies client subnets is bound";
  EXPECT_EQ(config->rate_limits.slip, 2U);
  EXPECT_EQ(config->rate_limits.ipv4_prefix, 24);
  EXPECT_EQ(config->rate_limits.ipv6_prefix, 56);
}

TEST(RrlConfig, EveryKeyIsTaken) {
  const Config config = rrlOf(
      "enabled = true\ndry_run = true\npositive_per_s = 1\nreferral_per_s = 2\nnodata_per_s = 3\n"
      "nxdomain_per_s = 4\nerror_per_s = 5\nall_per_s = 6\nburst_s = 7\nslip = 8\n"
      "ipv4_prefix = 9\nipv6_prefix = 10\ntable_buckets = 2048\n"
      "allow = [\"192.0.2.0/24\", \"2001:db8::1\"]\n");
  EXPECT_TRUE(config.limit_rates);
  EXPECT_TRUE(config.rate_limits.dry_run);
  EXPECT_EQ(rateOf(config, dns::AnswerKind::kPositive), 1U);
  EXPECT_EQ(rateOf(config, dns::AnswerKind::kReferral), 2U);
  EXPECT_EQ(rateOf(config, dns::AnswerKind::kNoData), 3U);
  EXPECT_EQ(rateOf(config, dns::AnswerKind::kNxDomain), 4U);
  EXPECT_EQ(rateOf(config, dns::AnswerKind::kError), 5U);
  EXPECT_EQ(config.rate_limits.all_per_s, 6U);
  EXPECT_EQ(config.rate_limits.burst, std::chrono::seconds(7));
  EXPECT_EQ(config.rate_limits.slip, 8U);
  EXPECT_EQ(config.rate_limits.ipv4_prefix, 9);
  EXPECT_EQ(config.rate_limits.ipv6_prefix, 10);
  EXPECT_EQ(config.rate_limits.table_buckets, 2048U);
  EXPECT_TRUE(config.rate_limits.allow.contains(IpAddress::parse("192.0.2.9").value()));
  EXPECT_TRUE(config.rate_limits.allow.contains(IpAddress::parse("2001:db8::1").value()));
  EXPECT_FALSE(config.rate_limits.allow.contains(IpAddress::parse("2001:db8::2").value()));
}

TEST(RrlConfig, ErrorsNameTheKey) {
  const auto errorsIn = [](const std::string& text) {
    const auto config = parseConfig(text, "m.toml");
    return config ? "" : config.error().text();
  };
  EXPECT_EQ(errorsIn("[dns.rrl]\nslip = 101\n"),
            "m.toml:2:8: dns.rrl.slip: 101: must be from 0 to 100\n");
  EXPECT_EQ(errorsIn("[dns.rrl]\nslipp = 1\n"),
            "m.toml:2:1: dns.rrl.slipp: is not known here; did you mean slip?\n");
  EXPECT_EQ(errorsIn("[dns]\nrrl = 1\n"),
            "m.toml:2:7: dns.rrl: 1: must be an object, is a whole number\n");
}

}  // namespace
}  // namespace meridian::server
