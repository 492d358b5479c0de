// DNS zones over REST.
#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

std::string edited(const Json& rrsets, const Json& more = Json::object()) {
  Json body = {{"rrsets", rrsets}, {"reason", "test"}};
  body.update(more);
  return body.dump();
}

TEST_F(ApiTest, ZonesAreListedAndReloadedAllOrNothing) {
  const Json list = getJson("/v1/zones")["zones"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["name"], "shop.example.");
  EXPECT_EQ(list[0]["serial"], 7);
  EXPECT_EQ(list[0]["source"], "file");
  EXPECT_EQ(post("/v1/zones/reload", "").status, 200);
  writeZone("shop.example. 60 A 192.0.2\n");
  const Json body = refused(post("/v1/zones/reload", ""), 422, "refused");
  EXPECT_THAT(body["errors"][0]["file"].get<std::string>(), HasSubstr("shop.example.zone"));
  EXPECT_EQ(body["errors"][0]["line"], 1);
  EXPECT_EQ(getJson("/v1/zones/shop.example")["serial"], 7);
}

TEST_F(ApiTest, AZoneIsEditedExportedAndGivenBackToItsFile) {
  const Json rrsets = {
      {{"name", "www"}, {"type", "A"}, {"ttl", 30}, {"records", {"192.0.2.7", "192.0.2.8"}}},
      {{"name", "mail.shop.example."}, {"type", "MX"}, {"ttl", 60}, {"records", {"10 www"}}}};
  const HttpAnswer answer = post("/v1/zones/Shop.Example/rrsets", edited(rrsets));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(
      Json::parse(answer.body),
      Json({{"zone", "shop.example."}, {"serial_before", 7}, {"serial", 8}, {"changed", true}}));
  const Json shown = getJson("/v1/zones/shop.example.");
  EXPECT_EQ(shown["source"], "store");
  EXPECT_EQ(shown["steps"], 1);
  EXPECT_EQ(shown["records"], 6);
  const HttpAnswer file = get("/v1/zones/shop.example/file");
  EXPECT_EQ(file.headers.at("content-type"), "text/dns");
  EXPECT_THAT(file.body, HasSubstr("www.shop.example.\t30\tIN\tA\t192.0.2.8\n"));
  EXPECT_THAT(file.body, HasSubstr("mail.shop.example.\t60\tIN\tMX\t10 www.shop.example.\n"));
  // The same again changes nothing; without records the RRset goes.
  EXPECT_EQ(Json::parse(post("/v1/zones/shop.example/rrsets", edited(rrsets)).body)["changed"],
            false);
  const Json gone = {{{"name", "www"}, {"type", "A"}, {"records", Json::array()}}};
  EXPECT_EQ(Json::parse(post("/v1/zones/shop.example/rrsets", edited(gone)).body)["serial"], 9);
  refused(post("/v1/zones/shop.example/reload", ""), 422, "refused");
  EXPECT_EQ(post("/v1/zones/shop.example/reload", R"({"discard_edits": true})").status, 200);
  EXPECT_EQ(getJson("/v1/zones/shop.example")["serial"], 7);
}

TEST_F(ApiTest, OnlyZonesThatComeFromPrimariesAreAskedFor) {
  EXPECT_TRUE(getJson("/v1/zones/shop.example")["secondary"].is_null());
  const Json body = refused(post("/v1/zones/shop.example/refresh", ""), 404, "not_found");
  EXPECT_THAT(body.dump(), HasSubstr("that comes from primaries"));
  refused(post("/v1/zones/shop.example/refresh", R"({"whole": 1})"), 400, "invalid");
  refused(post("/v1/zones/shop.example/refresh", R"({"hole": true})"), 400, "invalid");
}

TEST_F(ApiTest, AnEditsErrorsAreAllToldWithTheirPlace) {
  const Json rrsets = {{{"name", "www"}, {"type", "A"}, {"ttl", 30}, {"records", {"192.0.2"}}},
                       {{"name", "a..b"}, {"type", "AXFR"}, {"ttl", -1}, {"records", {"x"}}}};
  const Json body = refused(post("/v1/zones/shop.example/rrsets", edited(rrsets)), 400, "invalid");
  std::vector<std::string> fields;
  for (const Json& each : body["errors"]) fields.push_back(each["field"]);
  EXPECT_THAT(fields, testing::IsSupersetOf({"rrsets[0].records[0]", "rrsets[1].name",
                                             "rrsets[1].type", "rrsets[1].ttl"}));
  const Json cname = {{{"name", "ns"}, {"type", "CNAME"}, {"ttl", 1}, {"records", {"x"}}}};
  EXPECT_EQ(refused(post("/v1/zones/shop.example/rrsets", edited(cname)), 422,
                    "refused")["errors"][0]["reason"],
            "a CNAME where other records stand (RFC 2181 10.1)");
  const Json good = {{{"name", "a"}, {"type", "A"}, {"ttl", 1}, {"records", {"192.0.2.1"}}}};
  refused(post("/v1/zones/shop.example/rrsets", edited(good, {{"expected_serial", 3}})), 409,
          "conflict");
  refused(post("/v1/zones/other.example/rrsets", edited(good)), 404, "not_found");
  refused(post("/v1/zones/shop.example/rrsets", edited(good), "viewer"), 403, "forbidden");
}

TEST_F(ApiTest, AZoneIsPutAndTakenAway) {
  const Json text = {{"reason", "new"},
                     {"zone", "$ORIGIN new.example.\n$TTL 60\n@ SOA ns a 1 1 1 1 1\n@ NS ns\n"}};
  EXPECT_EQ(put("/v1/zones/new.example", text.dump()).status, 200);
  EXPECT_EQ(getJson("/v1/zones")["zones"].size(), 2U);
  refused(put("/v1/zones/other.example", text.dump()), 400, "invalid");
  refused(put("/v1/zones/new.example", R"({"reason": "x", "zone": "broken"})"), 400, "invalid");
  const auto remove = [&](const std::string& name) {
    return user_->call({.method = "DELETE", .target = "/v1/zones/" + name, .token = "admin"});
  };
  EXPECT_EQ(remove("new.example").status, 200);
  refused(remove("new.example"), 404, "not_found");
  refused(remove("shop.example"), 422, "refused");
}

}  // namespace
}  // namespace meridian::admin
