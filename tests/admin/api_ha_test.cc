// Events of the high-availability framework over REST: what each answer looks like.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

class HaApiTest : public ApiTest {
 protected:
  HaApiTest() { ha_config_.senders = {"agent"}; }

  // us-tx is at dal, and may go to iad.
  Json event(const std::string& id) const {
    const std::int64_t now = unixMillis(clock_.wallNow());
    return {{"event_id", id},        {"type", "switch.request"},
            {"cluster", "order-3"},  {"scope", "cross_dc"},
            {"subjects", {"us-tx"}}, {"from", {{"host", "db1"}, {"dc", "dal"}}},
            {"to", {{"dc", "iad"}}}, {"reason", "planned"},
            {"occurred_at", now},    {"expires_at", now + 60'000}};
  }
  HttpAnswer tell(const Json& body, const std::string& token = "agent") {
    return post("/v1/ha/events", body.dump(), token);
  }
  HttpAnswer tellBatch(const std::string& body) {
    return user_->call({.method = "POST",
                        .target = "/v1/ha/events",
                        .token = "agent",
                        .body = body,
                        .header = "Content-Type: application/x-ndjson; charset=utf-8"});
  }
};

TEST_F(HaApiTest, ARequestStartsAChangeAndIsAnsweredTheSameAgain) {
  const HttpAnswer first = tell(event("e-1"));
  EXPECT_EQ(first.status, 202) << first.body;
  const Json body = Json::parse(first.body);
  EXPECT_EQ(body["decision"], "accepted");
  EXPECT_EQ(body["change_id"], "c-1");
  EXPECT_EQ(body["rule"], "planned");
  EXPECT_EQ(getJson("/v1/changes/c-1")["actor"], "emha:order-3");
  const HttpAnswer again = tell(event("e-1"));
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  Json other = event("e-1");
  other["auto"] = true;
  EXPECT_EQ(refused(tell(other), 422, "refused")["rule"], "other-body");
}

TEST_F(HaApiTest, EachRefusalHasItsStatus) {
  Json old = event("e-1");
  old["occurred_at"] = 0;
  old["expires_at"] = 1;
  EXPECT_EQ(refused(tell(old), 410, "expired")["decision"], "denied");
  Json stale = event("e-2");
  stale["expected_epoch"] = 1;
  EXPECT_EQ(refused(tell(stale), 409, "conflict")["current_epoch"], epochOf("us-tx"));
  Json wrong = event("e-3");
  wrong["scope"] = "city";
  EXPECT_EQ(refused(tell(wrong), 400, "invalid")["errors"][0]["field"], "scope");
  Json denied = event("e-4");
  denied["from"]["dc"] = "iad";
  denied["to"]["dc"] = "dal";
  const HttpAnswer answer = tell(denied);
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(Json::parse(answer.body)["decision"], "denied");
  EXPECT_EQ(Json::parse(answer.body)["rule"], "not-owner");
  EXPECT_TRUE(Json::parse(answer.body)["change_id"].is_null());
}

TEST_F(HaApiTest, ABatchIsAnsweredLineByLine) {
  Json site = event("e-1");
  site.update({{"type", "dc.isolated"}, {"scope", "dc"}});
  const HttpAnswer answer =
      tellBatch(site.dump() + "\n\nnonsense\n" + site.dump() + "\n" + event("e-2").dump());
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.headers.at("content-type"), "application/x-ndjson");
  const std::vector<Json> replies = lines(answer.body);
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_EQ(replies[0]["status"], 202);
  EXPECT_EQ(replies[0]["rule"], "signal");
  EXPECT_EQ(replies[1]["status"], 400);
  EXPECT_TRUE(replies[1]["event_id"].is_null());
  EXPECT_EQ(replies[2]["status"], 200);
  EXPECT_EQ(replies[3]["change_id"], "c-1");
  refused(tellBatch("\n \n"), 400, "invalid");
  std::string many;
  for (std::size_t i = 0; i <= partition::HaService::kMaxBatch; ++i) many += "{}\n";
  refused(tellBatch(many), 413, "too_large");
}

TEST_F(HaApiTest, EventsAndSignalsAreListedNewestFirst) {
  tell(event("e-1"));
  Json site = event("e-2");
  site.update({{"type", "dc.isolated"}, {"scope", "dc"}});
  tell(site);
  const Json all = getJson("/v1/ha/events");
  ASSERT_EQ(all["events"].size(), 2U);
  EXPECT_EQ(all["events"][0]["event_id"], "e-2");
  EXPECT_EQ(all["events"][1]["change_id"], "c-1");
  EXPECT_EQ(all["events"][1]["from"]["host"], "db1");
  EXPECT_EQ(all["events"][1]["sender"], "agent");
  EXPECT_EQ(all["signals"][0]["datacenter"], "dal");
  EXPECT_EQ(all["signals"][0]["type"], "dc.isolated");
  EXPECT_EQ(getJson("/v1/ha/events?limit=1")["events"].size(), 1U);
  refused(get("/v1/ha/events?limit=0"), 400, "invalid");
  const HttpAnswer metrics = get("/metrics");
  EXPECT_THAT(
      metrics.body,
      HasSubstr("meridian_ha_events_total{type=\"switch.request\",decision=\"accepted\"} 1"));
  EXPECT_THAT(metrics.body, HasSubstr("meridian_ha_signals 1"));
  EXPECT_THAT(metrics.body, HasSubstr("meridian_ha_rejected_total{reason=\"malformed\"} 0"));
}

TEST_F(HaApiTest, OnlyThoseWhoMayTellAreHeard) {
  refused(tell(event("e-1"), ""), 401, "unauthorized");
  refused(tell(event("e-1"), "viewer"), 403, "forbidden");
  EXPECT_EQ(tell(event("e-1"), "operator").status, 202);
  refused(get("/v1/ha/events", ""), 401, "unauthorized");
  refused(get("/v1/ha/events", "agent"), 403, "forbidden");
}

class StrictHaApiTest : public HaApiTest {
 protected:
  StrictHaApiTest() {
    ha_config_.senders = {"somebody-else"};
    ha_config_.frozen = true;
  }
};

TEST_F(StrictHaApiTest, OtherAgentsAreRefusedAndFrozenIs423) {
  EXPECT_THAT(refused(tell(event("e-1")), 403, "forbidden")["reason"].get<std::string>(),
              HasSubstr("ha.senders"));
  EXPECT_EQ(refused(tell(event("e-1"), "operator"), 423, "frozen")["rule"], "frozen");
}

}  // namespace
}  // namespace meridian::admin
