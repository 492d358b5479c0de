// A server with every route over loopback HTTP, against a real MapService on a store in memory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "admin/api.h"
#include "admin/http_server.h"
#include "base/digest.h"
#include "dns/zone/loader.h"
#include "dns/zone/zone_service.h"
#include "partition/drc/link_history.h"
#include "partition/ha/ha_service.h"
#include "partition/hold/hold_book.h"
#include "partition/load/balance_service.h"
#include "partition/map_service.h"
#include "tests/admin/http_client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/scripted_seams.h"
#include "tests/support/temp_dir.h"

namespace meridian::admin {

using Json = nlohmann::json;
using test::HttpAnswer;
using test::HttpCall;
using test::HttpUser;

inline constexpr std::string_view kTopology = R"({
  "format": 1,
  "datacenters": [
    {"id": "dal", "region": "us-central", "lat": 32.78, "lon": -96.80, "slot": 0},
    {"id": "iad", "region": "us-east", "lat": 38.95, "lon": -77.45, "slot": 1},
    {"id": "fra", "region": "eu", "lat": 50.03, "lon": 8.57, "slot": 2, "admin_state": "DRAINING"}
  ],
  "zones": [
    {"id": "order", "kind": "sharding",
     "partitions": [
       {"id": "us-tx", "home": "dal", "allowed": ["iad", "dal", "fra"],
        "anchors": [{"lat": 31.0, "lon": -99.0}]},
       {"id": "rest", "home": "iad", "allowed": ["dal", "iad"],
        "anchors": [{"lat": 50.0, "lon": 8.0}]}
     ],
     "placement": {"default_partition": "rest", "unknown_ttl": 9}},
    {"id": "account", "kind": "global", "primary": "iad", "replicas": ["dal"]},
    {"id": "web", "kind": "stateless", "ezones": ["dal", "iad"]}
  ],
  "services": [
    {"name": "order.shop.example", "zone": "order", "ttl": 60,
     "endpoints": {"dal": ["A 192.0.2.1", "AAAA 2001:db8::1"], "iad": ["A 192.0.2.2"],
                   "fra": ["A 192.0.2.3"]}},
    {"name": "account.shop.example", "zone": "account",
     "endpoints": {"iad": ["A 192.0.2.12"], "dal": ["A 192.0.2.11"]}},
    {"name": "www.shop.example", "zone": "web",
     "endpoints": {"iad": ["A 192.0.2.22"], "dal": ["A 192.0.2.21"]}}
  ]
})";

inline constexpr std::string_view kZone =
    "$ORIGIN shop.example.\n$TTL 60\n@ SOA ns admin 7 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n";

inline std::string changed(std::string_view from, std::string_view to) {
  std::string text(kTopology);
  text.replace(text.find(from), from.size(), to);
  return text;
}

class FakeMetrics final : public MetricsSource {
 public:
  std::vector<Metric> collect() const override {
    return {{"meridian_dns_queries_total",
             "Queries",
             Metric::Type::kCounter,
             {{{{"worker", "0"}}, 41.0}}}};
  }
};

