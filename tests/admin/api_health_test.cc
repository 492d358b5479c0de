// Health over REST: what is known, overrides, pushed reports, metrics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

class ApiHealthTest : public ApiTest {
 protected:
  HttpAnswer override(const Json& body) { return post("/v1/health/overrides", body.dump()); }
  HttpAnswer report(const std::string& check, const std::string& state) {
    return post("/v1/health/reports",
                Json({{"check", check}, {"state", state}, {"reason", "told"}}).dump());
  }
  std::string healthOfSite(std::size_t index) {
    const Json sites = getJson("/v1/health")["sites"];
    const std::string health = sites[index]["health"];
    EXPECT_EQ(getJson("/v1/datacenters")["datacenters"][index]["health"], health)
        << "both routes say the same";
    return health;
  }
};

TEST_F(ApiHealthTest, ShowsSitesAndChecks) {
  const Json body = getJson("/v1/health");
  EXPECT_EQ(body["blind"], false);
  ASSERT_EQ(body["sites"].size(), 3U);
  EXPECT_EQ(body["sites"][0]["datacenter"], "dal");
  EXPECT_EQ(body["sites"][0]["health"], "UNKNOWN");
  EXPECT_EQ(body["sites"][1]["health"], "UP") << "its only check is not critical";
  EXPECT_EQ(body["sites"][2]["watched"], false);
  ASSERT_EQ(body["checks"].size(), 2U);
  EXPECT_EQ(body["checks"][0]["id"], "dal-db");
  EXPECT_EQ(body["checks"][0]["kind"], "pushed");
  EXPECT_EQ(body["checks"][0]["last"], nullptr);
  EXPECT_EQ(body["checks"][0]["since"], nullptr);
  EXPECT_EQ(body["checks"][1]["datacenter"], "iad") << "by its eZone";
  EXPECT_EQ(body["overrides"].size(), 0U);
}

TEST_F(ApiHealthTest, AReportIsSeenAtOnce) {
  const HttpAnswer taken = report("dal-db", "down");
  ASSERT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(Json::parse(taken.body)["state"], "DOWN");
  EXPECT_EQ(healthOfSite(0), "DOWN");
  const Json check = getJson("/v1/health")["checks"][0];
  EXPECT_EQ(check["state"], "DOWN");
  EXPECT_EQ(check["stasis"], "none");
  EXPECT_EQ(check["failures"], 1);
  EXPECT_EQ(check["last"]["outcome"], "down");
  EXPECT_EQ(check["last"]["reason"], "told");
  EXPECT_EQ(check["since"], check["last"]["at"]);
  onLoop([this] { clock_.advance(std::chrono::seconds(16)); });
  EXPECT_EQ(getJson("/v1/health")["checks"][0]["stasis"], "silent");
  EXPECT_EQ(getJson("/v1/health")["sites"][0]["stasis"], true);
}

TEST_F(ApiHealthTest, ReportsAreChecked) {
  refused(report("nowhere", "up"), 404, "not_found");
  EXPECT_EQ(refused(report("iad-web", "up"), 422, "refused")["rule"], "not-pushed");
  refused(report("dal-db", "sideways"), 400, "invalid");
  refused(post("/v1/health/reports", R"({"check": "dal-db", "state": "up"})", "viewer"), 403,
          "forbidden");
}

TEST_F(ApiHealthTest, AnOverrideIsCountedServedAndRemoved) {
  const HttpAnswer added = override(
      {{"glob", "*/dal*"}, {"state", "degraded"}, {"reason", "rack move"}, {"expires_in_s", 60}});
  ASSERT_EQ(added.status, 200) << added.body;
  const Json entry = Json::parse(added.body);
  EXPECT_EQ(entry["matches"]["datacenters"], 1);
  EXPECT_EQ(entry["matches"]["checks"], 1);
  EXPECT_EQ(entry["author"], "operator");
  EXPECT_EQ(entry["created"], "2026-05-01T12:00:00.000Z");
  EXPECT_EQ(entry["expires"], "2026-05-01T12:01:00.000Z");
  EXPECT_EQ(healthOfSite(0), "DEGRADED");
  const Json body = getJson("/v1/health");
  EXPECT_EQ(body["overrides"], Json::array({entry}));
  EXPECT_EQ(body["sites"][0]["override"], entry["id"]);
  EXPECT_EQ(body["checks"][0]["override"], entry["id"]);
  const std::string path = "/v1/health/overrides/" + entry["id"].dump();
  const HttpAnswer removed = user_->call({.method = "DELETE", .target = path, .token = "operator"});
  EXPECT_EQ(removed.status, 200) << removed.body;
  EXPECT_EQ(healthOfSite(0), "UNKNOWN");
  refused(user_->call({.method = "DELETE", .target = path, .token = "operator"}), 404, "not_found");
  refused(
      user_->call({.method = "DELETE", .target = "/v1/health/overrides/one", .token = "operator"}),
      404, "not_found");
}

TEST_F(ApiHealthTest, OverridesAreChecked) {
  const Json good = {{"glob", "datacenter/dal"}, {"state", "DOWN"}, {"reason", "test"}};
  const auto with = [&](const char* key, const Json& value) {
    Json body = good;
    body[key] = value;
    return override(body);
  };
  EXPECT_EQ(refused(with("glob", "datacenter/fr"), 422, "refused")["rule"], "matches-nothing");
  refused(with("glob", ""), 400, "invalid");
  refused(with("state", "sick"), 400, "invalid");
  refused(with("reason", ""), 400, "invalid");
  refused(with("expires_in_s", 0), 400, "invalid");
  refused(with("expires_in_s", 72 * 3600 + 1), 400, "invalid");
  refused(with("author", "me"), 400, "invalid");
  refused(post("/v1/health/overrides", good.dump(), "viewer"), 403, "forbidden");
  EXPECT_EQ(getJson("/v1/health")["overrides"].size(), 0U);
  const Json entry = Json::parse(override(good).body);
  EXPECT_EQ(entry["expires"], "2026-05-01T16:00:00.000Z") << "four hours, when nothing is said";
}

TEST_F(ApiHealthTest, MetricsTellStates) {
  report("dal-db", "down");
  const std::string text = get("/metrics").body;
  for (const char* line : {R"(meridian_health_site_state{datacenter="dal",state="DOWN"} 1)",
                           R"(meridian_health_site_state{datacenter="dal",state="UP"} 0)",
                           R"(meridian_health_check_state{check="iad-web",state="UNKNOWN"} 1)",
                           R"(meridian_health_results_total{check="dal-db",outcome="down"} 1)",
                           "meridian_health_blind 0", "meridian_health_overrides 0"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace meridian::admin
