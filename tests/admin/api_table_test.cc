// The table for routers and DALs: snapshot, delta, long poll.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

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

TEST_F(ApiTest, WhoFollowsTheTableIsCounted) {
  EXPECT_EQ(getJson("/v1/consumers")["consumers"], Json::array());
  ASSERT_EQ(get("/v1/table?since=0&consumer=dal-1&kind=dal", "agent").status, 200);
  ASSERT_EQ(get("/v1/table?since=1&consumer=r-1").status, 200);
  ASSERT_EQ(get("/v1/table?since=1").status, 200) << "may stay unnamed";
  const Json known = getJson("/v1/consumers");
  EXPECT_EQ(known["rev"], 1);
  ASSERT_EQ(known["consumers"].size(), 2U);
  EXPECT_EQ(known["consumers"][0]["id"], "dal-1");
  EXPECT_EQ(known["consumers"][0]["kind"], "dal");
  EXPECT_EQ(known["consumers"][0]["behind"], 1);
  EXPECT_EQ(known["consumers"][1]["kind"], "router");
  EXPECT_EQ(known["consumers"][1]["rev"], 1);
  const std::string metrics = get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("meridian_table_consumers{kind=\"dal\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("meridian_table_consumers_behind{kind=\"router\"} 0"));

  refused(get("/v1/table?since=99&consumer=liar"), 409, "conflict");
  refused(get("/v1/table?since=1&consumer=a%20b"), 400, "invalid");
  refused(get("/v1/table?since=1&consumer=r-1&kind=cat"), 400, "invalid");
  refused(get("/v1/table?since=1&kind=dal"), 400, "invalid");
  refused(get("/v1/table?consumer=r-1"), 400, "invalid");
  EXPECT_EQ(getJson("/v1/consumers")["consumers"].size(), 2U);
}

TEST_F(ApiTest, OnlyWhoMayHoldSomethingUpIsADal) {
  const auto follow = [this](const std::string& kind, const std::string& role) {
    return get("/v1/table?since=0&consumer=" + role + "&kind=" + kind, role);
  };
  const Json no = refused(follow("dal", "viewer"), 403, "forbidden");
  EXPECT_THAT(no["reason"].get<std::string>(), HasSubstr("kind=dal needs the role agent"));
  EXPECT_EQ(getJson("/v1/consumers")["consumers"], Json::array()) << "not counted either";
  for (const std::string role : {"agent", "operator", "admin"}) {
    EXPECT_EQ(follow("dal", role).status, 200) << role;
  }
  EXPECT_EQ(follow("router", "viewer").status, 200);
  EXPECT_EQ(get("/v1/table", "agent").status, 200) << "a DAL starts from the snapshot";
  refused(get("/v1/consumers", "agent"), 403, "forbidden");
  EXPECT_EQ(getJson("/v1/consumers")["consumers"].size(), 4U);
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

}  // namespace
}  // namespace meridian::admin
