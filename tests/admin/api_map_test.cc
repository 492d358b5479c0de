// Assignments, remaps, topology, versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace meridian::admin
