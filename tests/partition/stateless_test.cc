// The rule of stateless zones: who may answer, classes of distance, weights, spill and all-down
// policies; never nothing (I3); and the whole against an oracle that measures distances itself.
#include "partition/stateless.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "geo/distance.h"
#include "tests/support/placement_world.h"

namespace meridian::partition {
namespace {

using test::PlacementWorld;
using testing::ElementsAre;

constexpr ZoneIx kStatelessZone{2};
constexpr EZoneIx kSiteDal{0};
constexpr EZoneIx kSiteIad{1};
constexpr EZoneIx kSiteFra{2};
constexpr geo::GeoPoint kNearDal{30, -97};  // nearest: dal, iad, fra
constexpr geo::GeoPoint kBetween{36, -87};  // dal is 970 km, iad 890 km away

class StatelessTest : public testing::Test {
 protected:
  void SetUp() override { build(); }

  void build() {
    auto built = buildPlacements(world_.topology, world_.sources);
    ASSERT_TRUE(built.has_value()) << built.error().text();
    placement_ = (*built)[kStatelessZone.index()];
    health_.datacenters.resize(world_.topology.datacenters.size(), Health::kUp);
  }
  StatelessRules& rules() { return world_.topology.zones[kStatelessZone.index()].stateless; }
  ZoneDecisions decide() const {
    return decideZone(world_.topology, kStatelessZone, *placement_, {}, health_, inputs_);
  }
  // Where the networks of a place go, in parts of 1000.
  std::map<EZoneIx, int> spread(geo::GeoPoint from) const {
    constexpr int kClients = 20'000;
    const ZoneDecisions decisions = decide();
    const Locus locus = placement_->ofPoint(from).locus;
    std::map<EZoneIx, int> out;
    for (std::uint32_t i = 0; i < kClients; ++i) {
      const auto shares = decisions.sharesOf(locus);
      const EZoneIx choice = shares.empty()
                                 ? decisions.by_locus[locus.index()]
                                 : chooseShare(shares, clientHash(IpAddress::v4(i << 8U)));
      ++out[choice];
    }
    for (auto& [ezone, count] : out) count = (count * 1000 + kClients / 2) / kClients;
    return out;
  }
  std::set<EZoneIx> answers(geo::GeoPoint from) const {
    std::set<EZoneIx> out;
    for (const auto& [ezone, count] : spread(from)) out.insert(ezone);
    return out;
  }
  DecisionStory story(geo::GeoPoint from, std::optional<std::uint64_t> client = {}) const {
    return explainDecision(world_.topology, kStatelessZone, *placement_, {}, health_,
                           placement_->ofPoint(from).locus, false, inputs_, client);
  }
  std::string text(const DecisionStory& told) const {
    std::string out = told.basis + ":";
    for (const Verdict& verdict : told.verdicts) {
      out += " " + world_.topology.ezones[verdict.ezone.index()].id + "=" +
             std::string(rejectedForName(verdict.why)) + "/" +
             std::to_string(verdict.distance_class) + "/" + std::to_string(verdict.weight);
    }
    return out;
  }
  void setAll(Health health) {
    std::fill(health_.datacenters.begin(), health_.datacenters.end(), health);
  }

  PlacementWorld world_;
  std::shared_ptr<const Placement> placement_;
  SiteHealth health_;
  SiteInputs inputs_;
};

TEST_F(StatelessTest, WithoutWeightsAndSlackTheNearestAnswersEverybody) {
  const ZoneDecisions decisions = decide();
  EXPECT_TRUE(decisions.plain());
  EXPECT_TRUE(decisions.shares.empty());
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal));
}

TEST_F(StatelessTest, WeightsShareOutEverywhere) {
  rules().weights = {100, 9900, 0};
  EXPECT_NEAR(spread(kNearDal)[kSiteDal], 10, 4);
  EXPECT_NEAR(spread(kNearDal)[kSiteIad], 990, 4);
  EXPECT_EQ(spread(kNearDal), spread({50, 8}));
  EXPECT_EQ(decide().shares.size(), 2U) << "one list for all places";
  EXPECT_EQ(text(story(kNearDal)).substr(0, 8), "usable: ");
  EXPECT_TRUE(story(kNearDal).shared);
}

TEST_F(StatelessTest, AWeightOfZeroIsAStandby) {
  rules().weights = {10000, 0, 0};
  EXPECT_TRUE(decide().plain()) << "one eZone alone needs no shares";
  EXPECT_EQ(text(story(kNearDal)), "usable: dal=chosen/1/10000 iad=standby/0/0 fra=standby/0/0");
  health_.datacenters[0] = Health::kDown;
  EXPECT_EQ(spread(kNearDal).size(), 2U);
  EXPECT_NEAR(spread(kNearDal)[kSiteIad], 500, 20);
  EXPECT_NEAR(spread(kNearDal)[kSiteFra], 500, 20);
}

