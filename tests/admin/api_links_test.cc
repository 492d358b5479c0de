#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

class ApiLinksTest : public ApiTest {
 protected:
  static std::string hello(const std::string& agent = "drc-dal-1", const std::string& boot = "b1") {
    return Json({{"type", "hello"}, {"v", 1}, {"agent", agent}, {"dc", "dal"}, {"boot", boot}})
               .dump() +
           "\n";
  }
  std::string link(int seq, const Json& lag, const std::string& source = "iad") const {
    return Json({{"type", "link"},
                 {"seq", seq},
                 {"source", source},
                 {"target", "dal"},
                 {"channel", "order"},
                 {"state", "RUNNING"},
                 {"lag_ms", lag},
                 {"src_pos", "x@9"},
                 {"applied_pos", "x@8"},
                 {"ts", clock_.wallNow().time_since_epoch().count()}})
               .dump() +
           "\n";
  }
  Json feed(const std::string& body, const std::string& token = "operator") {
    const HttpAnswer answer = post("/v1/drc/feed", body, token);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::parse(answer.body);
  }
  std::string metric(const std::string& name) {
    const std::string text = get("/metrics").body;
    const std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "none";
    const std::size_t from = at + name.size() + 2;
    return text.substr(from, text.find('\n', from) - from);
  }
};

TEST_F(ApiLinksTest, WhatAnAgentFeedsShowsAsALink) {
  EXPECT_EQ(getJson("/v1/links")["links"].size(), 0U);
  const Json reply = feed(hello() + link(1, 180) + "\n" + R"({"type":"weather"})");
  EXPECT_EQ(reply["accepted"], 4) << "a blank line and an unknown type are nobody's error";
  EXPECT_EQ(reply["rejected_total"], 0);
  EXPECT_EQ(reply["ack"], 1);
  const Json all = getJson("/v1/links");
  ASSERT_EQ(all["links"].size(), 1U);
  const Json& row = all["links"][0];
  EXPECT_EQ(row["source"], "iad");
  EXPECT_EQ(row["state"], "RUNNING");
  EXPECT_EQ(row["freshness"], "FRESH");
  EXPECT_EQ(row["effective_lag_ms"], 280);
  EXPECT_EQ(row["worst_lag_60s_ms"], nullptr);
  EXPECT_EQ(row["src_seq"], 9);
  EXPECT_EQ(row["reports"][0]["agent"], "drc-dal-1");
  EXPECT_EQ(row["reports"][0]["side"], "target");
  EXPECT_EQ(row["reports"][0]["lag_ms"], 180);
  EXPECT_EQ(all["agents"][0]["seq"], 1);
  EXPECT_EQ(metric("meridian_drc_links{freshness=\"FRESH\"}"), "1");
  EXPECT_EQ(metric("meridian_drc_worst_lag_ms"), "280");
  EXPECT_EQ(metric("meridian_drc_lines_total{outcome=\"skipped\",reason=\"unknown_type\"}"), "1");
}

TEST_F(ApiLinksTest, EachRefusedLineHasItsNumberAndReason) {
  const Json reply = feed(link(1, 5) + hello() + link(7, 5) + link(7, 5) + "{\n" + link(8, "x") +
                          link(9, nullptr));
  EXPECT_EQ(reply["accepted"], 3);
  EXPECT_EQ(reply["rejected_total"], 4);
  EXPECT_EQ(reply["ack"], 9);
  std::string reasons;
  for (const Json& each : reply["rejected"]) {
    reasons +=
        std::to_string(each["line"].get<int>()) + ":" + each["reason"].get<std::string>() + " ";
  }
  EXPECT_EQ(reasons, "1:no_hello 4:old_seq 5:not_json 6:wrong_type ");
  EXPECT_EQ(metric("meridian_drc_lines_total{outcome=\"refused\",reason=\"old_seq\"}"), "1");
  EXPECT_EQ(metric("meridian_drc_lines_total{outcome=\"malformed\",reason=\"wrong_type\"}"), "1");
  const std::string many(100, '{');
  std::string lines;
  for (const char c : many) lines += std::string(1, c) + "\n";
  const Json flood = feed(lines);
  EXPECT_EQ(flood["rejected_total"], 100);
  EXPECT_EQ(flood["rejected"].size(), 20U);
}

