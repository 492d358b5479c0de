// Health as it reaches the serving state: which decisions are made again, and what a new topology
// keeps.
#include "server/state_publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/dns_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::server {
namespace {

using partition::Health;
using partition::SiteHealth;
using ::testing::ElementsAre;

enum ZoneIndex : std::size_t { kSharding, kGlobal, kStateless, kElsewhere };

std::string topologyText(const std::string& more_sites = "", const std::string& web_rules = "",
                         const std::string& read_rules = "") {
  return R"({"format": 1, "datacenters": [)" + more_sites + R"(
    {"id": "ams", "region": "eu", "lat": 52.4, "lon": 4.9, "slot": 0},
    {"id": "dub", "region": "eu", "lat": 53.3, "lon": -6.3, "slot": 1},
    {"id": "fra", "region": "eu", "lat": 50.0, "lon": 8.6, "slot": 2}],
  "zones": [
    {"id": "order", "kind": "sharding",
     "partitions": [{"id": "north", "home": "ams", "allowed": ["ams", "dub"]}],
     "placement": {"default_partition": "north"}},
    {"id": "account", "kind": "global", "primary": "dub", "replicas": ["ams", "fra"])" +
         read_rules + R"(},
    {"id": "web", "kind": "stateless", "ezones": ["ams", "dub"])" +
         web_rules + R"(},
    {"id": "other", "kind": "stateless", "ezones": ["fra"]}],
  "services": [
    {"name": "www.shop.example", "zone": "web",
     "endpoints": {"ams": ["A 192.0.2.1"], "dub": ["A 192.0.2.2"]}}]})";
}

constexpr const char* kMadrid =
    R"({"id": "mad", "region": "eu", "lat": 40.4, "lon": -3.7, "slot": 3},)";

class StatePublisherTest : public testing::Test {
 protected:
  StatePublisherTest() : world_(makeWorld()), publisher_(world_, clock_) {
    serve(topologyText());
    publisher_.setHealth({{Health::kUp, Health::kUp, Health::kUp}});
  }

  static World makeWorld() {
    World world;
    world.zones =
        test::zoneSet({"$ORIGIN shop.example.\n@ 60 IN SOA ns1 h 1 1 1 1 60\n"
                       "@ 60 IN NS ns1\nns1 60 IN A 192.0.2.53\n"});
    auto sources = std::make_shared<partition::GeoSources>();
    sources->addresses = std::make_shared<const geo::AddressEvidence>(
        test::must(geo::AddressEvidence::build({}, test::must(geo::parseNetworks("", "n")))));
    world.sources = std::move(sources);
    return world;
  }
  void serve(const std::string& topology) { serve(publisher_, topology); }
  static void serve(StatePublisher& publisher, const std::string& topology) {
    auto decoded = test::must(partition::decodeTopology(topology, "test"));
    const auto map =
        test::must(initialMap(std::make_shared<const partition::Topology>(std::move(decoded))));
    test::must(publisher.prepare(map)).publish();
  }
  std::shared_ptr<const dns::ServingState> state() const {
    return publisher_.published().current();
  }
  // The id of the eZone that a zone's first place gets.
  std::string chosen(std::size_t zone) const { return chosen(*state(), zone); }
  static std::string chosen(const dns::ServingState& state, std::size_t zone) {
    return state.map.topology->ezones[state.decisions[zone]->by_locus[0].index()].id;
  }

  World world_;
  test::FakeClock clock_;
  StatePublisher publisher_;
};

TEST_F(StatePublisherTest, HealthMovesWhatMayMoveAndNothingElse) {
  const auto before = state();
  const std::string near = chosen(kStateless);
  const bool ams = near == "ams";
  publisher_.setHealth(
      {{ams ? Health::kDown : Health::kUp, ams ? Health::kUp : Health::kDown, Health::kUp}});
  const auto after = state();
  EXPECT_NE(chosen(kStateless), near);
  EXPECT_EQ(after->decisions[kSharding], before->decisions[kSharding]);
  EXPECT_EQ(after->decisions[kElsewhere], before->decisions[kElsewhere]);
  EXPECT_EQ(after->decisions[kGlobal]->primary, before->decisions[kGlobal]->primary);
  EXPECT_EQ(after->map.table, before->map.table);
  publisher_.setHealth({{Health::kUp, Health::kUp, Health::kUp}});
  EXPECT_EQ(chosen(kStateless), near);
}

TEST_F(StatePublisherTest, TheSameHealthPublishesNothing) {
  const auto before = state();
  publisher_.setHealth(*before->health);
  EXPECT_EQ(state(), before);
}