TEST_F(StatelessTest, SitesWithinTheSlackAreOneClass) {
  rules().distance_slack_km = 200;
  build();
  EXPECT_THAT(answers(kBetween), ElementsAre(kSiteDal, kSiteIad));
  EXPECT_NEAR(spread(kBetween)[kSiteDal], 500, 20);
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal));
  EXPECT_EQ(text(story(kNearDal)), "usable: dal=chosen/1/1 iad=farther/2/1 fra=farther/3/1");
  rules().weights = {9000, 1000, 10000};
  EXPECT_NEAR(spread(kBetween)[kSiteDal], 900, 20);
  EXPECT_NEAR(spread(kBetween)[kSiteIad], 100, 20);
  health_.datacenters[0] = Health::kDown;
  EXPECT_THAT(answers(kBetween), ElementsAre(kSiteIad));
}

TEST_F(StatelessTest, ASlackOfZeroSharesOnlyWhatIsEquallyFar) {
  world_.topology.ezones.push_back({"dal-b", DcIx(0), 9});
  world_.topology.zones[kStatelessZone.index()].ezones.emplace_back(std::uint16_t{3});
  build();
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal)) << "without a slack, by distance only";
  rules().distance_slack_km = 0;
  build();
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal, EZoneIx(3)));
  EXPECT_THAT(answers(kBetween), ElementsAre(kSiteIad));
}

TEST_F(StatelessTest, AFullSiteKeepsItsShareAndTheRestGoesOn) {
  inputs_.load.spill = {2500, 0, 0};
  EXPECT_NEAR(spread(kNearDal)[kSiteDal], 750, 20);
  EXPECT_NEAR(spread(kNearDal)[kSiteIad], 250, 20);
  inputs_.load.spill = {5000, 5000, 0};
  EXPECT_NEAR(spread(kNearDal)[kSiteDal], 500, 20);
  EXPECT_NEAR(spread(kNearDal)[kSiteIad], 250, 20);
  EXPECT_NEAR(spread(kNearDal)[kSiteFra], 250, 20);
  inputs_.load.spill = {10000, 10000, 10000};
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal)) << "nowhere to go: as if nobody were full";
  inputs_.load.spill = {10000, 0, 0};
  EXPECT_EQ(text(story(kNearDal, 7)), "usable: dal=spilled/1/1 iad=chosen/2/1 fra=farther/3/1");
}

TEST_F(StatelessTest, AllDownAsIfUp) {
  rules().weights = {5000, 5000, 0};
  setAll(Health::kDown);
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal, kSiteIad));
  EXPECT_EQ(story(kNearDal).basis, "all-down as-if-up");
  EXPECT_EQ(decide().prepared, std::vector<std::uint8_t>(placement_->locusCount(), 1))
      << "a short TTL";
  world_.topology.datacenters[0].admin_state = AdminState::kDraining;
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteIad));
}

TEST_F(StatelessTest, AllDownNearest) {
  rules().weights = {0, 5000, 5000};
  rules().all_down = AllDown::kNearest;
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteIad, kSiteFra));
  setAll(Health::kDown);
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal));
  EXPECT_THAT(answers({50, 8}), ElementsAre(kSiteFra));
  EXPECT_EQ(text(story(kNearDal)), "all-down nearest: dal=chosen/1/1 iad=down/2/1 fra=down/3/1");
}

TEST_F(StatelessTest, AllDownFallback) {
  world_.topology.zones[kStatelessZone.index()].ezones = {kSiteDal, kSiteIad};
  rules().all_down = AllDown::kFallback;
  rules().fallback = kSiteFra;
  build();
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal));
  setAll(Health::kDown);
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteFra));
  EXPECT_EQ(text(story(kNearDal)), "all-down fallback: dal=down/0/0 iad=down/0/0 fra=chosen/1/1");
}

