#include "admin/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/digest.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

class KeptReply final : public Responder {
 public:
  void send(HttpReply reply) override { replies.push_back(std::move(reply)); }
  void onHangUp(std::function<void()>) override {}
  std::vector<HttpReply> replies;
};

Authenticator tokens() {
  nlohmann::json rows = nlohmann::json::array();
  for (const char* role : {"viewer", "operator", "admin"}) {
    rows.push_back({{"name", role}, {"role", role}, {"sha256", hex(sha256(role))}});
  }
  return *Authenticator::parse(nlohmann::json({{"format", 1}, {"tokens", rows}}).dump(), "test");
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() : router_(tokens()) {
    add(HttpMethod::kGet, "/things", Role::kViewer, {"limit", "all"});
    add(HttpMethod::kPut, "/things", Role::kAdmin);
    add(HttpMethod::kGet, "/things/{id}", Role::kViewer);
    add(HttpMethod::kGet, "/things/best", Role::kViewer);
    add(HttpMethod::kPost, "/things/{id}/move", Role::kOperator);
    add(HttpMethod::kGet, "/open", std::nullopt);
  }
  void add(HttpMethod method, const std::string& path, std::optional<Role> role,
           std::vector<std::string> query = {}) {
    router_.add({.method = method,
                 .path = path,
                 .role = role,
                 .query = std::move(query),
                 .handler = [this, path](const ApiCall& call, const auto&) {
                   calls_.push_back(call);
                   return HttpReply{.body = path};
                 }});
  }
  HttpReply call(HttpMethod method, const std::string& path, const std::string& token,
                 const std::string& query = "") {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.query = query;
    if (!token.empty()) request.authorization = "Bearer " + token;
    const auto kept = std::make_shared<KeptReply>();
    router_.handle(std::move(request), kept);
    EXPECT_EQ(kept->replies.size(), 1U);
    return kept->replies.empty() ? HttpReply{.status = 0} : kept->replies.front();
  }
  static std::string headerOf(const HttpReply& reply, const std::string& name) {
    for (const auto& [key, value] : reply.headers) {
      if (key == name) return value;
    }
    return "";
  }

  Router router_;
  std::vector<ApiCall> calls_;
};

TEST_F(RouterTest, LiteralSegmentsWinOverParameters) {
  EXPECT_EQ(call(HttpMethod::kGet, "/things/best", "viewer").body, "/things/best");
  EXPECT_EQ(call(HttpMethod::kGet, "/things/7", "viewer").body, "/things/{id}");
  EXPECT_EQ(calls_.back().params.at("id"), "7");
}

TEST_F(RouterTest, ParametersOfThePathAreDecodedAfterSplitting) {
  call(HttpMethod::kGet, "/things/a%2Fb%20c", "viewer");
  EXPECT_EQ(calls_.back().params.at("id"), "a/b c");
  EXPECT_EQ(call(HttpMethod::kGet, "/things/a%2", "viewer").status, 404);
  EXPECT_EQ(call(HttpMethod::kGet, "/things/", "viewer").status, 404);
}

TEST_F(RouterTest, UnknownPathsAre404) {
  for (const char* path : {"/", "/thing", "/things/1/2/3", "//things", "/open/"}) {
    const HttpReply reply = call(HttpMethod::kGet, path, "admin");
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(nlohmann::json::parse(reply.body)["error"], "not_found");
  }
  EXPECT_TRUE(calls_.empty());
}

TEST_F(RouterTest, OtherMethodsAre405WithWhatIsAllowed) {
  const HttpReply reply = call(HttpMethod::kDelete, "/things", "admin");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(headerOf(reply, "Allow"), "GET, PUT");
  EXPECT_EQ(nlohmann::json::parse(reply.body)["error"], "method_not_allowed");
  EXPECT_EQ(call(HttpMethod::kOther, "/open", "").status, 405);
}

TEST_F(RouterTest, EachRoleMayDoWhatThoseBelowMay) {
  const std::vector<std::string> roles = {"viewer", "operator", "admin"};
  for (std::size_t i = 0; i < roles.size(); ++i) {
    EXPECT_EQ(call(HttpMethod::kGet, "/things", roles[i]).status, 200);
    EXPECT_EQ(call(HttpMethod::kPost, "/things/1/move", roles[i]).status, i >= 1 ? 200 : 403);
    const HttpReply put = call(HttpMethod::kPut, "/things", roles[i]);
    EXPECT_EQ(put.status, i >= 2 ? 200 : 403);
    if (i < 2) {
      EXPECT_THAT(put.body, HasSubstr("needs the role admin; " + roles[i] + " has"));
    }
  }
  EXPECT_EQ(router_.counters().forbidden, 3U);
  EXPECT_EQ(calls_.back().caller.name, "admin");
}

TEST_F(RouterTest, NoTokenAndAWrongTokenAre401AndCounted) {
  for (const char* token : {"", "guess"}) {
    const HttpReply reply = call(HttpMethod::kGet, "/things", token);
    EXPECT_EQ(reply.status, 401);
    EXPECT_THAT(headerOf(reply, "WWW-Authenticate"), testing::StartsWith("Bearer"));
    EXPECT_THAT(reply.body, testing::Not(HasSubstr("guess")));
  }
  EXPECT_EQ(router_.counters().unauthorized, 2U);
  EXPECT_EQ(call(HttpMethod::kGet, "/open", "").status, 200);
}

TEST_F(RouterTest, OnlyKnownQueryParametersOnce) {
  EXPECT_EQ(call(HttpMethod::kGet, "/things", "viewer", "limit=5&all=1").status, 200);
  EXPECT_EQ(*calls_.back().number("limit", 0, 1, 9), 5U);
  EXPECT_TRUE(*calls_.back().flag("all"));
  for (const char* query :
       {"limits=5", "limit=5&limit=6", "limit=%zz", "limit=%f", "limit=%00", "limit=%ff", "=1"}) {
    const HttpReply reply = call(HttpMethod::kGet, "/things", "viewer", query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(nlohmann::json::parse(reply.body)["error"], "invalid");
  }
}

TEST_F(RouterTest, NumbersAreWholeAndInRange) {
  for (const char* text : {"", "0", "10", "5x", "-5", "+5", "5.0", "99999999999999999999"}) {
    call(HttpMethod::kGet, "/things", "viewer", std::string("limit=") + text);
    const auto number = calls_.back().number("limit", 3, 1, 9);
    ASSERT_FALSE(number) << text;
    EXPECT_THAT(number.error().message, HasSubstr("from 1 to 9"));
  }
  call(HttpMethod::kGet, "/things", "viewer");
  EXPECT_EQ(*calls_.back().number("limit", 3, 1, 9), 3U);
}

TEST_F(RouterTest, RepliesAreCountedByStatus) {
  call(HttpMethod::kGet, "/things", "viewer");
  call(HttpMethod::kGet, "/things", "viewer");
  call(HttpMethod::kGet, "/nothing", "viewer");
  EXPECT_EQ(router_.counters().replies, (std::map<int, std::uint64_t>{{200, 2}, {404, 1}}));
}

TEST(PercentDecode, TakesUtf8AndNothingElse) {
  EXPECT_EQ(*percentDecode("a+b%2Bc%C3%A9"), "a+b+cé");
  for (const char* bad :
       {"%", "%4", "%4g", "%00", "%80", "%C3", "%ED%A0%80", "%C0%AF", "%F5%80%80%80"}) {
    EXPECT_FALSE(percentDecode(bad)) << bad;
  }
}

}  // namespace
}  // namespace meridian::admin