TEST_F(StatePublisherTest, AllDownIsAnsweredAsAllUp) {
  const std::string near = chosen(kStateless);
  publisher_.setHealth({{Health::kDown, Health::kDown, Health::kDown}});
  EXPECT_EQ(chosen(kStateless), near);
}

TEST_F(StatePublisherTest, ANewTopologyKeepsTheHealthOfSitesItHasInCommon) {
  publisher_.setHealth({{Health::kDown, Health::kUp, Health::kDegraded}});
  ASSERT_EQ(chosen(kStateless), "dub");
  serve(topologyText(kMadrid));
  EXPECT_THAT(state()->health->datacenters,
              ElementsAre(Health::kUp, Health::kDown, Health::kUp, Health::kDegraded));
  EXPECT_EQ(chosen(kStateless), "dub");
}

TEST_F(StatePublisherTest, LoadSharesOutWhatIsStatelessAndNothingElse) {
  const auto before = state();
  EXPECT_TRUE(before->decisions[kStateless]->plain());
  publisher_.setLoad({{5000, 5000, 0}});
  const auto after = state();
  EXPECT_EQ(after->decisions[kSharding], before->decisions[kSharding]);
  EXPECT_EQ(after->decisions[kGlobal], before->decisions[kGlobal]);
  EXPECT_EQ(after->decisions[kStateless]->shares.size(), 4U) << "two orders of two eZones";
  publisher_.setLoad({{5000, 5000, 0}});
  EXPECT_EQ(state(), after) << "the same load publishes nothing";
  serve(topologyText(kMadrid));
  EXPECT_THAT(state()->load.spill, ElementsAre(0, 5000, 5000, 0)) << "kept by id";
  publisher_.setLoad({});
  EXPECT_TRUE(state()->decisions[kStateless]->plain());
}

TEST_F(StatePublisherTest, EndpointsThatAreDownMoveTheirServiceOnlyAndOutliveATopology) {
  const auto topology = [](const std::string& more) {
    return R"({"format": 1, "datacenters": [
    {"id": "ams", "lat": 52.4, "lon": 4.9, "slot": 0},
    {"id": "dub", "lat": 53.3, "lon": -6.3, "slot": 1}],
  "zones": [{"id": "web", "kind": "stateless", "ezones": ["ams", "dub"]}],
  "services": [)" +
           more + R"(
    {"name": "www.shop.example", "zone": "web", "endpoints": {
      "ams": [{"id": "a", "records": ["A 192.0.2.1"]}, {"id": "b", "records": ["A 192.0.2.3"]}],
      "dub": ["A 192.0.2.2"]}},
    {"name": "plain.shop.example", "zone": "web",
     "endpoints": {"ams": ["A 192.0.2.1"], "dub": ["A 192.0.2.2"]}}]})";
  };
  serve(topology(""));
  const auto before = state();
  ASSERT_NE(before->pools, nullptr);
  EXPECT_EQ((*before->pools)[0]->decisions, before->decisions[0]);
  EXPECT_EQ((*before->pools)[1], nullptr) << "a service without pools";
  SiteHealth health = *before->health;
  health.endpoints_down = {true, true};
  publisher_.setHealth(health);
  const auto after = state();
  EXPECT_EQ(after->decisions[0], before->decisions[0]) << "the zone is as it was";
  EXPECT_EQ((*after->pools)[0]->by_ezone[0].count, 2);
  EXPECT_TRUE((*after->pools)[0]->too_few.test(0));
  for (const partition::EZoneIx each : (*after->pools)[0]->decisions->by_locus) {
    EXPECT_EQ(each, partition::EZoneIx(1));
  }
  publisher_.setHealth(health);
  EXPECT_EQ(state(), after) << "the same health publishes nothing";
  serve(topology(R"({"name": "first.shop.example", "zone": "web", "endpoints": {
      "ams": [{"id": "a", "records": ["A 192.0.2.9"]}], "dub": ["A 192.0.2.2"]}},)"));
  EXPECT_THAT(state()->health->endpoints_down, ElementsAre(false, true, true)) << "kept by name";
  EXPECT_TRUE((*state()->pools)[1]->too_few.test(0));
  serve(topologyText());
  EXPECT_EQ(state()->pools, nullptr);
}

