// Explain and resolve.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

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

TEST_F(ApiTest, ExplainTellsWhatBearsOnTheNextMove) {
  const std::string question = "/v1/explain?name=sus-tx.shard.order.shop.example";
  const Json quiet = getJson(question);
  EXPECT_EQ(quiet["change"], nullptr);
  EXPECT_EQ(quiet["holds"], Json::array());
  EXPECT_EQ(quiet["write_state"], "OPEN");
  EXPECT_EQ(quiet["ttl"], 60);
  for (const Json& each : quiet["candidates"]) {
    if (each["dc"] == "dal") {
      EXPECT_FALSE(each.contains("link")) << "the owner needs no copy";
    } else {
      EXPECT_EQ(each["link"]["freshness"], "FRESH");
      EXPECT_EQ(each["link"]["effective_lag_ms"], 200);
    }
  }
  ASSERT_EQ(
      post("/v1/holds", R"({"zone": "order", "holder": "dcp", "reason": "x", "expires_in_s": 60})")
          .status,
      200);
  EXPECT_THAT(getJson(question)["holds"][0].get<std::string>(), HasSubstr("dcp holds order until"));

  const HttpAnswer begun =
      post("/v1/changes", R"({"subjects": ["us-tx"], "to": "iad", "mode": "planned", "reason": "x",
                             "overrides": [{"rule": "S14", "reason": "x"}]})");
  ASSERT_EQ(begun.status, 202) << begun.body;
  const Json impact = Json::parse(begun.body)["impact"];
  EXPECT_EQ(impact["queries_per_s"], nullptr) << "nobody counts here";
  EXPECT_EQ(impact["resolvers"], nullptr);
  EXPECT_EQ(impact["targets"][0]["ezone"], "iad");
  EXPECT_EQ(impact["until_moved_ms"], 65'000);
  onLoop([this] { scripted_hooks_.answer(); });
  const Json moving = getJson(question);
  EXPECT_EQ(moving["change"]["id"], "c-1");
  EXPECT_EQ(moving["change"]["state"], "PREPARED");
  EXPECT_EQ(moving["ttl"], 5);
  EXPECT_EQ(getJson("/v1/resolve?service=order.shop.example&client=192.0.2.1")["ttl"], 5);
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
