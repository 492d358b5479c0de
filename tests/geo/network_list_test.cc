// Network overrides: the format, and every error with its place.
#include "geo/network_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mmdb_writer.h"

namespace meridian::geo {
namespace {

using ::testing::HasSubstr;

std::string networkErrors(std::string_view text) {
  const auto parsed = parseNetworks(text, "n.txt");
  return parsed ? "none" : parsed.error().text();
}

TEST(NetworkList, ReadsBothKinds) {
  const auto parsed = parseNetworks(
      "# ours\r\n"
      "\r\n"
      "198.51.100.0/24  at 30.27,-97.74 country=us subdivision=\"New \\\"York\\\" # 1\" "
      "asn=64500 city=Albany # end\r\n"
      "\t192.0.2.0/24 partition us-tx# no comment without a blank\n",
      "n.txt");
  ASSERT_FALSE(parsed);  // the last line: an id with '#'
  EXPECT_THAT(parsed.error().text(), HasSubstr("n.txt:4:25: partition: us-tx#: is no id"));

  const auto good = parseNetworks(
      "198.51.100.0/24  at 30.27,-97.74 country=us subdivision=\"New \\\"York\\\" # 1\" "
      "asn=64500 city=Albany # end\r\n"
      "\t192.0.2.0/24\tpartition us-tx # ours\r\n"
      "2001:db8::/32 partition us-ca\n"
      "203.0.113.7 at -90,180",
      "n.txt");
  ASSERT_TRUE(good) << good.error().text();
  ASSERT_EQ(good->size(), 4U);
  EXPECT_EQ((*good)[0].prefix.text(), "192.0.2.0/24");
  EXPECT_EQ(std::get<std::string>((*good)[0].target), "us-tx");
  EXPECT_EQ((*good)[0].place.text(), "n.txt:2:2");
  EXPECT_EQ(std::get<Location>((*good)[1].target),
            (Location{GeoPoint{30.27, -97.74}, "US", "New \"York\" # 1", "Albany", 64500}));
  EXPECT_EQ((*good)[2].prefix.text(), "203.0.113.7/32");
  EXPECT_EQ((*good)[3].prefix.text(), "2001:db8::/32");
}

TEST(NetworkList, NamesThePlaceOfEachError) {
  for (const auto& [line, error] : {
           std::pair("x partition a", "n.txt:1:1: network: x: "),
           std::pair("10.0.0.1/8 partition a", "n.txt:1:1: network: 10.0.0.1/8: "),
           std::pair("10.0.0.0/33 partition a", "n.txt:1:1: network: 10.0.0.0/33: "),
           std::pair("10.0.0.0/8", "n.txt:1:11: after the network comes"),
           std::pair("10.0.0.0/8 to a", "n.txt:1:12: to: after the network comes"),
           std::pair("10.0.0.0/8 partition", "n.txt:1:21: partition: is no id"),
           std::pair("10.0.0.0/8 partition A", "n.txt:1:22: partition: A: is no id"),
           std::pair("10.0.0.0/8 partition a b", "n.txt:1:24: b: nothing may follow"),
           std::pair("10.0.0.0/8 at", "n.txt:1:14: at: must be LATITUDE,LONGITUDE"),
           std::pair("10.0.0.0/8 at 1", "n.txt:1:15: at: 1: must be"),
           std::pair("10.0.0.0/8 at 90.1,0", "n.txt:1:15: latitude: 90.1: must be a number"),
           std::pair("10.0.0.0/8 at 0,-180.1", "n.txt:1:17: longitude: -180.1: must be"),
           std::pair("10.0.0.0/8 at nan,0", "n.txt:1:15: latitude: nan: must be"),
           std::pair("10.0.0.0/8 at 0,0x", "n.txt:1:17: longitude: 0x: must be"),
           std::pair("10.0.0.0/8 at 0,0 x=1", "n.txt:1:19: x: is not known here"),
           std::pair("10.0.0.0/8 at 0,0 x", "n.txt:1:19: x: is no key=value"),
           std::pair("10.0.0.0/8 at 0,0 asn=0", "n.txt:1:23: asn: 0: must be"),
           std::pair("10.0.0.0/8 at 0,0 asn=4294967296", "n.txt:1:23: asn: 4294967296: must be"),
           std::pair("10.0.0.0/8 at 0,0 country=USA", "n.txt:1:27: country: USA: must be two"),
           std::pair("10.0.0.0/8 at 0,0 city=\"A", "n.txt:1:24: city: \"A: has quotes"),
           std::pair("10.0.0.0/8 at 0,0 city=A\"", "n.txt:1:24: city: A\": has quotes"),
           std::pair("10.0.0.0/8 at 0,0 city=\"A\"b", "n.txt:1:24: city: \"A\"b: has quotes"),
           std::pair("10.0.0.0/8 at 0,0 city=", "n.txt:1:24: city: is empty"),
           std::pair("10.0.0.0/8 at 0,0 city=\xff", "must be UTF-8"),
           std::pair("10.0.0.0/8 at 0,0 city=a city=b", "n.txt:1:26: city: stands twice"),
       }) {
    EXPECT_THAT(networkErrors(line), HasSubstr(error)) << line;
  }
}

TEST(NetworkList, ReportsAllErrorsAtOnce) {
  EXPECT_EQ(networkErrors("x partition a\n10.0.0.0/8 partition ok\n10.0.0.0/8 at 91,181 asn=x\n"),
            "n.txt:1:1: network: x: \"x\" is not an IP address\n"
            "n.txt:3:15: latitude: 91: must be a number from -90 to 90\n"
            "n.txt:3:18: longitude: 181: must be a number from -180 to 180\n"
            "n.txt:3:26: asn: x: must be a number from 1 to 4294967295\n");
}

TEST(NetworkList, RefusesAPrefixTwice) {
  EXPECT_EQ(networkErrors("10.0.0.0/8 partition a\n10.0.0.0/9 partition a\n10.0.0.0/8 at 1,2\n"),
            "n.txt:3:1: network: 10.0.0.0/8: stands already at n.txt:1:1\n");
  const test::TemporaryFile first("2001:db8::/32 partition a\n");
  const test::TemporaryFile second("10.0.0.0/8 partition a\n2001:db8::/32 partition a\n");
  const auto loaded = loadNetworks({first.path(), second.path()});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(
      loaded.error().text(),
      second.path() + ":2:1: network: 2001:db8::/32: stands already at " + first.path() + ":1:1\n");
}

TEST(NetworkList, RefusesIpv6ThatCarriesIpv4) {
  EXPECT_THAT(networkErrors("2002:c000:200::/40 partition a"),
              HasSubstr("write 192.0.2.0/24 instead"));
  EXPECT_THAT(networkErrors("2002:c000:201:1::/64 partition a"),
              HasSubstr("write 192.0.2.1/32 instead"));
  EXPECT_THAT(networkErrors("::ffff:0:0/96 partition a"), HasSubstr("write 0.0.0.0/0 instead"));
  EXPECT_EQ(networkErrors("2002::/15 partition a"), "none");
}

TEST(NetworkList, LoadNamesAMissingFile) {
  const auto loaded = loadNetworks({"/nonexistent/networks.txt"});
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().text(), HasSubstr("/nonexistent/networks.txt: cannot open"));
  EXPECT_EQ(loadNetworks({})->size(), 0U);
}

}  // namespace
}  // namespace meridian::geo
