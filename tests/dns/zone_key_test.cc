#include "dns/sign/zone_key.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/digest.h"
#include "dns/zone/loader.h"

namespace meridian::dns {
namespace {

ZoneKey keyOf(SigningKeyKind kind, const std::string& secret) {
  const std::string bytes = fromBase64(secret).value();
  return {
      SigningKey::fromPrivate(kind, std::vector<std::uint8_t>(bytes.begin(), bytes.end())).value(),
      true};
}

TEST(ZoneKey, DnskeyTagAndDsAreThoseOfTheRfcs) {
  struct Example {
    SigningKeyKind kind;
    const char *owner, *secret, *dnskey, *ds;
  };
  const Example examples[] = {
      // RFC 6605 §6.1.
      {SigningKeyKind::kEcdsaP256, "example.net.", "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=",
       "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc"
       "8NAA==",
       "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17"},
      // RFC 8080 §6.1.
      {SigningKeyKind::kEd25519, "example.com.", "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=",
       "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
       "3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b"},
  };
  for (const Example& each : examples) {
    const Name owner = Name::parse(each.owner).value();
    const ZoneKey key = keyOf(each.kind, each.secret);
    const auto dnskey = parseRdataText(RrType::kDnskey, each.dnskey, owner);
    const auto ds = parseRdataText(RrType::kDs, each.ds, owner);
    ASSERT_TRUE(dnskey && ds);
    EXPECT_EQ(key.dnskey(), *dnskey);
    EXPECT_TRUE(key.isEntryPoint());
    EXPECT_EQ(key.tag(), keyTagOf(*dnskey));
    EXPECT_EQ(dsOf(owner, *dnskey), *ds);
  }
}

TEST(ZoneKey, AZoneSigningKeyIsNoEntryPoint) {
  const ZoneKey key(SigningKey::generate(SigningKeyKind::kEd25519).value(), false);
  EXPECT_FALSE(key.isEntryPoint());
  EXPECT_EQ(key.dnskey()[0], 1);
  EXPECT_EQ(key.dnskey()[1], 0);
  EXPECT_EQ(key.algorithm(), SigningAlgorithm::kEd25519);
}

}  // namespace
}  // namespace meridian::dns
