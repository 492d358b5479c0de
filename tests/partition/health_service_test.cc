#include "partition/health/health_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::partition {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kMeasured = 1;

class HealthServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    topology_ = topology({"ams", "dub"});
    service_ = open();
  }
  static std::shared_ptr<const Topology> topology(const std::vector<std::string>& sites) {
    auto out = std::make_shared<Topology>();
    for (const std::string& id : sites) {
      Datacenter dc;
      dc.id = id;
      out->datacenters.push_back(dc);
    }
    return out;
  }
  std::unique_ptr<HealthService> open() {
    CheckConfig told;
    told.id = "ams-db";
    told.datacenter = "ams";
    told.kind = CheckKind::kPushed;
    CheckConfig measured;
    measured.id = "dub-web";
    measured.datacenter = "dub";
    auto service = HealthService::open(
        clock_, std::make_shared<test::MemoryStore>(disk_, OverrideBook::families()),
        {told, measured}, [this] { return topology_; },
        [this](const SiteHealth& health) { served_ = health.datacenters; });
    EXPECT_TRUE(service) << service.error().message;
    return std::move(*service);
  }
  void measure(bool up) {
    service_->observe(kMeasured, {up ? ProbeOutcome::kUp : ProbeOutcome::kDown, "test", {}});
  }
  OverrideRequest forced(const std::string& glob, Health state) const {
    OverrideRequest out;
    out.glob = glob;
    out.state = state;
    out.reason = "test";
    out.author = "ann";
    return out;
  }

  test::FakeClock clock_;
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
  std::shared_ptr<const Topology> topology_;
  std::vector<Health> served_;
  std::unique_ptr<HealthService> service_;
};

TEST_F(HealthServiceTest, WhatIsMeasuredIsServed) {
  EXPECT_THAT(served_, ElementsAre(Health::kUnknown, Health::kUnknown));
  measure(true);
  EXPECT_TRUE(service_->report("ams-db", false, "replica stopped"));
  EXPECT_THAT(served_, ElementsAre(Health::kDown, Health::kUp));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(service_->report("ams-db", true, ""));
  EXPECT_THAT(served_, ElementsAre(Health::kUp, Health::kUp));
}

TEST_F(HealthServiceTest, OnlyPushedChecksTakeReports) {
  EXPECT_EQ(service_->report("nowhere", true, "").error().kind, ErrorKind::kNotFound);
  const Status refused = service_->report("dub-web", true, "");
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(refused.error().message, HasSubstr("of kind tcp"));
}

TEST_F(HealthServiceTest, AnOverrideIsServedAtOnceAndUntilItsEnd) {
  measure(true);
  OverrideRequest request = forced("datacenter/*", Health::kDown);
  request.life = seconds(60);
  const auto added = service_->addOverride(request);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(added->matches.datacenters, 2U);
  EXPECT_THAT(served_, ElementsAre(Health::kDown, Health::kDown));
  clock_.advance(seconds(59));
  service_->tick();
  EXPECT_THAT(served_, ElementsAre(Health::kDown, Health::kDown));
  clock_.advance(seconds(1));
  service_->tick();
  EXPECT_THAT(served_, ElementsAre(Health::kUnknown, Health::kUp));
}

TEST_F(HealthServiceTest, AnOverrideOfNothingIsRefused) {
  const auto added = service_->addOverride(forced("datacenter/fra", Health::kDown));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().kind, ErrorKind::kRefused);
  EXPECT_TRUE(service_->overrides().all().empty());
}

TEST_F(HealthServiceTest, AnOverrideHoldsFromTheFirstMomentAfterARestart) {
  const auto added = service_->addOverride(forced("datacenter/dub", Health::kDown));
  ASSERT_TRUE(added);
  served_.clear();
  service_ = open();
  EXPECT_THAT(served_, ElementsAre(Health::kUnknown, Health::kDown));
  EXPECT_TRUE(service_->removeOverride(added->entry.id, "ann"));
  EXPECT_THAT(served_, ElementsAre(Health::kUnknown, Health::kUnknown));
  clock_.advance(OverrideBook::kMaxLife);
  EXPECT_EQ(service_->removeOverride(added->entry.id, "ann").error().kind, ErrorKind::kNotFound);
}

TEST_F(HealthServiceTest, ANewTopologyIsReadByItsIds) {
  measure(false);
  topology_ = topology({"fra", "dub", "ams"});
  service_->tick();
  EXPECT_THAT(served_, ElementsAre(Health::kUp, Health::kDown, Health::kUnknown));
}

}  // namespace
}  // namespace meridian::partition