class ApiTest : public testing::Test {
 protected:
  void SetUp() override {
    auto topology = partition::decodeTopology(kTopology, "test");
    ASSERT_TRUE(topology) << topology.error().text();
    std::vector<std::string> families = partition::Journal::families();
    for (const std::string& family : partition::ChangeStore::families()) families.push_back(family);
    for (const std::string& family : partition::HoldBook::families()) families.push_back(family);
    const auto store =
        std::make_shared<test::MemoryStore>(std::make_shared<test::MemoryDisk>(), families);
    auto map = partition::MapService::open(
        store, clock_, std::make_shared<const partition::Topology>(std::move(*topology)),
        [this](const partition::MapSnapshot& next) { return prepare(next); });
    ASSERT_TRUE(map) << map.error().error.message;
    map_ = std::move(*map);
    auto holds = partition::HoldBook::open(store);
    ASSERT_TRUE(holds) << holds.error().message;
    holds_ = std::move(*holds);
    auto changes = partition::ChangeEngine::open(store, {},
                                                 {clock_,
                                                  *map_,
                                                  scripted_hooks_,
                                                  links_,
                                                  [this] { return view_.health; },
                                                  &*holds_,
                                                  &load_,
                                                  &consumers_,
                                                  {},
                                                  &arrivals_});
    ASSERT_TRUE(changes) << changes.error().message;
    changes_ = std::move(*changes);
    balancer_ = std::make_unique<partition::BalanceService>(
        load_book_, partition::BalanceMode::kAdvise, partition::BalancePolicy{},
        partition::BalanceSeams{clock_, *map_, *changes_, links_, load_,
                                [this] { return view_.health; }});
    map_->onActiveChange(
        [this](std::string_view subject) { return changes_->activeChange(subject); });
    auto health = partition::HealthService::open(
        clock_,
        std::make_shared<test::MemoryStore>(health_disk_, partition::OverrideBook::families()),
        healthChecks(), [this] { return map_->current().topology; },
        [this](const partition::SiteHealth& sites) {
          view_.health = std::make_shared<const partition::SiteHealth>(sites);
        });
    ASSERT_TRUE(health) << health.error().message;
    health_ = std::move(*health);
    const auto ha_store =
        std::make_shared<test::MemoryStore>(ha_disk_, partition::HaInbox::families());
    ha_ = std::make_unique<partition::HaService>(
        ha_config_, partition::HaSeams{clock_, *map_, *changes_, drc_},
        partition::HaInbox::open(ha_store, clock_).value());
    auto history = partition::LinkHistory::open(
        std::make_shared<test::MemoryStore>(std::make_shared<test::MemoryDisk>(),
                                            partition::LinkHistory::families()),
        {});
    ASSERT_TRUE(history) << history.error().message;
    link_history_ = std::move(*history);
    writeZone(kZone);
    auto zones = dns::ZoneService::open(
        std::make_shared<test::MemoryStore>(std::make_shared<test::MemoryDisk>(),
                                            dns::ZoneService::families()),
        clock_, zone_files_.path(), dns::loadZones(zone_files_.path(), clock_.wallNow()).value());
    ASSERT_TRUE(zones) << zones.error().message;
    zones_ = std::move(*zones);
    zones_->onChange([](const auto&) -> Checked<std::function<void()>> { return [] {}; });
    startServer();
  }
  void TearDown() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void writeZone(std::string_view text) const {
    std::ofstream(zone_files_.path() / "shop.example.zone") << text;
  }
  void startServer() {
    Json rows = Json::array();
    for (const char* role : {"agent", "viewer", "operator", "admin"}) {
      rows.push_back({{"name", role}, {"role", role}, {"sha256", hex(sha256(role))}});
    }
    auto tokens = Authenticator::parse(Json({{"format", 1}, {"tokens", rows}}).dump(), "test");
    ASSERT_TRUE(tokens) << tokens.error().text();
    api_ = std::make_unique<Api>(Context{loop_,
                                         clock_,
                                         *map_,
                                         *changes_,
                                         links_,
                                         *zones_,
                                         metrics_,
                                         drc_,
                                         *health_,
                                         [this] { return view_; },
                                         [this] { return missing_; },
                                         hooks_,
                                         &*holds_,
                                         nullptr,
                                         nullptr,
                                         ha_.get(),
                                         balancer_.get(),
                                         &*link_history_,
                                         nullptr,
                                         &consumers_,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         &arrivals_,
                                         false,
                                         keys_},
                                 std::move(*tokens));
    auto server = HttpServer::start(
        loop_, {.listen = *IpEndpoint::parse("127.0.0.1:0"), .max_body_bytes = 1 << 20},
        [this](HttpRequest request, const std::shared_ptr<Responder>& responder) {
          api_->handle(std::move(request), responder);
        });
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    user_ = std::make_unique<HttpUser>(server_->bound().port);
    thread_ = std::thread([this] { loop_.run(); });
  }

  // Of dal: one that somebody tells, critical. Of iad: one that is measured, though nothing runs
  // here, and that costs no more than DEGRADED.
  static std::vector<partition::CheckConfig> healthChecks() {
    partition::CheckConfig told;
    told.id = "dal-db";
    told.datacenter = "dal";
    told.kind = partition::CheckKind::kPushed;
    partition::CheckConfig measured;
    measured.id = "iad-web";
    measured.ezone = "iad";
    measured.target = *IpEndpoint::parse("127.0.0.1:9");
    measured.critical = false;
    return {told, measured};
  }

  Checked<partition::PreparedState> prepare(const partition::MapSnapshot& next) {
    auto placements = partition::buildPlacements(*next.topology, *sources_);
    if (!placements) return tl::unexpected(placements.error());
    ServingView view{
        next, std::make_shared<const partition::PlacementSet>(std::move(*placements)), sources_,
        std::make_shared<const partition::SiteHealth>(partition::allUp(*next.topology))};
    return partition::PreparedState{[this, view] { view_ = view; }, {}};
  }