TEST_F(StatePublisherTest, TheLastGoodSitesOutliveAStateAndATopology) {
  const std::string rules = R"(, "all_down": "last-good")";
  serve(topologyText("", rules));
  const std::string near = chosen(kStateless);
  const bool ams = near == "ams";
  const std::string far = ams ? "dub" : "ams";
  publisher_.setHealth(
      {{ams ? Health::kDown : Health::kUp, ams ? Health::kUp : Health::kDown, Health::kUp}});
  ASSERT_EQ(chosen(kStateless), far);
  publisher_.setHealth({{Health::kDown, Health::kDown, Health::kDown}});
  EXPECT_EQ(chosen(kStateless), far) << "the one that was up last";
  serve(topologyText(kMadrid, rules));
  EXPECT_EQ(chosen(kStateless), far);
  EXPECT_FALSE(state()->decisions[kStateless]->prepared.empty())
      << "a short TTL while all are down";
}

TEST_F(StatePublisherTest, FreshnessDecidesTheZonesItTouchesAndNoOther) {
  const std::string bound = R"(, "read_max_lag_ms": 5000)";
  serve(topologyText("", "", bound));
  const auto everywhere = [&](const std::string& id) {
    const auto now = state();
    const auto& loci = now->decisions[kGlobal]->by_locus;
    return std::all_of(loci.begin(), loci.end(), [&](partition::EZoneIx ezone) {
      return now->map.topology->ezones[ezone.index()].id == id;
    });
  };
  EXPECT_TRUE(everywhere("dub")) << "before anybody has looked no copy is fresh";
  std::vector<partition::ReadCopies> reads = state()->health->reads;
  ASSERT_EQ(reads.size(), 4U);
  reads[kGlobal].fresh = {0, 1, 1};
  const auto before = state();
  publisher_.setReads(reads);
  const auto after = state();
  EXPECT_FALSE(everywhere("dub"));
  for (const std::size_t zone : {kSharding, kStateless, kElsewhere}) {
    EXPECT_EQ(after->decisions[zone], before->decisions[zone]);
  }
  publisher_.setReads(reads);
  EXPECT_EQ(state(), after) << "the same freshness publishes nothing";
  publisher_.setHealth({{Health::kDown, Health::kUp, Health::kDown}});
  EXPECT_TRUE(everywhere("dub"));
  EXPECT_EQ(state()->health->reads, reads) << "health leaves freshness as it is";
  publisher_.setHealth({{Health::kUp, Health::kUp, Health::kUp}});
  serve(topologyText(kMadrid, "", bound));
  EXPECT_THAT(state()->health->reads[kGlobal].fresh, ElementsAre(0, 1, 1)) << "kept by id";
  EXPECT_FALSE(everywhere("dub"));
  auto switched = std::make_shared<partition::AssignmentTable>(*state()->map.table);
  for (partition::Assignment& each : switched->assignments) {
    if (each.subject != "account") continue;
    each.ezone = *state()->map.topology->findEZone("ams");
    each.rev = ++switched->rev;
  }
  test::must(publisher_.prepare({state()->map.topology, switched, 1})).publish();
  EXPECT_TRUE(everywhere("ams")) << "what was fresh to one primary is not to another";
  serve(topologyText());
  EXPECT_THAT(state()->health->reads[kGlobal].fresh, ElementsAre());
}

TEST_F(StatePublisherTest, TheLastGoodSitesOutliveARestart) {
  const std::string text = topologyText("", R"(, "all_down": "last-good")");
  const auto disk = std::make_shared<test::MemoryDisk>();
  const auto start = [&] {
    return test::must(partition::GoodSites::open(
        std::make_shared<test::MemoryStore>(disk, partition::GoodSites::families())));
  };
  const SiteHealth all_down{{Health::kDown, Health::kDown, Health::kDown}};
  const SiteHealth all_unknown{{Health::kUnknown, Health::kUnknown, Health::kUnknown}};
  for (const std::string last : {"ams", "dub"}) {
    {
      partition::GoodSites good = start();
      StatePublisher before(world_, clock_);
      before.remember(good);
      serve(before, text);
      const bool ams = last == "ams";
      before.setHealth(
          {{ams ? Health::kUp : Health::kDown, ams ? Health::kDown : Health::kUp, Health::kUp}});
      before.setHealth(all_down);
      EXPECT_EQ(chosen(*before.published().current(), kStateless), last);
    }
    partition::GoodSites good = start();
    StatePublisher after(world_, clock_);
    after.remember(good);
    serve(after, text);
    EXPECT_EQ(chosen(*after.published().current(), kStateless), last) << "in the first state";
    const std::size_t writes = disk->writes;
    after.setHealth(all_unknown);
    after.setHealth(all_down);
    EXPECT_EQ(chosen(*after.published().current(), kStateless), last);
    EXPECT_EQ(disk->writes, writes) << "nothing was good";
  }
}

}  // namespace
}  // namespace meridian::server
