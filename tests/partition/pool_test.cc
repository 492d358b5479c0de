// Pools: who may be answered, when too few are up, which endpoints a client gets, and who moves
// when one goes down.
#include "partition/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>

#include "tests/support/placement_world.h"

namespace meridian::partition {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr ZoneIx kPoolZone{2};
constexpr EZoneIx kAtDal{0}, kAtIad{1}, kAtFra{2};

std::uint64_t clientOf(std::uint32_t network) {
  return clientHash(IpAddress::v4(network << 8U));
}

// The value that a chi-square variable of these degrees of freedom exceeds once in two million.
double poolChiSquareBound(double degrees) {
  const double variance = 2 / (9 * degrees);
  return degrees * std::pow(1 - variance + 5 * std::sqrt(variance), 3);
}

class PoolTest : public testing::Test {
 protected:
  void SetUp() override {
    auto built = buildPlacements(world_.topology, world_.sources);
    ASSERT_TRUE(built.has_value()) << built.error().text();
    placements_ = *built;
    health_ = allUp(world_.topology);
    Service www;
    www.name = "www.shop.example";
    www.zone = kPoolZone;
    world_.topology.services.push_back(www);
    for (const EZoneIx ezone : {kAtDal, kAtIad, kAtFra}) {
      Endpoint plain;
      plain.ezone = ezone;
      plain.records.push_back({"A 192.0.2.1", {}});
      service().endpoints.push_back(plain);
    }
  }
  Service& service() { return world_.topology.services[0]; }
  Endpoint& at(EZoneIx ezone) { return service().endpoints[ezone.index()]; }
  StatelessRules& rules() { return world_.topology.zones[kPoolZone.index()].stateless; }

  // Gives an eZone endpoints e0, e1, … of these weights.
  void pool(EZoneIx ezone, const std::vector<std::uint16_t>& weights) {
    Endpoint& endpoint = at(ezone);
    endpoint.pool.clear();
    endpoint.first_of_pool = EndpointIx(static_cast<std::uint32_t>(64 * ezone.index()));
    for (std::size_t i = 0; i < weights.size(); ++i) {
      PoolEndpoint each;
      each.id = "e" + std::to_string(i);
      each.hash = endpointHash(world_.topology.ezones[ezone.index()].id, each.id);
      each.weight = weights[i];
      endpoint.pool.push_back(each);
    }
    world_.topology.endpoint_count = std::size_t{64} * 3;
    health_.endpoints_down.assign(world_.topology.endpoint_count, false);
  }
  void down(EZoneIx ezone, std::size_t endpoint, bool is = true) {
    health_.endpoints_down[64 * ezone.index() + endpoint] = is;
  }
  ServicePools decide() {
    DecisionSet decisions(world_.topology.zones.size());
    decisions[kPoolZone.index()] = std::make_shared<const ZoneDecisions>(
        decideZone(world_.topology, kPoolZone, *placements_[kPoolZone.index()], {}, health_));
    const auto set = decidePools(
        {world_.topology, placements_, {}, health_, {}, decisions, lastGoodOf(before_.get())});
    before_ = set;
    zone_decisions_ = decisions[kPoolZone.index()];
    return *set->front();
  }
  // Positions of the endpoints that a network gets at dal.
  std::vector<std::uint32_t> answered(const ServicePools& pools, std::uint32_t network) const {
    std::vector<std::uint32_t> out;
    for (const EndpointIx each : answeredOf(pools, kAtDal, clientOf(network))) {
      out.push_back(each.value);
    }
    return out;
  }

