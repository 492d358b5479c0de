// Endpoints with ids in a topology document: what is read, and what is wrong with its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "partition/model.h"
#include "partition/shares.h"
#include "partition/topology_diff.h"

namespace meridian::partition {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// One service of zone `zone`; line 6 has its rules, line 7 its endpoints at dal.
std::string poolDocument(const std::string& rules, const std::string& at_dal,
                         const std::string& zone = "web") {
  return R"({"format": 1,
 "datacenters": [{"id": "dal", "lat": 1, "lon": 2, "slot": 0}, {"id": "iad", "lat": 3, "lon": 4, "slot": 1}],
 "zones": [{"id": "web", "kind": "stateless", "ezones": ["dal", "iad"]},
           {"id": "account", "kind": "global", "primary": "dal", "replicas": ["iad"]}],
 "services": [{"name": "www.shop.example", "zone": ")" +
         zone + "\"\n" + rules + ", \"endpoints\": {\n\"dal\": [" + at_dal +
         "],\n\"iad\": [\"A 192.0.2.9\"]}}]}";
}
std::string poolProblems(const std::string& rules, const std::string& at_dal,
                         const std::string& zone = "web") {
  const auto decoded = decodeTopology(poolDocument(rules, at_dal, zone), "t.json");
  return decoded ? "" : decoded.error().text();
}
constexpr const char* kTwo =
    R"({"id": "a", "weight": 3, "check": "dal-a", "records": ["A 192.0.2.1", "AAAA 2001:db8::1"]},
       {"id": "b", "records": ["A 192.0.2.2", "AAAA 2001:db8::2"]})";

TEST(TopologyPool, IsRead) {
  const auto decoded = decodeTopology(poolDocument(R"(, "answer_count": 1)", kTwo), "t.json");
  ASSERT_TRUE(decoded) << decoded.error().text();
  const Service& service = decoded->services[0];
  EXPECT_TRUE(service.pooled());
  EXPECT_EQ(service.answer_count, 1U);
  EXPECT_EQ(service.min_up_share, 5000);
  EXPECT_EQ(decoded->endpoint_count, 2U);
  const Endpoint& dal = service.endpoints[0];
  ASSERT_EQ(dal.pool.size(), 2U);
  EXPECT_EQ(dal.pool[0].id, "a");
  EXPECT_EQ(dal.pool[0].weight, 3);
  EXPECT_EQ(dal.pool[0].check, "dal-a");
  EXPECT_EQ(dal.pool[0].hash, endpointHash("dal", "a"));
  EXPECT_EQ(dal.pool[1].weight, 1);
  EXPECT_EQ(dal.pool[1].check, "");
  EXPECT_EQ(dal.pool[1].first_record, 2U);
  EXPECT_EQ(dal.pool[1].record_count, 2U);
  EXPECT_EQ(dal.records.size(), 4U) << "of the whole eZone";
  EXPECT_EQ(dal.records[2].place.line, 8U);
  EXPECT_TRUE(service.endpoints[1].pool.empty());
}

TEST(TopologyPool, WithoutIdsNothingChanges) {
  const auto decoded = decodeTopology(poolDocument("", R"("A 192.0.2.1")"), "t.json");
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_FALSE(decoded->services[0].pooled());
  EXPECT_EQ(decoded->endpoint_count, 0U);
  EXPECT_THAT(poolProblems(R"(, "answer_count": 2, "min_up_share": 1)", R"("A 192.0.2.1")"),
              AllOf(HasSubstr("t.json:6:19: services[0].answer_count: 2: means nothing without"),
                    HasSubstr("services[0].min_up_share: 1: means nothing without")));
}

TEST(TopologyPool, WhatIsWrongIsReportedWithItsPlace) {
  EXPECT_THAT(
      poolProblems("", R"({"id": "a", "records": ["A 192.0.2.1"]}, "A 192.0.2.2")"),
      HasSubstr("t.json:7:50: services[0].endpoints.dal[1]: A 192.0.2.2: must be an object"));
  EXPECT_THAT(poolProblems("", R"("A 192.0.2.2", {"id": "a", "records": ["A 192.0.2.1"]})"),
              HasSubstr("services[0].endpoints.dal[1]: must be a string"));
  EXPECT_THAT(poolProblems("", R"({"id": "a", "records": []})"),
              HasSubstr("services[0].endpoints.dal[0].records"));
  EXPECT_THAT(poolProblems("", R"({"records": ["A 192.0.2.1"]})"),
              HasSubstr("services[0].endpoints.dal[0].id: is missing"));
  EXPECT_THAT(poolProblems("", R"({"id": "a", "records": ["A 192.0.2.1"]},
                                  {"id": "a", "records": ["A 192.0.2.2"]})"),
              HasSubstr("dal[1].id: a: is the id of services[0].endpoints.dal[0] already"));
  EXPECT_THAT(poolProblems("", R"({"id": "a", "weight": 0, "records": ["A 192.0.2.1"]})"),
              HasSubstr("endpoints.dal: gives no endpoint a weight above 0"));
  EXPECT_THAT(poolProblems("", R"({"id": "a", "weight": 10001, "records": ["A 192.0.2.1"]})"),
              HasSubstr("dal[0].weight: 10001: must be from 0 to 10000"));
  EXPECT_THAT(poolProblems("", R"({"id": "a", "wieght": 1, "records": ["A 192.0.2.1"]})"),
              HasSubstr("did you mean weight?"));
  EXPECT_THAT(poolProblems(R"(, "answer_count": 17)", kTwo), HasSubstr("must be from 1 to 16"));
  EXPECT_THAT(poolProblems(R"(, "answer_count": 0)", kTwo), HasSubstr("must be from 1 to 16"));
  EXPECT_THAT(poolProblems(R"(, "min_up_share": 10001)", kTwo),
              HasSubstr("must be from 0 to 10000"));
  EXPECT_THAT(poolProblems("", kTwo, "account"),
              HasSubstr("have ids, which is for stateless zones; zone account is global"));
  std::string many;
  for (int i = 0; i < 65; ++i) {
    many += std::string(i == 0 ? "" : ",") + R"({"id": "e)" + std::to_string(i) +
            R"(", "records": ["A 192.0.2.1"]})";
  }
  EXPECT_THAT(poolProblems("", many), HasSubstr("endpoints.dal: has more than 64 endpoints"));
}

