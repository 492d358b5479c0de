#include "partition/change/lost_forwarders.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/sample_topology.h"

namespace meridian::partition {
namespace {

using Json = nlohmann::json;

Topology decoded(const Json& document) {
  auto topology = decodeTopology(document.dump(), "test");
  EXPECT_TRUE(topology) << topology.error().text();
  return std::move(*topology);
}

class LostForwardersTest : public testing::Test {
 protected:
  std::vector<LostForwarder> lost() const {
    return lostForwarders(open_, decoded(before_), decoded(after_));
  }

  Json before_ = Json::parse(test::kSampleTopology);
  Json after_ = before_;
  std::vector<Forwarder> open_{{"rest", "dal", "iad", 65, 3, WallTime{}}};
};

TEST_F(LostForwardersTest, ATopologyThatKeepsEverythingLosesNothing) {
  EXPECT_TRUE(lost().empty());
  after_["services"][0]["endpoints"]["dal"].push_back("A 192.0.2.9");
  after_["services"][0]["endpoints"]["iad"] = {"A 192.0.2.77"};
  after_["services"][1]["endpoints"]["dal"] = {"A 192.0.2.78"};
  EXPECT_TRUE(lost().empty()) << "more at dal, another address at iad, another zone's service";
}

TEST_F(LostForwardersTest, AnAddressThatGoesIsLost) {
  after_["services"][0]["endpoints"]["dal"] = {"A 192.0.2.100", "AAAA 2001:db8::1"};
  const auto found = lost();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].service, "order.shop.example");
  EXPECT_EQ(found[0].records, std::vector<std::string>{"A 192.0.2.1"});
  EXPECT_EQ(found[0].text(),
            "eZone dal must forward what comes for rest until 1970-01-01T00:00:00.000Z, and "
            "order.shop.example has lost there: A 192.0.2.1");
}

TEST_F(LostForwardersTest, AServiceThatGoesLosesAllItsAddresses) {
  after_["services"].erase(0);
  const auto found = lost();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].records.size(), 2U);
}

TEST_F(LostForwardersTest, AGlobalZoneForwardsForItsOwnServices) {
  open_ = {{"account", "dal", "iad", 65, 3, WallTime{}}};
  after_["services"][1]["endpoints"]["dal"] = {"A 192.0.2.78"};
  const auto found = lost();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].service, "account.shop.example.");
}

TEST_F(LostForwardersTest, AnEZoneThatGoesIsLostOnce) {
  open_[0].from = "dal-b";
  after_.erase("ezones");
  const auto found = lost();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].service, "");
  EXPECT_NE(found[0].text().find("dal-b must forward"), std::string::npos);
  EXPECT_NE(found[0].text().find("is not in this topology"), std::string::npos);
}

}  // namespace
}  // namespace meridian::partition