  test::PlacementWorld world_;
  PlacementSet placements_;
  SiteHealth health_;
  std::shared_ptr<const PoolSet> before_;
  std::shared_ptr<const ZoneDecisions> zone_decisions_;
};

TEST_F(PoolTest, WithoutPoolsThereIsNothing) {
  EXPECT_EQ(decidePools({world_.topology, placements_, {}, health_, {}, {}}), nullptr);
  EXPECT_THAT(lastGoodOf(nullptr), IsEmpty());
}

TEST_F(PoolTest, TheNumbersAreAContract) {
  EXPECT_EQ(endpointHash("iad", "web-1"), siteHash("iad/web-1"));
  EXPECT_EQ(endpointSubject("WWW.Shop.example.", "iad", "web-1"),
            "endpoint/www.shop.example/iad/web-1");
}

TEST_F(PoolTest, WithoutACountAllThatAreUpAreAnswered) {
  pool(kAtDal, {1, 1, 1});
  const ServicePools all = decide();
  EXPECT_THAT(answered(all, 1), ElementsAre(0, 1, 2));
  EXPECT_EQ(all.by_ezone[kAtIad.index()].count, 0) << "a plain eZone";
  EXPECT_EQ(all.decisions, zone_decisions_) << "nothing of its own";
  down(kAtDal, 1);
  EXPECT_THAT(answered(decide(), 1), ElementsAre(0, 2));
  EXPECT_TRUE(decide().too_few.none());
}

TEST_F(PoolTest, StandbysAnswerWhenNoOtherIsUp) {
  service().min_up_share = 0;
  pool(kAtDal, {5, 0, 0});
  EXPECT_THAT(answered(decide(), 1), ElementsAre(0));
  down(kAtDal, 0);
  EXPECT_THAT(answered(decide(), 1), ElementsAre(1, 2));
  EXPECT_TRUE(decide().too_few.none());
}

TEST_F(PoolTest, TooFewUpMakesTheSiteDownForThisServiceOnly) {
  pool(kAtDal, {50, 25, 25});
  down(kAtDal, 0);
  EXPECT_EQ(upShare(at(kAtDal), health_), 5000);
  EXPECT_TRUE(decide().too_few.none()) << "half of the weight is enough";
  down(kAtDal, 1);
  const ServicePools pools = decide();
  EXPECT_TRUE(pools.too_few.test(kAtDal.index()));
  const Locus near_dal = placements_[kPoolZone.index()]->ofPoint({30, -97}).locus;
  EXPECT_EQ(zone_decisions_->by_locus[near_dal.index()], kAtDal);
  EXPECT_EQ(pools.decisions->by_locus[near_dal.index()], kAtIad);
  EXPECT_TRUE(pools.decisions->prepared.empty());
  const DecisionStory told =
      explainDecision(world_.topology, kPoolZone, *placements_[kPoolZone.index()], {},
                      healthFor(service(), health_), near_dal, false);
  EXPECT_EQ(told.verdicts[0].why, RejectedFor::kTooFewUp);
  EXPECT_EQ(rejectedForName(told.verdicts[0].why), "too-few-up");
}

TEST_F(PoolTest, WhereTooFewAreUpAndTheSiteIsChosenAllTheSameAllAreAnswered) {
  for (const EZoneIx ezone : {kAtDal, kAtIad, kAtFra}) {
    pool(ezone, {1, 1, 1, 0});
  }
  service().answer_count = 2;
  for (const EZoneIx ezone : {kAtDal, kAtIad, kAtFra}) {
    down(ezone, 0);
    down(ezone, 1);
  }
  const ServicePools open = decide();
  EXPECT_THAT(answered(open, 1), ElementsAre(0, 1, 2, 3));
  EXPECT_FALSE(open.decisions->prepared.empty()) << "all down: a short TTL";
  service().answer_count = 1;
  EXPECT_EQ(answered(decide(), 1).size(), 1U) << "a CNAME, for one, must stay alone";
}

TEST_F(PoolTest, LastGoodIsTheServicesOwn) {
  rules().all_down = AllDown::kLastGood;
  for (const EZoneIx ezone : {kAtDal, kAtIad, kAtFra}) pool(ezone, {1});
  down(kAtDal, 0);
  down(kAtFra, 0);
  EXPECT_THAT(decide().decisions->last_good, ElementsAre(kAtIad));
  down(kAtIad, 0);
  const ServicePools pools = decide();
  EXPECT_THAT(pools.decisions->last_good, ElementsAre(kAtIad));
  for (const EZoneIx each : pools.decisions->by_locus) EXPECT_EQ(each, kAtIad);
  EXPECT_EQ(zone_decisions_->last_good.size(), 3U);
}

TEST_F(PoolTest, EndpointsThatNobodyHasHeardOfLeaveLastGoodAsItWas) {
  rules().all_down = AllDown::kLastGood;
  for (const EZoneIx ezone : {kAtDal, kAtIad, kAtFra}) pool(ezone, {1});
  down(kAtDal, 0);
  down(kAtFra, 0);
  EXPECT_THAT(decide().decisions->last_good, ElementsAre(kAtIad));
  // A restart: the sites are known to be up, the checks of endpoints have not spoken.
  health_.endpoints_down.clear();
  health_.endpoints_unknown.assign(world_.topology.endpoint_count, true);
  const auto onlyIad = [&] {
    const ServicePools pools = decide();
    EXPECT_THAT(pools.decisions->last_good, ElementsAre(kAtIad));
    for (const EZoneIx each : pools.decisions->by_locus) EXPECT_EQ(each, kAtIad);
  };
  onlyIad();
  health_.endpoints_down.assign(world_.topology.endpoint_count, true);
  health_.endpoints_unknown.clear();
  onlyIad();
  down(kAtFra, 0, false);
  EXPECT_THAT(decide().decisions->last_good, ElementsAre(kAtFra));
}

TEST_F(PoolTest, TheFirstChoiceIsSharedOutByWeight) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr std::uint32_t kClients = 100'000;
  service().min_up_share = 0;
  for (int round = 0; round < 6; ++round) {
    std::vector<std::uint16_t> weights(5 + random() % 20);
    for (auto& weight : weights) weight = static_cast<std::uint16_t>(500 + random() % 9501);
    pool(kAtDal, weights);
    service().answer_count = 1 + random() % 2;
    const std::size_t gone = random() % weights.size();
    down(kAtDal, gone);
    const ServicePools pools = decide();
    std::vector<double> counts(weights.size());
    for (std::uint32_t i = 0; i < kClients; ++i) ++counts[answered(pools, i).front()];
    double all = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) all += i == gone ? 0 : weights[i];
    double chi_square = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (i == gone) continue;
      const double expected = kClients * weights[i] / all;
      chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    EXPECT_EQ(counts[gone], 0);
    EXPECT_LT(chi_square, poolChiSquareBound(static_cast<double>(weights.size()) - 2));
  }
}

