// Holds over REST: who may place and release them, and what a change says about them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

class ApiHoldsTest : public ApiTest {
 protected:
  HttpAnswer placeHold(const Json& body, const std::string& token = "agent") {
    return post("/v1/holds", body.dump(), token);
  }
  static Json onTexas() {
    return {{"partition", "us-tx"}, {"holder", "dcp"}, {"reason", "nightly comparison"}};
  }
};

TEST_F(ApiHoldsTest, AHoldIsListedUntilItEnds) {
  Json body = onTexas();
  body["expires_in_s"] = 60;
  const HttpAnswer placed = placeHold(body);
  ASSERT_EQ(placed.status, 200) << placed.body;
  EXPECT_EQ(Json::parse(placed.body)["id"], "h-1");
  const Json holds = getJson("/v1/holds")["holds"];
  ASSERT_EQ(holds.size(), 1U);
  EXPECT_EQ(holds[0]["partition"], "us-tx");
  EXPECT_EQ(holds[0]["holder"], "dcp");
  EXPECT_EQ(holds[0]["actor"], "agent");
  EXPECT_EQ(holds[0]["passed_by"], nullptr);
  onLoop([this] { clock_.advance(std::chrono::seconds(60)); });
  EXPECT_EQ(getJson("/v1/holds")["holds"].size(), 0U);
}

TEST_F(ApiHoldsTest, WhatMakesNoSenseIsRefused) {
  EXPECT_EQ(placeHold({{"holder", "dcp"}, {"reason", "x"}}).status, 400) << "on nothing";
  Json both = onTexas();
  both["zone"] = "order";
  EXPECT_EQ(placeHold(both).status, 400) << "on two things";
  Json forever = onTexas();
  forever["expires_in_s"] = 73 * 3600;
  const HttpAnswer refused = placeHold(forever);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("expires_in_s"));
  EXPECT_EQ(placeHold({{"zone", "nowhere"}, {"holder", "dcp"}, {"reason", "x"}}).status, 404);
  EXPECT_EQ(placeHold(onTexas(), "viewer").status, 403);
  EXPECT_EQ(getJson("/v1/holds")["holds"].size(), 0U);
}

TEST_F(ApiHoldsTest, AnAgentReleasesOnlyItsOwn) {
  ASSERT_EQ(placeHold(onTexas(), "operator").status, 200);
  ASSERT_EQ(placeHold(onTexas(), "agent").status, 200);
  const auto release = [&](const std::string& id, const std::string& token) {
    return user_->call({.method = "DELETE", .target = "/v1/holds/" + id, .token = token}).status;
  };
  EXPECT_EQ(release("h-1", "agent"), 403);
  EXPECT_EQ(release("h-2", "agent"), 200);
  EXPECT_EQ(release("h-2", "operator"), 404);
  EXPECT_EQ(release("nonsense", "operator"), 404);
  EXPECT_EQ(release("h-1", "operator"), 200);
  EXPECT_EQ(getJson("/v1/holds")["holds"].size(), 0U);
}

TEST_F(ApiHoldsTest, AChangeSaysWhoseHoldStopsIt) {
  ASSERT_EQ(placeHold(onTexas()).status, 200);
  const Json change = {
      {"subjects", {"us-tx"}}, {"to", "iad"}, {"reason", "test"}, {"dry_run", true}};
  const HttpAnswer answer = post("/v1/changes", change.dump());
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json verdicts = Json::parse(answer.body)["verdicts"];
  EXPECT_EQ(verdicts.back()["rule"], "S14");
  EXPECT_EQ(verdicts.back()["holds"], false);
  EXPECT_THAT(std::string(verdicts.back()["text"]), HasSubstr("dcp holds us-tx"));
}

TEST_F(ApiHoldsTest, AnOverrideByNameGoesOverIt) {
  ASSERT_EQ(placeHold(onTexas()).status, 200);
  const Json change = {{"subjects", {"us-tx"}},
                       {"to", "iad"},
                       {"reason", "test"},
                       {"overrides", {{{"rule", "S14"}, {"reason", "it hangs"}}}},
                       {"dry_run", true}};
  const HttpAnswer answer = post("/v1/changes", change.dump());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Json::parse(answer.body)["verdicts"].back()["overridden"], true);
}

}  // namespace
}  // namespace meridian::admin