TEST_F(StatelessTest, AllDownLastGood) {
  rules().all_down = AllDown::kLastGood;
  setAll(Health::kDown);
  EXPECT_EQ(story(kNearDal).basis, "all-down as-if-up") << "nobody was ever up";
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal));
  health_.datacenters = {Health::kDown, Health::kUp, Health::kUp};
  inputs_.last_good = decide().last_good;
  EXPECT_THAT(inputs_.last_good, ElementsAre(kSiteIad, kSiteFra));
  setAll(Health::kDown);
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteIad));
  EXPECT_EQ(story(kNearDal).basis, "all-down last-good");
  EXPECT_EQ(decide().last_good, inputs_.last_good) << "remembered for as long as all are down";
  setAll(Health::kUnknown);
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteIad)) << "as before, while nothing is known";
  EXPECT_EQ(decide().last_good, inputs_.last_good);
  EXPECT_EQ(text(story(kNearDal)), "usable: dal=unknown/0/0 iad=chosen/1/1 fra=farther/2/1");
  health_.datacenters = {Health::kUnknown, Health::kDown, Health::kDown};
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteIad)) << "dal was not good last";
  health_.datacenters = {Health::kUp, Health::kUnknown, Health::kUnknown};
  EXPECT_EQ(decide().last_good.size(), 3U);
  setAll(Health::kDown);
  world_.topology.datacenters[1].admin_state = AdminState::kOutOfService;
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteFra)) << "the operator's word counts";
  world_.topology.datacenters[2].admin_state = AdminState::kOutOfService;
  EXPECT_THAT(answers(kNearDal), ElementsAre(kSiteDal));
}

// Distances measured here, classes found by asking every pair, everything by eZone.
class StatelessOracle {
 public:
  StatelessOracle(const Topology& topology, const SiteHealth& health, const SiteInputs& inputs)
      : topology_(topology),
        health_(health),
        inputs_(inputs),
        zone_(topology.zones[kStatelessZone.index()]) {}

  EZoneIx choice(geo::GeoPoint from, std::uint64_t client) const {
    const std::vector<EZoneIx> among = candidates(from);
    std::vector<Share> shares;
    std::set<EZoneIx> left(among.begin(), among.end());
    while (!left.empty()) {
      const EZoneIx nearest =
          *std::min_element(left.begin(), left.end(), [&](EZoneIx a, EZoneIx b) {
            return std::pair(metres(from, a), position(a)) <
                   std::pair(metres(from, b), position(b));
          });
      for (const EZoneIx ezone : among) {
        if (!left.contains(ezone)) continue;
        if (ezone != nearest && !equallyNear(from, nearest, ezone)) continue;
        shares.push_back({siteHash(topology_.ezones[ezone.index()].id), ezone,
                          weightOf(ezone, among), inputs_.load.spill[ezone.index()], false});
        left.erase(ezone);
      }
      shares.back().last_of_class = true;
    }
    return chooseShare(shares, client);
  }

 private:
  double metres(geo::GeoPoint from, EZoneIx ezone) const {
    return geo::geodesicMetres(from, topology_.dcOf(ezone).point);
  }
  std::ptrdiff_t position(EZoneIx ezone) const {
    return std::find(zone_.ezones.begin(), zone_.ezones.end(), ezone) - zone_.ezones.begin();
  }
  bool equallyNear(geo::GeoPoint from, EZoneIx nearest, EZoneIx other) const {
    const StatelessRules& rules = zone_.stateless;
    if (rules.distance_slack_km) {
      return metres(from, other) <= metres(from, nearest) + *rules.distance_slack_km * 1000;
    }
    return !rules.weights.empty();
  }
  std::uint16_t ownWeight(EZoneIx ezone) const {
    const auto& weights = zone_.stateless.weights;
    return weights.empty() ? std::uint16_t{1} : weights[static_cast<std::size_t>(position(ezone))];
  }
  std::uint16_t weightOf(EZoneIx ezone, const std::vector<EZoneIx>& among) const {
    const bool weighted =
        std::any_of(among.begin(), among.end(), [&](EZoneIx each) { return ownWeight(each) > 0; });
    return weighted ? ownWeight(ezone) : std::uint16_t{1};
  }
  std::vector<EZoneIx> weighted(const std::vector<EZoneIx>& from) const {
    std::vector<EZoneIx> out;
    std::copy_if(from.begin(), from.end(), std::back_inserter(out),
                 [&](EZoneIx ezone) { return ownWeight(ezone) > 0; });
    return out.empty() ? from : out;
  }
  template <class Wanted>
  std::vector<EZoneIx> members(const Wanted& wanted) const {
    std::vector<EZoneIx> out;
    std::copy_if(zone_.ezones.begin(), zone_.ezones.end(), std::back_inserter(out), wanted);
    return out;
  }
  std::vector<EZoneIx> candidates(geo::GeoPoint from) const {
    const auto admin = [&](EZoneIx ezone) { return topology_.dcOf(ezone).admin_state; };
    const auto in_service = members([&](EZoneIx e) { return admin(e) == AdminState::kInService; });
    const StatelessRules& rules = zone_.stateless;
    const auto& before = inputs_.last_good;
    const auto usable = members([&](EZoneIx e) {
      const Health health = health_.datacenters[topology_.ezones[e.index()].dc.index()];
      if (admin(e) != AdminState::kInService || health == Health::kDown) return false;
      return health != Health::kUnknown || rules.all_down != AllDown::kLastGood || before.empty() ||
             std::find(before.begin(), before.end(), e) != before.end();
    });
    if (!usable.empty()) return weighted(usable);
    if (rules.all_down == AllDown::kFallback) return {rules.fallback};
    if (rules.all_down == AllDown::kLastGood) {
      const auto good = members([&](EZoneIx e) {
        const auto& last = inputs_.last_good;
        return admin(e) == AdminState::kInService &&
               std::find(last.begin(), last.end(), e) != last.end();
      });
      if (!good.empty()) return weighted(good);
    }
    auto any = in_service;
    if (any.empty()) any = members([&](EZoneIx e) { return admin(e) == AdminState::kDraining; });
    if (any.empty()) any = zone_.ezones;
    if (rules.all_down != AllDown::kNearest) return weighted(any);
    return {*std::min_element(any.begin(), any.end(), [&](EZoneIx a, EZoneIx b) {
      return std::pair(metres(from, a), position(a)) < std::pair(metres(from, b), position(b));
    })};
  }

