// Health of endpoints that have an id: their checks, overrides by glob, and what is left of a check
// for its site.
#include "partition/health/endpoint_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "partition/health/health_service.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::partition {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kPooledTopology = R"({"format": 1,
 "datacenters": [{"id": "ams", "lat": 1, "lon": 2, "slot": 0}, {"id": "dub", "lat": 3, "lon": 4, "slot": 1}],
 "zones": [{"id": "web", "kind": "stateless", "ezones": ["ams", "dub"]}],
 "services": [{"name": "WWW.shop.example.", "zone": "web", "endpoints": {
   "ams": [{"id": "a", "check": "ams-a", "records": ["A 192.0.2.1"]},
           {"id": "b", "check": "ams-b", "records": ["A 192.0.2.2"]},
           {"id": "c", "records": ["A 192.0.2.3"]}],
   "dub": [{"id": "a", "check": "ams-a", "records": ["A 192.0.2.4"]},
           {"id": "b", "check": "lost", "records": ["A 192.0.2.5"]}]}}]})";

class EndpointHealthTest : public testing::Test {
 protected:
  EndpointHealthTest() {
    auto topology = decodeTopology(kPooledTopology, "t.json");
    EXPECT_TRUE(topology);
    topology_ = std::make_shared<const Topology>(std::move(*topology));
    std::vector<CheckConfig> checks;
    for (const char* id : {"ams-a", "ams-b", "ams-site"}) {
      CheckConfig check;
      check.id = id;
      check.datacenter = "ams";
      check.kind = CheckKind::kPushed;
      check.fall = 1;
      checks.push_back(check);
    }
    auto service = HealthService::open(
        clock_, std::make_shared<test::MemoryStore>(disk_, OverrideBook::families()), checks,
        [this] { return topology_; }, [this](const SiteHealth& health) { served_ = health; });
    EXPECT_TRUE(service);
    service_ = std::move(*service);
  }
  void push(const std::string& check, bool up) { EXPECT_TRUE(service_->report(check, up, "test")); }
  Result<OverrideAdded> force(const std::string& glob, Health state) {
    return service_->addOverride({.glob = glob, .state = state, .reason = "test", .author = "ann"});
  }

  test::FakeClock clock_;
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
  std::shared_ptr<const Topology> topology_;
  SiteHealth served_;
  std::unique_ptr<HealthService> service_;
};

TEST_F(EndpointHealthTest, AnEndpointGoesByTheCheckThatItNames) {
  EXPECT_THAT(served_.endpoints_down, IsEmpty()) << "unknown is not down";
  EXPECT_THAT(served_.endpoints_unknown, ElementsAre(true, true, false, true, false));
  push("ams-b", false);
  EXPECT_THAT(served_.endpoints_down, ElementsAre(false, true, false, false, false));
  push("ams-a", false);
  EXPECT_THAT(served_.endpoints_down, ElementsAre(true, true, false, true, false));
  push("ams-site", true);
  EXPECT_EQ(served_.datacenters[0], Health::kUp) << "these checks are not the site's any more";
  push("ams-site", false);
  EXPECT_EQ(served_.datacenters[0], Health::kDown);
  topology_ = std::make_shared<const Topology>(*decodeTopology(
      R"({"format": 1, "datacenters": [{"id": "ams", "lat": 1, "lon": 2, "slot": 0}],
          "zones": [{"id": "web", "kind": "stateless", "ezones": ["ams"]}]})",
      "t.json"));
  push("ams-site", true);
  push("ams-site", true);
  EXPECT_EQ(served_.datacenters[0], Health::kDown) << "nobody names ams-a now";
  EXPECT_THAT(served_.endpoints_down, IsEmpty());
}

TEST_F(EndpointHealthTest, OverridesByGlobReachEndpoints) {
  push("ams-a", true);
  const auto added = force("endpoint/www.*/ams/?", Health::kDown);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(added->matches.endpoints, 3U);
  EXPECT_EQ(added->matches.checks + added->matches.datacenters, 0U);
  EXPECT_THAT(served_.endpoints_down, ElementsAre(true, true, true, false, false));
  EXPECT_EQ(service_->endpoints()[0].override_id, added->entry.id);
  ASSERT_TRUE(force("*/c", Health::kUp));
  EXPECT_THAT(served_.endpoints_down, ElementsAre(true, true, false, false, false));
  ASSERT_TRUE(force("check/ams-a", Health::kDown));
  EXPECT_THAT(served_.endpoints_down, ElementsAre(true, true, false, true, false));
  EXPECT_EQ(force("endpoint/other/*", Health::kDown).error().kind, ErrorKind::kRefused);
}

TEST_F(EndpointHealthTest, ChecksThatThisServerDoesNotHaveAreNamed) {
  EXPECT_THAT(unknownChecks(*topology_, service_->board(), 10), ElementsAre("lost"));
  EXPECT_THAT(unknownChecks(*topology_, service_->board(), 0), IsEmpty());
  EXPECT_THAT(endpointChecks(*topology_, service_->board()), ElementsAre(true, true, false));
}

}  // namespace
}  // namespace meridian::partition
