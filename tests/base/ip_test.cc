// Addresses, prefixes and endpoints: text in, text out, masks, refusals.
#include "base/ip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace meridian {
namespace {

using ::testing::HasSubstr;

TEST(IpAddress, ParsesBothFamilies) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1").value(), IpAddress::v4(0xc0000201));
  EXPECT_EQ(IpAddress::parse("::1").value(), IpAddress::v6(1));
  EXPECT_EQ(IpAddress::parse("2001:DB8::").value(), IpAddress::v6(U128{0x20010db8} << 96));
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1").value(), IpAddress::v6(U128{0xffff'c000'0201}));
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " ::1",
                           ":::", "1::2::3", "12345::", "fe80::1%eth0", "[::1]"}) {
    const auto parsed = IpAddress::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(parsed.error().message, HasSubstr(text));
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(IpAddress::parse(std::string(10'000, '1')));
}

TEST(IpAddress, TextComesBack) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const IpAddress four = IpAddress::v4(static_cast<std::uint32_t>(random()));
    EXPECT_EQ(IpAddress::parse(four.text()).value(), four);
    const IpAddress six = IpAddress::v6(static_cast<U128>(random()) << 64 | random() >> (i % 64));
    EXPECT_EQ(IpAddress::parse(six.text()).value(), six);
  }
}

TEST(IpAddress, BytesAreInNetworkOrder) {
  std::array<std::uint8_t, 16> bytes{};
  bytes[0] = 0x20;
  bytes[15] = 0x01;
  EXPECT_EQ(IpAddress::v6(bytes).text(), "2000::1");
}

TEST(IpAddress, MasksToAnyLength) {
  const IpAddress four = IpAddress::v4(0xffff'ffff);
  EXPECT_EQ(four.masked(0).text(), "0.0.0.0");
  EXPECT_EQ(four.masked(1).text(), "128.0.0.0");
  EXPECT_EQ(four.masked(32), four);
  const IpAddress six = IpAddress::v6(~U128{0});
  EXPECT_EQ(six.masked(0).text(), "::");
  EXPECT_EQ(six.masked(65).text(), "ffff:ffff:ffff:ffff:8000::");
  EXPECT_EQ(six.masked(128), six);
}

TEST(IpAddress, KnowsPrivateAddresses) {
  for (const char* text : {"0.0.0.0", "10.255.255.255", "100.64.0.1", "127.0.0.1", "169.254.1.1",
                           "172.31.0.1", "192.168.0.1", "::", "::1", "fd00::1", "fe80::1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->isPrivate()) << text;
  }
  for (const char* text : {"9.255.255.255", "11.0.0.0", "100.128.0.0", "172.32.0.0", "192.169.0.0",
                           "8.8.8.8", "::2", "2001:db8::1", "fec0::1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->isPrivate()) << text;
  }
}

TEST(IpPrefix, ParsesAndPrints) {
  EXPECT_EQ(IpPrefix::parse("192.0.2.0/24")->text(), "192.0.2.0/24");
  EXPECT_EQ(IpPrefix::parse("192.0.2.1")->text(), "192.0.2.1/32");
  EXPECT_EQ(IpPrefix::parse("2001:db8::/32")->text(), "2001:db8::/32");
  EXPECT_EQ(IpPrefix::parse("::")->text(), "::/128");
  EXPECT_EQ(IpPrefix::parse("0.0.0.0/0")->text(), "0.0.0.0/0");
}

TEST(IpPrefix, RefusesBadLengthsAndHostBits) {
  for (const char* text :
       {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
        "10.0.0.0/8x", "10.0.0.0/ 8", "/8", "10.0.0.0/99999999999"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
  const auto host_bits = IpPrefix::parse("192.0.2.77/24");
  ASSERT_FALSE(host_bits);
  EXPECT_THAT(host_bits.error().message, HasSubstr("did you mean 192.0.2.0/24?"));
}

TEST(IpPrefix, ContainsItsOwnFamilyOnly) {
  const IpPrefix all = IpPrefix::parse("0.0.0.0/0").value();
  EXPECT_TRUE(all.contains(IpAddress::v4(0xffff'ffff)));
  EXPECT_FALSE(all.contains(IpAddress::v6(0)));
  const IpPrefix half = IpPrefix::parse("192.0.2.0/25").value();
  EXPECT_TRUE(half.contains(IpAddress::parse("192.0.2.127").value()));
  EXPECT_FALSE(half.contains(IpAddress::parse("192.0.2.128").value()));
}

TEST(IpPrefixList, HoldsAnyOfItsPrefixes) {
  const IpPrefixList list({IpPrefix::parse("127.0.0.0/8").value(), IpPrefix::parse("::1").value()});
  EXPECT_TRUE(list.contains(IpAddress::parse("127.9.9.9").value()));
  EXPECT_TRUE(list.contains(IpAddress::parse("::1").value()));
  EXPECT_FALSE(list.contains(IpAddress::parse("::2").value()));
  EXPECT_TRUE(IpPrefixList().empty());
}

TEST(IpEndpoint, ParsesAndPrints) {
  EXPECT_EQ(IpEndpoint::parse("127.0.0.1:53")->text(), "127.0.0.1:53");
  EXPECT_EQ(IpEndpoint::parse("[::1]:65535")->text(), "[::1]:65535");
  EXPECT_EQ(IpEndpoint::parse("0.0.0.0:0")->port, 0);
}

TEST(IpEndpoint, RefusesWhatIsAmbiguous) {
  for (const char* text : {"", ":53", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x",
                           "::1:53", "[127.0.0.1]:53", "[::1]", "[::1]53", "localhost:53"}) {
    EXPECT_FALSE(IpEndpoint::parse(text)) << text;
  }
}

}  // namespace
}  // namespace meridian
