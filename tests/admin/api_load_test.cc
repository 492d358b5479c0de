// Load in, load and the balancer's word out.
#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

class ApiLoadTest : public ApiTest {
 protected:
  std::string report(const std::string& ezone, double units, const Json& more = Json::object()) {
    Json out = {{"ezone", ezone}, {"units", units}, {"ts", unixMillis(clock_.wallNow())}};
    out.update(more);
    return out.dump();
  }
  // The reply to reports that are taken.
  Json say(const std::string& body, const std::string& token = "agent") {
    const HttpAnswer answer = post("/v1/load", body, token);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::parse(answer.body);
  }
  Json ezone(const std::string& id) {
    const Json reply = getJson("/v1/load");
    for (const Json& row : reply["ezones"]) {
      if (row["ezone"] == id) return row;
    }
    ADD_FAILURE() << id << " is not shown";
    return {};
  }
  bool measures(const std::string& line) {
    return get("/metrics").body.find("\n" + line + "\n") != std::string::npos;
  }
};

TEST_F(ApiLoadTest, WhatIsReportedIsShown) {
  EXPECT_EQ(getJson("/v1/load")["reported"], false);
  EXPECT_EQ(ezone("dal")["utilisation"], nullptr);
  EXPECT_EQ(say(report("dal", 40, {{"capacity_units", 80}}))["accepted"], 1);
  const Json row = ezone("dal");
  EXPECT_EQ(row["units"], 40);
  EXPECT_EQ(row["ewma_units"], 40);
  EXPECT_EQ(row["utilisation"], 0.5);
  EXPECT_EQ(row["spill"], 0);
  EXPECT_EQ(row["capacity_from"], "report");
  EXPECT_EQ(row["age_ms"], 0);
  EXPECT_EQ(row["fresh"], true);
  EXPECT_TRUE(measures("meridian_load_utilisation{ezone=\"dal\"} 0.5"));
  const Json reply = getJson("/v1/load");
  EXPECT_EQ(reply["partitions"][0]["partition"], "us-tx");
  EXPECT_EQ(reply["partitions"][0]["units"], 40) << "it is all that dal owns";
  EXPECT_EQ(reply["partitions"][0]["measured"], false);
  EXPECT_EQ(reply["partitions"][1]["units"], nullptr);
  onLoop([&] { clock_.advance(std::chrono::seconds(61)); });
  EXPECT_EQ(ezone("dal")["fresh"], false);
  EXPECT_EQ(ezone("dal")["utilisation"], nullptr);
}

TEST_F(ApiLoadTest, ABatchIsTakenLineByLine) {
  const Json reply = say(report("dal", 1) + "\n\n" + report("nowhere", 1) + "\r\n{\n" +
                         report("iad", 3, {{"partition", "rest"}}) + "\n");
  EXPECT_EQ(reply["accepted"], 2);
  EXPECT_EQ(reply["rejected_total"], 2);
  EXPECT_EQ(reply["rejected"][0]["line"], 3);
  EXPECT_EQ(reply["rejected"][0]["reason"], "unknown-ezone");
  EXPECT_EQ(reply["rejected"][1]["reason"], "malformed");
  EXPECT_TRUE(measures("meridian_load_reports_total{outcome=\"unknown-ezone\"} 1"));
  EXPECT_TRUE(measures("meridian_load_reports_total{outcome=\"malformed\"} 1"));
  EXPECT_TRUE(measures("meridian_load_reports_total{outcome=\"accepted\"} 2"));
  EXPECT_EQ(getJson("/v1/load")["partitions"][1]["measured"], true);
  std::string many;
  for (int i = 0; i < 30; ++i) many += "{\n";
  EXPECT_EQ(say(many)["rejected"].size(), 20U);
}

TEST_F(ApiLoadTest, OneReportThatIsRefusedIsAnError) {
  const Json bad = refused(post("/v1/load", report("dal", -1), "agent"), 400, "invalid");
  EXPECT_EQ(bad["errors"][0]["field"], "units");
  refused(post("/v1/load", "{", "agent"), 400, "invalid");
  refused(post("/v1/load", "", "agent"), 400, "invalid");
  EXPECT_EQ(refused(post("/v1/load", report("nowhere", 1), "agent"), 422, "refused")["rule"],
            "unknown-ezone");
  const std::string old = Json({{"ezone", "dal"}, {"units", 1}, {"ts", 1}}).dump();
  EXPECT_EQ(refused(post("/v1/load", old, "agent"), 422, "refused")["rule"], "bad-time");
  EXPECT_EQ(say(Json::parse(report("dal", 7)).dump(2))["accepted"], 1)
      << "an object over several lines is one report";
}

TEST_F(ApiLoadTest, IsForAgentsAndBounded) {
  refused(post("/v1/load", report("dal", 1), "viewer"), 403, "forbidden");
  refused(get("/v1/load", "agent"), 403, "forbidden");
  refused(get("/v1/balancer", "agent"), 403, "forbidden");
  EXPECT_EQ(say(report("dal", 1), "operator")["accepted"], 1);
  EXPECT_EQ(post("/v1/load", std::string((1 << 20) + 1, '\n'), "agent").status, 413);
}

TEST_F(ApiLoadTest, APlannedShiftToAFullSiteIsRefusedUnlessOverridden) {
  say(report("dal", 10, {{"capacity_units", 100}}) + "\n" +
      report("iad", 75, {{"capacity_units", 100}}));
  Json body = {{"subjects", {"us-tx"}}, {"to", "iad"}, {"reason", "test"}};
  const Json reply = refused(post("/v1/changes", body.dump()), 422, "refused");
  EXPECT_EQ(reply["rule"], "S2");
  EXPECT_THAT(reply.dump(), HasSubstr("75.0 % full now, 85.0 % with 1 to come; bound 80.0 %"));
  body["overrides"] = Json::array({{{"rule", "S2"}, {"reason", "it grows tonight"}}});
  EXPECT_EQ(post("/v1/changes", body.dump()).status, 202);
}

TEST_F(ApiLoadTest, TheBalancerSaysWhyItMovesNothing) {
  EXPECT_EQ(getJson("/v1/balancer")["mode"], "advise");
  EXPECT_EQ(getJson("/v1/balancer")["zones"].size(), 0U) << "it has not looked yet";
  onLoop([&] { balancer_->tick(); });
  EXPECT_EQ(getJson("/v1/balancer")["zones"][0]["verdict"], "load-unknown");
  say(report("dal", 10, {{"capacity_units", 100}}) + "\n" +
      report("iad", 60, {{"capacity_units", 100}}));
  onLoop([&] { balancer_->tick(); });
  const Json zone = getJson("/v1/balancer")["zones"][0];
  EXPECT_EQ(zone["zone"], "order");
  EXPECT_EQ(zone["verdict"], "waiting");
  EXPECT_EQ(zone["highest"], 0.6);
  EXPECT_EQ(zone["over_for_s"], 0);
  EXPECT_EQ(getJson("/v1/balancer")["rounds"].size(), 0U);
  EXPECT_TRUE(measures("meridian_balancer_proposals{zone=\"order\"} 0"));
}

}  // namespace
}  // namespace meridian::admin