// Endpoints that go down move their own clients and nobody else, and of those only what they had
// there; never an empty answer (I3); never one that is down while enough is up.
TEST_F(PoolTest, EndpointsThatGoDownMoveTheirOwnClientsOnly) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  service().min_up_share = 1;
  for (int round = 0; round < 60; ++round) {
    std::vector<std::uint16_t> weights(2 + random() % kMaxPool / 2);
    for (auto& weight : weights) weight = static_cast<std::uint16_t>(1 + random() % 100);
    pool(kAtDal, weights);
    service().answer_count = 1 + random() % kMaxAnswered;
    std::vector<std::set<std::uint32_t>> before;
    std::set<std::uint32_t> gone;
    for (std::size_t step = 0; step + 1 < weights.size(); ++step) {
      const ServicePools pools = decide();
      const std::size_t count = std::min(service().answer_count, weights.size() - gone.size());
      std::vector<std::set<std::uint32_t>> now;
      for (std::uint32_t i = 0; i < 200; ++i) {
        const auto got = answered(pools, i);
        ASSERT_EQ(got.size(), count);
        const auto& set = now.emplace_back(got.begin(), got.end());
        ASSERT_EQ(set.size(), count) << "none twice";
        for (const std::uint32_t each : set) ASSERT_FALSE(gone.contains(each));
        if (before.empty()) continue;
        for (const std::uint32_t each : before[i]) {
          ASSERT_TRUE(set.contains(each) || gone.contains(each)) << "kept what is up";
        }
      }
      before = std::move(now);
      std::uint32_t next = 0;
      do {
        next = static_cast<std::uint32_t>(random() % weights.size());
      } while (gone.contains(next));
      gone.insert(next);
      down(kAtDal, next);
    }
  }
}

TEST_F(PoolTest, NeverNothing) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    for (const EZoneIx ezone : {kAtDal, kAtIad, kAtFra}) {
      std::vector<std::uint16_t> weights(1 + random() % 5);
      for (auto& weight : weights) weight = static_cast<std::uint16_t>(random() % 3);
      weights[0] = 1;
      pool(ezone, weights);
    }
    for (std::size_t i = 0; i < health_.endpoints_down.size(); ++i) {
      health_.endpoints_down[i] = random() % 3 != 0;
    }
    for (Health& each : health_.datacenters) each = static_cast<Health>(random() % 4);
    service().min_up_share = static_cast<std::uint16_t>(random() % 10001);
    service().answer_count = random() % 4;
    rules().all_down = static_cast<AllDown>(random() % 4);
    rules().fallback = EZoneIx(static_cast<std::uint16_t>(random() % 3));
    const ServicePools pools = decide();
    for (const EZoneIx ezone : pools.decisions->by_locus) {
      const PoolChoice& choice = pools.by_ezone[ezone.index()];
      ASSERT_GT(choice.answered, 0);
      ASSERT_LE(choice.answered, choice.count);
      ASSERT_EQ(answeredOf(pools, ezone, random()).size(), choice.answered);
    }
  }
}

}  // namespace
}  // namespace meridian::partition
