// Hooks over REST: what is configured, dead letters, and what may be done with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "partition/hooks/hook_runner.h"
#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

class HooksApiTest : public ApiTest {
 protected:
  HooksApiTest() {
    partition::HookConfig hook;
    hook.id = "dal";
    hook.url = "http://127.0.0.1:9/hooks";
    hook.phases.set(static_cast<std::size_t>(partition::HookPhase::kBlock));
    hook.secret_files = {"/etc/meridian/dal.secret"};
    auto box = partition::HookOutbox::open(
                   std::make_shared<test::MemoryStore>(std::make_shared<test::MemoryDisk>(),
                                                       partition::HookOutbox::families()))
                   .value();
    // Two letters to a hook that is not configured any more.
    partition::HookCall call;
    call.change_id = "c1";
    call.phase = partition::HookPhase::kPostAbort;
    EXPECT_TRUE(box->tell({"gone", "lost"}, call, clock_.wallNow()));
    EXPECT_TRUE(box->bury(1, "status 404", clock_.wallNow()));
    EXPECT_TRUE(box->bury(2, "status 410", clock_.wallNow()));
    real_hooks_ = std::make_unique<partition::OutboundHooks>(
        loop_, clock_, std::vector<partition::HookConfig>{hook}, std::move(box));
    hooks_ = real_hooks_.get();
  }

  std::unique_ptr<partition::OutboundHooks> real_hooks_;
};

TEST_F(HooksApiTest, TheConfigurationIsShownWithoutSecrets) {
  const HttpAnswer answer = get("/v1/hooks");
  EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
  const Json body = getJson("/v1/hooks");
  EXPECT_EQ(body["dead_letters"], 2);
  EXPECT_EQ(body["waiting"], 0);
  const Json& hook = body["hooks"][0];
  EXPECT_EQ(hook["id"], "dal");
  EXPECT_EQ(hook["url"], "http://127.0.0.1:9/hooks");
  EXPECT_EQ(hook["phases"], Json::array({"block"}));
  EXPECT_EQ(hook["mode"], "blocking");
  EXPECT_EQ(hook["on_error"], "abort");
  EXPECT_EQ(hook["signed"], true);
  EXPECT_EQ(hook["attempts"], 0);
}

TEST_F(HooksApiTest, DeadLettersAreListedAndDropped) {
  const Json body = getJson("/v1/hooks/dead-letters");
  ASSERT_EQ(body["dead_letters"].size(), 2U);
  const Json& letter = body["dead_letters"][0];
  EXPECT_EQ(letter["id"], 1);
  EXPECT_EQ(letter["hook"], "gone");
  EXPECT_EQ(letter["phase"], "post_abort");
  EXPECT_EQ(letter["idempotency_key"], "c1:post_abort:gone");
  EXPECT_EQ(letter["last_error"], "status 404");
  const HttpCall drop = {
      .method = "DELETE", .target = "/v1/hooks/dead-letters/1", .token = "operator"};
  EXPECT_EQ(user_->call(drop).status, 200);
  refused(user_->call(drop), 404, "not_found");
  EXPECT_EQ(getJson("/v1/hooks/dead-letters")["dead_letters"].size(), 1U);
}

TEST_F(HooksApiTest, ARequeuedLetterIsTriedAgain) {
  const HttpAnswer answer = post("/v1/hooks/dead-letters/2/requeue", "");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Json::parse(answer.body)["done"], "requeued");
  // Nobody has this id, so it comes back with that reason.
  Json letters;
  do {
    letters = getJson("/v1/hooks/dead-letters")["dead_letters"];
  } while (letters.size() < 2);
  EXPECT_EQ(letters[1]["last_error"], "no hook with this id is configured");
}

TEST_F(HooksApiTest, WrongIdsAndRolesAreRefused) {
  for (const char* id : {"7", "x", "-1", "99999999999999999999", "1x"}) {
    refused(post("/v1/hooks/dead-letters/" + std::string(id) + "/requeue", ""), 404, "not_found");
  }
  refused(post("/v1/hooks/dead-letters/1/requeue", "", "viewer"), 403, "forbidden");
  refused(
      user_->call({.method = "DELETE", .target = "/v1/hooks/dead-letters/1", .token = "viewer"}),
      403, "forbidden");
  refused(get("/v1/hooks", ""), 401, "unauthorized");
  refused(get("/v1/hooks/dead-letters", ""), 401, "unauthorized");
}

TEST_F(HooksApiTest, MetricsCountEachHook) {
  const HttpAnswer metrics = get("/metrics");
  EXPECT_THAT(metrics.body,
              HasSubstr("meridian_hook_attempts_total{hook=\"dal\",result=\"allowed\"} 0"));
  EXPECT_THAT(metrics.body, HasSubstr("meridian_hook_dead_letters 2"));
  EXPECT_THAT(metrics.body, HasSubstr("meridian_hook_waiting 0"));
}

}  // namespace
}  // namespace meridian::admin