  const Topology& topology_;
  const SiteHealth& health_;
  const SiteInputs& inputs_;
  const Zone& zone_;
};

TEST_F(StatelessTest, AgreesWithTheOracleAndIsNeverEmpty) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  // At the sites and on a grid each place has a locus of its own, so that finding it is exact.
  std::vector<geo::GeoPoint> places;
  for (int round = 0; round < 60; ++round) {
    world_ = PlacementWorld();
    for (std::uint8_t i = 3; i < 7; ++i) {
      world_.addSite(
          "site" + std::to_string(i),
          {static_cast<double>(random() % 160) - 80.0, static_cast<double>(random() % 360) - 180.0},
          i);
      world_.topology.zones[kStatelessZone.index()].ezones.emplace_back(std::uint16_t{i});
    }
    if (random() % 2 == 0) {
      for (std::size_t i = 0; i < world_.topology.zones[kStatelessZone.index()].ezones.size();
           ++i) {
        rules().weights.push_back(static_cast<std::uint16_t>(random() % 3 * 1000));
      }
    }
    if (random() % 2 == 0) rules().distance_slack_km = static_cast<double>(random() % 4) * 1000;
    rules().all_down = static_cast<AllDown>(random() % 4);
    rules().fallback = EZoneIx(static_cast<std::uint16_t>(random() % 7));
    build();
    places.clear();
    for (const Datacenter& site : world_.topology.datacenters) places.push_back(site.point);
    for (int state = 0; state < 20; ++state) {
      const bool dark = random() % 2 == 0;
      for (Health& health : health_.datacenters) {
        health = dark ? Health::kDown : static_cast<Health>(random() % 4);
      }
      for (Datacenter& site : world_.topology.datacenters) {
        site.admin_state = static_cast<AdminState>(random() % 3);
      }
      inputs_.load.spill.assign(7, 0);
      for (std::uint16_t& spill : inputs_.load.spill) {
        if (random() % 3 == 0) spill = static_cast<std::uint16_t>(random() % 10001);
      }
      const StatelessOracle oracle(world_.topology, health_, inputs_);
      const ZoneDecisions decisions = decide();
      for (const geo::GeoPoint place : places) {
        const Locus locus = placement_->ofPoint(place).locus;
        const auto shares = decisions.sharesOf(locus);
        for (int i = 0; i < 5; ++i) {
          const std::uint64_t client = mixHash(random());
          const EZoneIx choice =
              shares.empty() ? decisions.by_locus[locus.index()] : chooseShare(shares, client);
          ASSERT_EQ(choice, oracle.choice(place, client)) << "round " << round;
          const DecisionStory told = story(place, client);
          const auto chosen = [](const Verdict& v) { return v.why == RejectedFor::kChosen; };
          ASSERT_EQ(std::count_if(told.verdicts.begin(), told.verdicts.end(), chosen), 1);
          ASSERT_EQ(std::find_if(told.verdicts.begin(), told.verdicts.end(), chosen)->ezone,
                    choice);
          ASSERT_EQ(told.shared, !shares.empty());
        }
      }
      inputs_.last_good = decisions.last_good;
    }
    inputs_.last_good.clear();
  }
}

}  // namespace
}  // namespace meridian::partition
