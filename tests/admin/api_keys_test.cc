// Keys of DNS zones over REST.
#include "dns/sign/key_file.h"
#include "dns/sign/key_service.h"
#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

class KeyApiTest : public ApiTest {
 protected:
  void SetUp() override {
    dns::ZonePolicy policy;
    policy.name = dns::Name::parse("shop.example").value();
    policy.sign.emplace();
    auto opened = dns::KeyService::open(
        std::make_shared<test::MemoryStore>(disk_, dns::KeyService::families()), clock_,
        std::make_shared<const dns::ZonePolicies>(std::vector{std::move(policy)}));
    ASSERT_TRUE(opened) << opened.error().message;
    service_.emplace(std::move(*opened));
    service_->onChange(
        [this](dns::NameView apex) { service_->zoneSigned(apex, *service_->keysOf(apex)); });
    ASSERT_TRUE(service_->zoneServed(apex_, std::chrono::seconds(60)));
    keys_ = &*service_;
    ApiTest::SetUp();
  }
  Json keys() { return getJson("/v1/zones/Shop.Example/keys")["keys"]; }
  std::string tagText() { return std::to_string(keys()[0]["tag"].get<int>()); }
  static std::string because(Json body) {
    body["reason"] = "test";
    return body.dump();
  }
  dns::KeyFiles newFiles(const dns::Name& apex) const {
    dns::KeyRecord record;
    record.key = std::make_shared<const dns::ZoneKey>(
        SigningKey::generate(SigningKeyKind::kEcdsaP256).value(), true);
    record.made = clock_.wallNow();
    return dns::writeKeyFiles(apex, record);
  }

  const dns::Name apex_ = dns::Name::parse("shop.example").value();
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
  std::optional<dns::KeyService> service_;
};

TEST_F(KeyApiTest, KeysAreListedWithWhatComesNextAndWithoutTheirPrivateHalf) {
  const HttpAnswer answer = get("/v1/zones/shop.example/keys");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json body = Json::parse(answer.body);
  EXPECT_EQ(body["zone"], "shop.example.");
  EXPECT_EQ(body["signed_here"], true);
  ASSERT_EQ(body["keys"].size(), 1U);
  const Json& key = body["keys"][0];
  EXPECT_EQ(key["role"], "csk");
  EXPECT_EQ(key["algorithm"], "ECDSAP256SHA256");
  EXPECT_EQ(key["state"], "published");
  EXPECT_EQ(key["next"], "ready");
  EXPECT_EQ(key["next_at"], "2026-05-01T14:00:00.000Z");
  EXPECT_EQ(key["waits_for"], nullptr);
  EXPECT_EQ(key["ds_seen_at"], nullptr);
  EXPECT_THAT(key["ds"].get<std::string>(),
              HasSubstr("shop.example. IN DS " + tagText() + " 13 2 "));
  EXPECT_THAT(key["dnskey"].get<std::string>(), HasSubstr("257 3 13 "));
  const auto secret = service_->show(apex_)->keys.keys[0].key->key().privateBytes();
  EXPECT_THAT(answer.body, Not(HasSubstr(base64(secret))));
  EXPECT_THAT(answer.body, Not(HasSubstr("private")));
  refused(get("/v1/zones/other.example/keys"), 404, "not_found");
}

TEST_F(KeyApiTest, AKeyIsRolledWhenTheParentHasItsSuccessor) {
  refused(post("/v1/zones/shop.example/keys/ds-seen", because({{"tag", keys()[0]["tag"]}})), 422,
          "refused");
  onLoop([&] {
    clock_.advance(std::chrono::hours(2));
    service_->tick();
  });
  EXPECT_EQ(keys()[0]["waits_for"], "its DS at the parent");
  const Json seen = {{"tag", keys()[0]["tag"]}};
  EXPECT_EQ(Json::parse(post("/v1/zones/shop.example/keys/ds-seen", because(seen)).body)["changed"],
            true);
  EXPECT_EQ(keys()[0]["state"], "active");
  const std::string roll = because({{"role", "csk"}});
  const HttpAnswer rolled = post("/v1/zones/shop.example/keys/roll", roll);
  ASSERT_EQ(rolled.status, 200) << rolled.body;
  EXPECT_EQ(Json::parse(rolled.body)["tag"], keys()[1]["tag"]);
  EXPECT_EQ(Json::parse(post("/v1/zones/shop.example/keys/roll", roll).body)["changed"], false);
  refused(post("/v1/zones/shop.example/keys/roll", because({{"role", "zsk"}})), 400, "invalid");
  refused(post("/v1/zones/shop.example/keys/roll", R"({"role": "dsk"})"), 400, "invalid");
  refused(post("/v1/zones/shop.example/keys/roll", roll, "viewer"), 403, "forbidden");
  const std::string metrics = get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("meridian_dnssec_keys{role=\"csk\",state=\"published\"} 1"));
  EXPECT_THAT(metrics,
              HasSubstr("meridian_dnssec_key_rolls_total{role=\"csk\",outcome=\"begun\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("meridian_dnssec_key_next_step_seconds 7200"));
  EXPECT_THAT(metrics, HasSubstr("meridian_dnssec_key_failures_total 0"));
}

TEST_F(KeyApiTest, OnlyAdminsTakeKeysOutAndPutThemIn) {
  const std::string path = "/v1/zones/shop.example/keys/" + tagText() + "/export";
  refused(post(path, because({}), "operator"), 403, "forbidden");
  refused(post(path, "{}", "admin"), 400, "invalid");
  refused(post("/v1/zones/shop.example/keys/70000/export", because({}), "admin"), 404, "not_found");
  const HttpAnswer taken = post(path, because({}), "admin");
  ASSERT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(taken.headers.at("cache-control"), "no-store");
  const Json files = Json::parse(taken.body);
  const auto read =
      dns::readKeyFiles(files["key"].get<std::string>(), files["private"].get<std::string>());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(std::to_string(read->key->tag()), tagText());

  const dns::KeyFiles made = newFiles(apex_);
  const Json body = {{"key", made.record}, {"private", made.secret}, {"role", "csk"}};
  const std::string import = "/v1/zones/shop.example/keys/import";
  refused(post(import, because(body), "operator"), 403, "forbidden");
  const HttpAnswer put = post(import, because(body), "admin");
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(keys()[1]["state"], "published");
  EXPECT_EQ(Json::parse(post(import, because(body), "admin").body)["changed"], false);

  const auto with = [&](const char* member, const Json& value) {
    Json changed = body;
    changed[member] = value;
    return because(changed);
  };
  const dns::KeyFiles others = newFiles(dns::Name::parse("other.example").value());
  refused(post(import, with("key", others.record), "admin"), 400, "invalid");
  refused(post(import, with("role", "zsk"), "admin"), 409, "conflict");
  refused(post(import, with("private", ""), "admin"), 400, "invalid");
  refused(post("/v1/zones/other.example/keys/import", because(body), "admin"), 404, "not_found");
  const dns::KeyFiles third = newFiles(apex_);
  Json roll = {{"key", third.record}, {"private", third.secret}, {"role", "zsk"}};
  refused(post(import, because(roll), "admin"), 400, "invalid");
  roll["role"] = "csk";
  refused(post(import, because(roll), "admin"), 409, "conflict");
}

}  // namespace
}  // namespace meridian::admin