  static std::shared_ptr<const partition::GeoSources> makeSources() {
    partition::GeoSources sources;
    auto overrides = geo::parseNetworks(
        "192.0.2.0/24 partition us-tx\n198.51.100.0/24 at 50.1,8.6 country=DE\n", "networks.txt");
    auto evidence = geo::AddressEvidence::build({}, std::move(*overrides));
    sources.addresses = std::make_shared<const geo::AddressEvidence>(std::move(*evidence));
    sources.pois = *geo::parseCatalogue(R"({"id": "alamo", "lat": 29.4, "lon": -98.5})", "pois");
    sources.cities = *geo::parseCatalogue(
        R"({"id": "mainz", "lat": 50.0, "lon": 8.2, "partition": "us-tx"})", "cities");
    return std::make_shared<const partition::GeoSources>(std::move(sources));
  }

  // Runs on the loop's thread, where everything the API reads belongs, and waits for it.
  void onLoop(std::function<void()> task) {
    std::packaged_task<void()> packaged(std::move(task));
    loop_.post([&packaged] { packaged(); });
    packaged.get_future().get();
  }
  HttpAnswer get(const std::string& target, const std::string& token = "viewer") {
    return user_->call({.target = target, .token = token});
  }
  Json getJson(const std::string& target) {
    const HttpAnswer answer = get(target);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::parse(answer.body);
  }
  HttpAnswer post(const std::string& target, const std::string& body,
                  const std::string& token = "operator") {
    return user_->call({.method = "POST", .target = target, .token = token, .body = body});
  }
  HttpAnswer put(const std::string& target, const std::string& body,
                 const std::string& token = "admin") {
    return user_->call({.method = "PUT", .target = target, .token = token, .body = body});
  }
  HttpAnswer remap(const std::string& partition, const std::string& to, std::uint64_t epoch,
                   bool dry_run = false) {
    return post(
        "/v1/partitions/" + partition + "/remap",
        Json({{"to", to}, {"expected_epoch", epoch}, {"reason", "test"}, {"dry_run", dry_run}})
            .dump());
  }
  std::uint64_t epochOf(const std::string& partition) {
    return getJson("/v1/partitions/" + partition)["epoch"].get<std::uint64_t>();
  }
  // Expects this refusal and gives its body.
  static Json refused(const HttpAnswer& answer, long status, const std::string& kind) {
    EXPECT_EQ(answer.status, status) << answer.body;
    const Json body = Json::parse(answer.body, nullptr, false);
    EXPECT_TRUE(body.is_object()) << answer.body;
    if (!body.is_object()) return Json::object();
    EXPECT_EQ(body.value("error", ""), kind);
    EXPECT_FALSE(body.value("reason", "").empty());
    return body;
  }
  static std::vector<Json> lines(const std::string& text) {
    std::vector<Json> out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      out.push_back(Json::parse(text.substr(at, end - at)));
      at = end + 1;
    }
    return out;
  }

  test::FakeClock clock_;
  EventLoop loop_;
  std::shared_ptr<const partition::GeoSources> sources_ = makeSources();
  ServingView view_;
  std::vector<std::string> missing_;
  test::TempDir zone_files_;
  std::optional<dns::ZoneService> zones_;
  dns::KeyService* keys_ = nullptr;  // set before SetUp()
  FakeMetrics metrics_;
  partition::LinkBook link_book_;
  partition::FeedIntake drc_{link_book_};
  std::optional<partition::LinkHistory> link_history_;
  partition::OutboundHooks* hooks_ = nullptr;  // set before SetUp()
  std::unique_ptr<partition::MapService> map_;
  test::ScriptedHooks scripted_hooks_;
  test::ScriptedLinks links_;
  std::optional<partition::HoldBook> holds_;
  partition::LoadBook load_book_;
  partition::ClockedLoad load_{load_book_, clock_};
  std::unique_ptr<partition::ChangeEngine> changes_;
  std::unique_ptr<partition::BalanceService> balancer_;
  partition::ConsumerBook consumers_;
  partition::ArrivalBook arrivals_;
  std::shared_ptr<test::MemoryDisk> health_disk_ = std::make_shared<test::MemoryDisk>();
  std::unique_ptr<partition::HealthService> health_;
  partition::HaConfig ha_config_;  // set before SetUp()
  std::shared_ptr<test::MemoryDisk> ha_disk_ = std::make_shared<test::MemoryDisk>();
  std::unique_ptr<partition::HaService> ha_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpUser> user_;
  std::thread thread_;
};

}  // namespace meridian::admin