TEST_F(ApiLinksTest, AnAgentMayFeedAsItselfAndNothingElse) {
  refused(post("/v1/drc/feed", hello(), "viewer"), 403, "forbidden");
  refused(get("/v1/links", "agent"), 403, "forbidden");
  refused(get("/metrics", "agent"), 403, "forbidden");
  EXPECT_EQ(feed(hello("agent"), "agent")["accepted"], 1);
  const Json foreign = feed(hello("agent") + hello("drc-dal-1") + link(1, 5), "agent");
  EXPECT_EQ(foreign["rejected"][0]["reason"], "foreign");
  EXPECT_EQ(foreign["rejected"][1]["reason"], "no_hello")
      << "after a refused hello the agent before it does not speak";
  EXPECT_EQ(getJson("/v1/links")["links"].size(), 0U);
}

TEST_F(ApiLinksTest, LinksCanBeNarrowedAndAreBounded) {
  feed(hello() + link(1, 5, "iad") + link(2, 5, "fra"));
  EXPECT_EQ(getJson("/v1/links?source=fra")["links"].size(), 1U);
  EXPECT_EQ(getJson("/v1/links?source=dal")["links"].size(), 0U);
  EXPECT_EQ(getJson("/v1/links?channel=order&target=dal")["links"].size(), 2U);
  const Json first = getJson("/v1/links?limit=1");
  EXPECT_EQ(first["links"].size(), 1U);
  EXPECT_EQ(first["more"], true);
  EXPECT_EQ(getJson("/v1/links?limit=2")["more"], false);
  EXPECT_THAT(refused(get("/v1/links?limit=0"), 400, "invalid")["reason"].get<std::string>(),
              HasSubstr("limit"));
}

TEST_F(ApiLinksTest, SilenceShowsAndIsKept) {
  feed(hello() + link(1, 5));
  const auto tick = [&] { onLoop([&] { drc_.tick({clock_.monotonicNow(), clock_.wallNow()}); }); };
  tick();
  onLoop([&] { clock_.advance(std::chrono::seconds(4)); });
  tick();
  onLoop([&] { clock_.advance(std::chrono::seconds(7)); });
  tick();
  const Json row = getJson("/v1/links")["links"][0];
  EXPECT_EQ(row["freshness"], "UNKNOWN");
  EXPECT_EQ(row["state"], "UNKNOWN");
  EXPECT_EQ(row["effective_lag_ms"], nullptr);
  ASSERT_EQ(row["history"].size(), 3U);
  EXPECT_EQ(row["history"][1]["freshness"], "STALE");
}

TEST_F(ApiLinksTest, ThePastOfALinkIsThereARowAMinute) {
  const auto second = [&] {
    onLoop([&] {
      clock_.advance(std::chrono::seconds(1));
      const partition::FeedTime now{clock_.monotonicNow(), clock_.wallNow()};
      drc_.tick(now);
      link_history_->tick(drc_, now);
    });
  };
  const std::int64_t begin = unixMillis(clock_.wallNow());
  feed(hello() + link(1, 180));
  for (int i = 0; i < 125; ++i) second();
  const Json all = getJson("/v1/links/iad/dal/order/history");
  EXPECT_EQ(all["every_s"], 60);
  ASSERT_EQ(all["rows"].size(), 2U);
  EXPECT_EQ(all["rows"][0]["at_ms"], begin);
  EXPECT_EQ(all["rows"][0]["worst_state"], "UNKNOWN");
  EXPECT_EQ(all["rows"][0]["max_lag_ms"], 10'280) << "until it was too old to know";
  EXPECT_EQ(all["rows"][0]["last_lag_ms"], nullptr);
  EXPECT_EQ(all["rows"][0]["unknown_s"], 50);
  EXPECT_EQ(all["next_since"], nullptr);
  const Json first = getJson("/v1/links/iad/dal/order/history?limit=1");
  EXPECT_EQ(first["rows"].size(), 1U);
  const std::string next = std::to_string(first["next_since"].get<std::int64_t>());
  const Json rest = getJson("/v1/links/iad/dal/order/history?since=" + next);
  ASSERT_EQ(rest["rows"].size(), 1U);
  EXPECT_EQ(rest["rows"][0]["at_ms"], begin + 60'000);
  refused(get("/v1/links/iad/dal/other/history"), 404, "not_found");
  refused(get("/v1/links/iad/dal/order/history?since=yesterday"), 400, "invalid");
  EXPECT_EQ(metric("meridian_drc_history_rows_total{outcome=\"written\"}"), "2");
}

}  // namespace
}  // namespace meridian::admin