TEST(TopologyPool, TheSumOfAllIsBounded) {
  std::string pool;
  for (int i = 0; i < 64; ++i) {
    pool += std::string(i == 0 ? "" : ",") + R"({"id": "e)" + std::to_string(i) +
            R"(", "records": ["A 192.0.2.1"]})";
  }
  const auto with = [&](int services) {
    std::string text = R"({"format": 1,
 "datacenters": [{"id": "dal", "lat": 1, "lon": 2, "slot": 0}],
 "zones": [{"id": "web", "kind": "stateless", "ezones": ["dal"]}], "services": [)";
    for (int i = 0; i < services; ++i) {
      text += std::string(i == 0 ? "" : ",") + R"({"name": "s)" + std::to_string(i) +
              R"(.example", "zone": "web", "endpoints": {"dal": [)" + pool + "]}}";
    }
    const auto decoded = decodeTopology(text + "]}", "t.json");
    return decoded ? "" : decoded.error().text();
  };
  EXPECT_EQ(with(256), "");
  EXPECT_THAT(with(257),
              HasSubstr("services[256].endpoints: are with those before more than 16384"));
}

TEST(TopologyPool, TheDiffSeesEndpoints) {
  const auto changed = [](const std::string& rules, const std::string& at_dal) {
    const auto before = decodeTopology(poolDocument("", kTwo), "t.json");
    const auto after = decodeTopology(poolDocument(rules, at_dal), "t.json");
    return diffTopologies(*before, *after).changed.size();
  };
  std::string heavier = kTwo;
  heavier.replace(heavier.find("3"), 1, "4");
  EXPECT_EQ(changed("", kTwo), 0U);
  EXPECT_EQ(changed("", heavier), 1U);
  EXPECT_EQ(changed(R"(, "answer_count": 1)", kTwo), 1U);
}

}  // namespace
}  // namespace meridian::partition
