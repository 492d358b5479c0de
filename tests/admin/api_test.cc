// Every route: who may call it, and what all routes have in common.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

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

TEST_F(ApiTest, ABodyOverTheLimitIsRefusedBeforeItIsRead) {
  const HttpAnswer answer = put("/v1/topology?reason=x", std::string(std::size_t{2} << 20, ' '));
  refused(answer, 413, "too_large");
}

}  // namespace
}  // namespace meridian::admin
