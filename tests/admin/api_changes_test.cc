// Routes of changes.
#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using partition::Freshness;

const std::string kShift =
    R"({"mode": "planned", "subjects": ["us-tx"], "to": "iad", "reason": "rack move"})";

TEST_F(ApiTest, AChangeIsTakenUpWithItsVerdicts) {
  const HttpAnswer answer = post("/v1/changes", kShift);
  ASSERT_EQ(answer.status, 202) << answer.body;
  const Json body = Json::parse(answer.body);
  EXPECT_EQ(body.at("change").at("id"), "c-1");
  EXPECT_EQ(body.at("change").at("state"), "PRECHECK");
  EXPECT_FALSE(body.at("verdicts").empty());
  const Json shown = getJson("/v1/changes/c-1");
  EXPECT_EQ(shown.at("log").size(), 1);
  EXPECT_EQ(shown.at("waves")[0][0].at("lag_ms"), 200);
  EXPECT_EQ(getJson("/v1/changes?open=1").at("changes").size(), 1);
}

TEST_F(ApiTest, ARuleThatForbidsIsNamedAndNothingChanges) {
  links_.all.freshness = Freshness::kUnknown;
  const HttpAnswer answer = post("/v1/changes", kShift);
  EXPECT_EQ(answer.status, 422);
  const Json body = Json::parse(answer.body);
  EXPECT_EQ(body.at("rule"), "S3");
  EXPECT_EQ(body.at("error"), "refused");
  EXPECT_TRUE(getJson("/v1/changes").at("changes").empty());
}

TEST_F(ApiTest, OrdersToChanges) {
  ASSERT_EQ(post("/v1/changes", kShift).status, 202);
  EXPECT_EQ(post("/v1/changes/c-1/abort", "", "viewer").status, 403);
  EXPECT_EQ(post("/v1/changes/c-1/stop", "").status, 404);
  EXPECT_EQ(post("/v1/changes/c-9/abort", "").status, 404);
  const HttpAnswer resolved = post("/v1/changes/c-1/resolve", "");
  EXPECT_EQ(resolved.status, 422);
  EXPECT_THAT(resolved.body, testing::HasSubstr("nothing remains"));
  const HttpAnswer aborted = post("/v1/changes/c-1/abort", "");
  ASSERT_EQ(aborted.status, 200) << aborted.body;
  EXPECT_EQ(Json::parse(aborted.body).at("state"), "ABORTED");
  EXPECT_EQ(post("/v1/changes/c-1/rollback", R"({"reason": "back"})").status, 422);
}

TEST_F(ApiTest, AWatcherIsToldOfTheNextStep) {
  ASSERT_EQ(post("/v1/changes", kShift).status, 202);
  auto waiting = std::async(std::launch::async, [this] {
    HttpUser user(server_->bound().port);
    return user.call({.target = "/v1/changes/c-1?after=1&wait=30", .token = "viewer"});
  });
  ASSERT_EQ(post("/v1/changes/c-1/pause", "").status, 200);
  const HttpAnswer seen = waiting.get();
  ASSERT_EQ(seen.status, 200) << seen.body;
  EXPECT_TRUE(Json::parse(seen.body).at("paused").get<bool>());
}

TEST_F(ApiTest, BadRequestsForChangesSayEverything) {
  const HttpAnswer answer =
      post("/v1/changes", R"({"mode": "fast", "subjects": [], "to": 7, "expires_in_s": 0})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_GE(Json::parse(answer.body).at("errors").size(), 5) << answer.body;
}

}  // namespace
}  // namespace meridian::admin
