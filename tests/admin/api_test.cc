// Every route over loopback HTTP, against a real MapService on a store in memory.
#include "admin/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "admin/http_server.h"
#include "base/digest.h"
#include "partition/map_service.h"
#include "tests/admin/http_client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using test::HttpAnswer;
using test::HttpCall;
using test::HttpUser;
using testing::HasSubstr;

constexpr std::string_view kTopology = R"({
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

std::string changed(std::string_view from, std::string_view to) {
  std::string text(kTopology);
  text.replace(text.find(from), from.size(), to);
  return text;
}

// DNS zones that can be told to be broken.
class FakeZones final : public ZoneAdmin {
 public:
  std::vector<DnsZoneInfo> list() const override {
    return {{"shop.example.", "zones/shop.example.zone", 7, 12, WallTime{}}};
  }
  Checked<std::vector<DnsZoneInfo>> reload() override {
    if (!broken) return list();
    Diagnostics problems;
    problems.add({"zones/shop.example.zone", 7, 0}, "", "A 192.0.2", "is no IPv4 address");
    return tl::unexpected(problems);
  }
  bool broken = false;
};

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
    auto store = std::make_shared<test::MemoryStore>(std::make_shared<test::MemoryDisk>(),
                                                     partition::Journal::families());
    auto map = partition::MapService::open(
        std::move(store), clock_, std::make_shared<const partition::Topology>(std::move(*topology)),
        [this](const partition::MapSnapshot& next) { return prepare(next); });
    ASSERT_TRUE(map) << map.error().error.message;
    map_ = std::move(*map);
    startServer();
  }
  void TearDown() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void startServer() {
    Json rows = Json::array();
    for (const char* role : {"viewer", "operator", "admin"}) {
      rows.push_back({{"name", role}, {"role", role}, {"sha256", hex(sha256(role))}});
    }
    auto tokens = Authenticator::parse(Json({{"format", 1}, {"tokens", rows}}).dump(), "test");
    ASSERT_TRUE(tokens) << tokens.error().text();
    api_ = std::make_unique<Api>(Context{loop_, clock_, *map_, zones_, metrics_,
                                         [this] { return view_; }, [this] { return missing_; }},
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
  FakeZones zones_;
  FakeMetrics metrics_;
  std::unique_ptr<partition::MapService> map_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpUser> user_;
  std::thread thread_;
};

TEST_F(ApiTest, LivenessAndReadinessNeedNoToken) {
  EXPECT_EQ(get("/livez", "").status, 200);
  const HttpAnswer ready = get("/readyz", "");
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(Json::parse(ready.body)["rev"], 1);
}

TEST_F(ApiTest, ReadinessNamesWhatIsMissing) {
  onLoop([this] { missing_ = {"dns udp 127.0.0.1:5300"}; });
  const Json body = refused(get("/readyz", ""), 503, "unavailable");
  EXPECT_EQ(body["missing"], Json::array({"dns udp 127.0.0.1:5300"}));
}

TEST_F(ApiTest, MetricsShowTheSourceAndRefusedTokens) {
  refused(get("/v1/table", "guess"), 401, "unauthorized");
  refused(post("/v1/zones/reload", "", "viewer"), 403, "forbidden");
  const HttpAnswer metrics = get("/metrics");
  EXPECT_THAT(metrics.headers.at("content-type"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(metrics.body, HasSubstr("meridian_dns_queries_total{worker=\"0\"} 41"));
  EXPECT_THAT(metrics.body, HasSubstr("# TYPE meridian_dns_queries_total counter"));
  EXPECT_THAT(metrics.body, HasSubstr("meridian_admin_unauthorized_total 1"));
  EXPECT_THAT(metrics.body, HasSubstr("meridian_admin_forbidden_total 1"));
  EXPECT_THAT(metrics.body, HasSubstr("meridian_admin_replies_total{status=\"401\"} 1"));
  EXPECT_THAT(metrics.body, HasSubstr("meridian_table_rev 1"));
}

TEST_F(ApiTest, EveryRouteNeedsItsRole) {
  const std::vector<HttpCall> calls = {
      {.target = "/metrics"},
      {.target = "/v1/topology"},
      {.method = "PUT", .target = "/v1/topology?reason=x", .body = "{}"},
      {.target = "/v1/datacenters"},
      {.target = "/v1/partitions"},
      {.target = "/v1/partitions/us-tx"},
      {.method = "POST", .target = "/v1/partitions/us-tx/remap", .body = "{}"},
      {.target = "/v1/explain?name=order.shop.example"},
      {.target = "/v1/resolve?service=order.shop.example"},
      {.target = "/v1/table"},
      {.target = "/v1/versions"},
      {.target = "/v1/versions/1"},
      {.target = "/v1/versions/diff?from=1&to=1"},
      {.method = "POST", .target = "/v1/versions/1/rollback", .body = "{}"},
      {.target = "/v1/zones"},
      {.method = "POST", .target = "/v1/zones/reload"}};
  for (HttpCall call : calls) {
    const HttpAnswer none = user_->call(call);
    refused(none, 401, "unauthorized");
    EXPECT_EQ(none.headers.count("www-authenticate"), 1U) << call.target;
    call.token = "viewer";
    const long as_viewer = user_->call(call).status;
    if (call.method == "GET") {
      EXPECT_NE(as_viewer, 403) << call.target;
    } else {
      EXPECT_EQ(as_viewer, 403) << call.target;
    }
  }
  refused(put("/v1/topology?reason=x", std::string(kTopology), "operator"), 403, "forbidden");
  EXPECT_EQ(getJson("/v1/table")["rev"], 1) << "refused calls must change nothing";
}

TEST_F(ApiTest, UnknownPathsAndMethods) {
  refused(get("/v2/table"), 404, "not_found");
  const HttpAnswer answer = user_->call({.method = "DELETE", .target = "/v1/topology"});
  refused(answer, 405, "method_not_allowed");
  EXPECT_EQ(answer.headers.at("allow"), "GET, PUT");
  refused(user_->call({.method = "PATCH", .target = "/v1/table"}), 405, "method_not_allowed");
  const HttpAnswer head = user_->call({.method = "HEAD", .target = "/v1/table"});
  EXPECT_EQ(head.status, 405);
  EXPECT_EQ(head.body, "");
}

TEST_F(ApiTest, AssignmentsCanBeListedAndFiltered) {
  const Json all = getJson("/v1/partitions");
  ASSERT_EQ(all["partitions"].size(), 2U);
  EXPECT_EQ(all["partitions"][0]["partition"], "us-tx");
  EXPECT_EQ(all["partitions"][0]["dc"], "dal");
  EXPECT_EQ(all["partitions"][0]["prev_ezone"], nullptr);
  EXPECT_EQ(getJson("/v1/partitions?ezone=iad")["partitions"].size(), 1U);
  EXPECT_EQ(getJson("/v1/partitions?zone=order&ezone=fra")["partitions"].size(), 0U);
  refused(get("/v1/partitions?zone=nowhere"), 404, "not_found");
  refused(get("/v1/partitions?ezone=nowhere"), 404, "not_found");
  refused(get("/v1/partitions?colour=red"), 400, "invalid");
  refused(get("/v1/partitions/nowhere"), 404, "not_found");
  refused(get("/v1/partitions/account"), 404, "not_found");
}

TEST_F(ApiTest, ARemapIsServedWhenItReturns) {
  const std::uint64_t epoch = epochOf("us-tx");
  onLoop([this] { clock_.advance(std::chrono::milliseconds(5)); });
  const HttpAnswer answer = remap("us-tx", "iad", epoch);
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json done = Json::parse(answer.body);
  EXPECT_EQ(done["rev"], 2);
  EXPECT_EQ(done["from"], "dal");
  EXPECT_EQ(done["to"], "iad");
  EXPECT_EQ(done["epoch_old"], epoch);
  EXPECT_GT(done["epoch_new"].get<std::uint64_t>(), epoch);
  EXPECT_EQ(done["epoch_new"].get<std::uint64_t>() % 64, 1U) << "the epoch names iad's slot";
  EXPECT_TRUE(done["applied"]);
  const Json now = getJson("/v1/partitions/us-tx");
  EXPECT_EQ(now["ezone"], "iad");
  EXPECT_EQ(now["prev_ezone"], "dal");
  EXPECT_EQ(now["actor"], "operator");
  EXPECT_EQ(now["reason"], "test");
  EXPECT_EQ(now["since"], "2026-05-01T12:00:00.005Z");
}

TEST_F(ApiTest, ADryRunChangesNothing) {
  const std::uint64_t epoch = epochOf("us-tx");
  const Json plan = Json::parse(remap("us-tx", "iad", epoch, true).body);
  EXPECT_FALSE(plan["applied"]);
  EXPECT_EQ(plan["rev"], 2);
  EXPECT_EQ(epochOf("us-tx"), epoch);
  EXPECT_EQ(getJson("/v1/table")["rev"], 1);
}

TEST_F(ApiTest, AStaleEpochGets409AndTheCurrentOne) {
  const std::uint64_t old = epochOf("us-tx");
  ASSERT_EQ(remap("us-tx", "iad", old).status, 200);
  const Json body = refused(remap("us-tx", "dal", old), 409, "conflict");
  EXPECT_EQ(body["current_epoch"], epochOf("us-tx"));
  EXPECT_EQ(getJson("/v1/partitions/us-tx")["ezone"], "iad");
}

TEST_F(ApiTest, ARemapThatARuleForbidsGets422AndTheRule) {
  const std::uint64_t epoch = epochOf("us-tx");
  EXPECT_EQ(refused(remap("us-tx", "fra", epoch), 422, "refused")["rule"], "site-not-in-service");
  EXPECT_EQ(refused(remap("us-tx", "mars", epoch), 422, "refused")["rule"], "unknown-ezone");
  EXPECT_EQ(refused(remap("account", "dal", 1), 422, "refused")["rule"], "global-zone");
  refused(remap("nowhere", "dal", 1), 404, "not_found");
  EXPECT_EQ(getJson("/v1/table")["rev"], 1);
}

TEST_F(ApiTest, ABadRemapBodySaysEveryErrorAndWhere) {
  const Json body =
      refused(post("/v1/partitions/us-tx/remap",
                   "{\"to\": 5,\n \"expected_epoch\": -1,\n \"reason\": \"\", \"dryrun\": true}"),
              400, "invalid");
  std::map<std::string, Json> by_field;
  for (const Json& each : body["errors"]) by_field[each["field"]] = each;
  ASSERT_EQ(by_field.size(), 4U) << body;
  EXPECT_EQ(by_field["to"]["line"], 1);
  EXPECT_EQ(by_field["expected_epoch"]["line"], 2);
  EXPECT_EQ(by_field["expected_epoch"]["value"], "-1");
  EXPECT_EQ(by_field["reason"]["line"], 3);
  EXPECT_THAT(by_field["dryrun"]["reason"].get<std::string>(), HasSubstr("dry_run"));
  for (const char* bad : {"", "{", "[]", "null", "{\"to\": \"a\", \"to\": \"b\"}", "\xff\xfe"}) {
    refused(post("/v1/partitions/us-tx/remap", bad), 400, "invalid");
  }
  EXPECT_EQ(getJson("/v1/table")["rev"], 1);
}

TEST_F(ApiTest, ABodyOverTheLimitIsRefusedBeforeItIsRead) {
  const HttpAnswer answer = put("/v1/topology?reason=x", std::string(std::size_t{2} << 20, ' '));
  refused(answer, 413, "too_large");
}

TEST_F(ApiTest, TheTopologyComesBackAsItWasPut) {
  const Json body = getJson("/v1/topology");
  EXPECT_EQ(body["rev"], 1);
  EXPECT_EQ(body["topology_rev"], 1);
  EXPECT_EQ(body["topology"], Json::parse(kTopology));
}

TEST_F(ApiTest, ATopologyIsCheckedThenPut) {
  const std::string next = changed("\"lat\": 32.78", "\"lat\": 32.8");
  const Json plan =
      Json::parse(put("/v1/topology?reason=move%20it&dry_run=1&expected_rev=1", next).body);
  EXPECT_EQ(plan["applied"], false);
  EXPECT_EQ(plan["diff"]["changed"], Json::array({"datacenter dal"}));
  EXPECT_EQ(getJson("/v1/topology")["rev"], 1);
  const Json done = Json::parse(put("/v1/topology?reason=move%20it&expected_rev=1", next).body);
  EXPECT_EQ(done["applied"], true);
  EXPECT_EQ(done["rev"], 2);
  EXPECT_EQ(getJson("/v1/datacenters")["datacenters"][0]["lat"], 32.8);
  const Json record = getJson("/v1/versions/2");
  EXPECT_EQ(record["reason"], "move it");
  EXPECT_EQ(record["topology_changed"], true);
}

TEST_F(ApiTest, ABadTopologyChangesNothing) {
  const Json unknown =
      refused(put("/v1/topology?reason=x", changed("\"home\": \"dal\"", "\"home\": \"mars\"")), 400,
              "invalid");
  EXPECT_EQ(unknown["errors"][0]["file"], "request");
  EXPECT_EQ(unknown["errors"][0]["field"], "zones[0].partitions[0].home");
  EXPECT_EQ(unknown["errors"][0]["value"], "mars");
  EXPECT_EQ(unknown["errors"][0]["line"], 11);
  refused(put("/v1/topology?reason=x", "{"), 400, "invalid");
  refused(put("/v1/topology", std::string(kTopology)), 400, "invalid");
  refused(put("/v1/topology?reason=x&dry_run=yes", std::string(kTopology)), 400, "invalid");
  const Json stale = refused(put("/v1/topology?reason=x&expected_rev=9", changed("32.78", "32.8")),
                             409, "conflict");
  EXPECT_EQ(stale["current_rev"], 1);
  EXPECT_EQ(getJson("/v1/topology")["topology"], Json::parse(kTopology));
}

TEST_F(ApiTest, DatacentersShowStateHealthAndEZones) {
  const Json list = getJson("/v1/datacenters")["datacenters"];
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[2]["id"], "fra");
  EXPECT_EQ(list[2]["admin_state"], "DRAINING");
  EXPECT_EQ(list[2]["health"], "UP");
  EXPECT_EQ(list[2]["capacity_units"], nullptr);
  EXPECT_EQ(list[2]["ezones"], Json::parse(R"([{"id": "fra", "slot": 2}])"));
}

TEST_F(ApiTest, TheTableHasAHashThatAnybodyCanCheck) {
  const Json table = getJson("/v1/table");
  EXPECT_EQ(table["rev"], 1);
  ASSERT_EQ(table["assignments"].size(), 3U);
  EXPECT_EQ(table["assignments"][2]["global_zone"], "account");
  EXPECT_EQ(table["sha256"], hex(sha256(table["assignments"].dump())));
}

TEST_F(ApiTest, AnUnchangedTableIsNotSentTwice) {
  const HttpAnswer first = get("/v1/table");
  const std::string tag = first.headers.at("etag");
  const HttpCall again{.target = "/v1/table", .token = "viewer", .header = "If-None-Match: " + tag};
  const HttpAnswer unchanged = user_->call(again);
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.body, "");
  EXPECT_EQ(unchanged.headers.at("etag"), tag);
  ASSERT_EQ(remap("us-tx", "iad", epochOf("us-tx")).status, 200);
  const HttpAnswer changed_table = user_->call(again);
  EXPECT_EQ(changed_table.status, 200);
  EXPECT_NE(changed_table.headers.at("etag"), tag);
}

TEST_F(ApiTest, ADeltaHasEverySubjectThatChanged) {
  ASSERT_EQ(remap("us-tx", "iad", epochOf("us-tx")).status, 200);
  ASSERT_EQ(remap("us-tx", "dal", epochOf("us-tx")).status, 200);
  const HttpAnswer answer = get("/v1/table?since=1");
  EXPECT_EQ(answer.headers.at("content-type"), "application/x-ndjson");
  const std::vector<Json> delta = lines(answer.body);
  ASSERT_EQ(delta.size(), 2U) << "us-tx is where it was, but with another epoch";
  EXPECT_EQ(delta[0]["rev"], 3);
  EXPECT_EQ(delta[0]["since"], 1);
  EXPECT_EQ(delta[0]["changes"], 1);
  EXPECT_EQ(delta[0]["sha256"], getJson("/v1/table")["sha256"]);
  EXPECT_EQ(delta[1], getJson("/v1/partitions/us-tx"));
  EXPECT_EQ(lines(get("/v1/table?since=3").body).size(), 1U);
}

TEST_F(ApiTest, ADeltaAcrossATopologyChangeIsASnapshot) {
  ASSERT_EQ(put("/v1/topology?reason=x", changed("32.78", "32.8")).status, 200);
  EXPECT_EQ(getJson("/v1/table?since=1")["assignments"].size(), 3U);
  EXPECT_EQ(getJson("/v1/table?since=0")["assignments"].size(), 3U);
  const Json future = refused(get("/v1/table?since=99"), 409, "conflict");
  EXPECT_EQ(future["current_rev"], 2);
  refused(get("/v1/table?since=1&wait=31"), 400, "invalid");
  refused(get("/v1/table?wait=1"), 400, "invalid");
}

TEST_F(ApiTest, ALongPollWakesWithTheNextCommit) {
  auto poll = std::async(std::launch::async, [this] {
    return HttpUser(server_->bound().port)
        .call({.target = "/v1/table?since=1&wait=30", .token = "viewer"});
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(poll.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  ASSERT_EQ(remap("us-tx", "iad", epochOf("us-tx")).status, 200);
  const std::vector<Json> delta = lines(poll.get().body);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(25));
  ASSERT_EQ(delta.size(), 2U);
  EXPECT_EQ(delta[0]["rev"], 2);
  EXPECT_EQ(delta[1]["partition"], "us-tx");
}

TEST_F(ApiTest, ALongPollEndsWhenItsTimeIsUp) {
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<Json> delta = lines(get("/v1/table?since=1&wait=1").body);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(990));
  ASSERT_EQ(delta.size(), 1U);
  EXPECT_EQ(delta[0]["rev"], 1);
  EXPECT_EQ(delta[0]["changes"], 0);
}

TEST_F(ApiTest, LongPollsOfClientsThatLeftHarmNothing) {
  for (int i = 0; i < 20; ++i) {
    test::RawClient client(server_->bound().port);
    ASSERT_TRUE(
        client.send("GET /v1/table?since=1&wait=30 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                    "viewer\r\n\r\n"));
    if (i % 2 == 0) client.finishSending();
  }
  ASSERT_EQ(remap("us-tx", "iad", epochOf("us-tx")).status, 200);
  EXPECT_EQ(getJson("/v1/table")["rev"], 2);
}

TEST_F(ApiTest, AClientThatOnlyHalfClosedStillGetsItsReply) {
  test::RawClient client(server_->bound().port);
  ASSERT_TRUE(client.send(
      "GET /v1/table?since=1&wait=30 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer viewer\r\n\r\n"));
  client.finishSending();
  EXPECT_THAT(client.receive(), HasSubstr("\"changes\":0"));
}

TEST_F(ApiTest, VersionsAreListedNewestFirst) {
  ASSERT_EQ(remap("us-tx", "iad", epochOf("us-tx")).status, 200);
  const Json list = getJson("/v1/versions");
  EXPECT_EQ(list["rev"], 2);
  ASSERT_EQ(list["versions"].size(), 2U);
  EXPECT_EQ(list["versions"][0]["kind"], "remap");
  EXPECT_EQ(list["versions"][0]["actor"], "operator");
  EXPECT_EQ(list["versions"][0]["moves"][0]["to"], "iad");
  EXPECT_EQ(list["versions"][1]["kind"], "import");
  EXPECT_EQ(getJson("/v1/versions?limit=1")["versions"].size(), 1U);
  EXPECT_EQ(getJson("/v1/versions?before=2")["versions"][0]["rev"], 1);
  refused(get("/v1/versions?limit=0"), 400, "invalid");
  refused(get("/v1/versions/3"), 404, "not_found");
  refused(get("/v1/versions/first"), 404, "not_found");
}

TEST_F(ApiTest, DifferencesGoBothWays) {
  ASSERT_EQ(remap("us-tx", "iad", epochOf("us-tx")).status, 200);
  const Json forth = getJson("/v1/versions/diff?from=1&to=2")["differences"];
  ASSERT_EQ(forth.size(), 1U);
  EXPECT_EQ(forth[0]["from"], "dal");
  EXPECT_EQ(forth[0]["to"], "iad");
  EXPECT_EQ(getJson("/v1/versions/diff?from=2&to=1")["differences"][0]["to"], "dal");
  refused(get("/v1/versions/diff?from=1"), 400, "invalid");
  refused(get("/v1/versions/diff?from=1&to=77"), 404, "not_found");
}

TEST_F(ApiTest, ARollbackIsANewCommitWithRisingEpochs) {
  ASSERT_EQ(remap("us-tx", "iad", epochOf("us-tx")).status, 200);
  const std::uint64_t moved = epochOf("us-tx");
  const std::string body = R"({"expected_rev": 2, "reason": "wrong one"})";
  const Json done = Json::parse(post("/v1/versions/1/rollback", body).body);
  EXPECT_EQ(done["rev"], 3);
  EXPECT_EQ(done["applied"], true);
  EXPECT_EQ(done["moves"][0]["to"], "dal");
  EXPECT_EQ(done["left"], Json::array());
  EXPECT_GT(epochOf("us-tx"), moved);
  EXPECT_EQ(getJson("/v1/versions/3")["rolled_back_to"], 1);
  const Json stale = refused(post("/v1/versions/1/rollback", body), 409, "conflict");
  EXPECT_EQ(stale["current_rev"], 3);
  refused(post("/v1/versions/1/rollback", R"({"reason": ""})"), 400, "invalid");
  refused(post("/v1/versions/99/rollback", R"({"reason": "x"})"), 404, "not_found");
}

TEST_F(ApiTest, ZonesAreListedAndReloadedAllOrNothing) {
  const Json list = getJson("/v1/zones")["zones"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["name"], "shop.example.");
  EXPECT_EQ(list[0]["serial"], 7);
  EXPECT_EQ(post("/v1/zones/reload", "").status, 200);
  onLoop([this] { zones_.broken = true; });
  const Json body = refused(post("/v1/zones/reload", ""), 422, "refused");
  EXPECT_EQ(body["errors"][0]["file"], "zones/shop.example.zone");
  EXPECT_EQ(body["errors"][0]["line"], 7);
}

TEST_F(ApiTest, ExplainTellsEveryStep) {
  const Json by_override = getJson("/v1/explain?name=order.shop.example&client=192.0.2.77&type=A");
  EXPECT_EQ(by_override["partition"], "us-tx");
  EXPECT_EQ(by_override["placed_by"], "override");
  EXPECT_EQ(by_override["network"], "192.0.2.0/24");
  EXPECT_THAT(by_override["source"].get<std::string>(), HasSubstr("networks.txt:1"));
  EXPECT_EQ(by_override["ezone"], "dal");
  EXPECT_EQ(by_override["records"], Json::array({"A 192.0.2.1"}));
  EXPECT_EQ(by_override["candidates"].size(), 3U);
  const Json by_subnet = getJson(
      "/v1/explain?name=_explain.ORDER.shop.example.&client=192.0.2.77&subnet=198.51.100.0/24");
  EXPECT_EQ(by_subnet["partition"], "rest");
  EXPECT_EQ(by_subnet["placed_by"], "anchor");
  EXPECT_EQ(by_subnet["location"]["country"], "DE");
  refused(get("/v1/explain?name=order.shop.example"), 400, "invalid");
  refused(get("/v1/explain?name=order.shop.example&client=300.1.1.1"), 400, "invalid");
  refused(get("/v1/explain?name=nobody.example&client=192.0.2.1"), 404, "not_found");
  refused(get("/v1/explain?client=192.0.2.1"), 400, "invalid");
}

TEST_F(ApiTest, ExplainKnowsTheNamesBelowAService) {
  const auto partition = [this](const std::string& front) {
    return getJson("/v1/explain?name=" + front + ".order.shop.example")["partition"];
  };
  EXPECT_EQ(partition("sus-tx.shard"), "us-tx");
  EXPECT_EQ(partition("9v6.g"), "us-tx") << "a cell in Texas";
  EXPECT_EQ(partition("alamo.poi"), "us-tx");
  EXPECT_EQ(partition("mainz.city"), "us-tx") << "the catalogue's own partition";
  EXPECT_EQ(getJson("/v1/explain?name=user-1.key.order.shop.example")["placed_by"], "key-hash");
  const Json unknown = getJson("/v1/explain?name=atlantis.city.order.shop.example");
  EXPECT_EQ(unknown["known"], false);
  EXPECT_EQ(unknown["partition"], "rest");
  refused(get("/v1/explain?name=smars.shard.order.shop.example"), 404, "not_found");
  refused(get("/v1/explain?name=mail.order.shop.example"), 400, "invalid");
  refused(get("/v1/explain?name=rw.order.shop.example"), 400, "invalid");
  EXPECT_EQ(getJson("/v1/explain?name=rw.account.shop.example")["ezone"], "iad");
  EXPECT_EQ(getJson("/v1/explain?name=ro.account.shop.example&client=192.0.2.1")["kind"], "global");
}

TEST_F(ApiTest, ResolveIsTheLocatorForHttpClients) {
  const Json by_client = getJson("/v1/resolve?service=order.shop.example&client=192.0.2.1");
  EXPECT_EQ(by_client["partition"], "us-tx");
  EXPECT_EQ(by_client["ezone"], "dal");
  EXPECT_EQ(by_client["dc"], "dal");
  EXPECT_EQ(by_client["ttl"], 60);
  EXPECT_EQ(by_client["records"], Json::array({"A 192.0.2.1", "AAAA 2001:db8::1"}));
  EXPECT_EQ(by_client["shard_name"], "sus-tx.shard.order.shop.example");
  const auto partition = [this](const std::string& place) {
    return getJson("/v1/resolve?service=order.shop.example&" + place)["partition"];
  };
  EXPECT_EQ(partition("lat=31&lon=-99"), "us-tx");
  EXPECT_EQ(partition("lat=50.1&lon=8.5"), "rest");
  EXPECT_EQ(partition("geohash=9V6"), "us-tx");
  EXPECT_EQ(partition("poi=Alamo"), "us-tx");
  EXPECT_EQ(partition("city=mainz"), "us-tx");
  EXPECT_EQ(partition("key=42"), partition("key=42"));
  const Json unknown = getJson("/v1/resolve?service=order.shop.example&geohash=ail");
  EXPECT_EQ(unknown["known"], false);
  EXPECT_EQ(unknown["ttl"], 9);
  EXPECT_EQ(getJson("/v1/resolve?service=account.shop.example")["ezone"], "iad");
  EXPECT_EQ(getJson("/v1/resolve?service=account.shop.example&access=ro&lat=32&lon=-97")["ezone"],
            "dal");
  EXPECT_EQ(getJson("/v1/resolve?service=www.shop.example&lat=39&lon=-77")["ezone"], "iad");
}

TEST_F(ApiTest, ResolveRefusesWhatMakesNoSense) {
  const std::string service = "/v1/resolve?service=order.shop.example";
  for (const char* place : {"", "&lat=1", "&lat=91&lon=0", "&lat=nan&lon=0", "&lat=1x&lon=0",
                            "&lat=1&lon=1e999", "&client=1.2.3", "&key=1&poi=2", "&access=wr"}) {
    refused(get(service + place), 400, "invalid");
  }
  refused(get("/v1/resolve?service=www.shop.example&key=1"), 400, "invalid");
  refused(get("/v1/resolve?service=sus-tx.shard.order.shop.example"), 400, "invalid");
  refused(get("/v1/resolve?key=1"), 400, "invalid");
  refused(get("/v1/resolve?service=nobody.example&key=1"), 404, "not_found");
}

TEST_F(ApiTest, ARemapMovesWhatResolveAnswers) {
  const std::string where = "/v1/resolve?service=order.shop.example&client=192.0.2.1";
  ASSERT_EQ(getJson(where)["ezone"], "dal");
  ASSERT_EQ(remap("us-tx", "iad", epochOf("us-tx")).status, 200);
  const Json now = getJson(where);
  EXPECT_EQ(now["ezone"], "iad");
  EXPECT_EQ(now["epoch"], epochOf("us-tx"));
  EXPECT_EQ(now["rev"], 2);
}

}  // namespace
}  // namespace meridian::admin
