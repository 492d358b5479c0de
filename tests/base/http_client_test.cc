#include "base/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <optional>

#include "tests/support/temp_dir.h"
#include "tests/support/web_server.h"

namespace meridian {
namespace {

using std::chrono::milliseconds;
using test::WebReply;
using test::WebRequest;
using test::WebServer;
using ::testing::HasSubstr;
using ::testing::Not;

class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() { std::signal(SIGPIPE, SIG_IGN); }

  // Runs one exchange to its end.
  Result<HttpAnswer> fetch(HttpExchange exchange) {
    HttpClient client(loop_);
    std::optional<Result<HttpAnswer>> got;
    const auto handle = client.start(std::move(exchange), [&](Result<HttpAnswer> result) {
      got = std::move(result);
      loop_.stop();
    });
    EXPECT_FALSE(got) << "called from inside start()";
    loop_.run();
    return std::move(*got);
  }

  EventLoop loop_;
};

TEST_F(HttpClientTest, SendsTheRequestAsAskedAndReadsTheReply) {
  WebServer server(loop_, [](const WebRequest&) {
    return WebReply{201, "made", {{"X-Rev", "7"}}};
  });
  const auto answer = fetch({.method = "POST",
                             .url = "http://" + server.address() + "/a?b=c",
                             .headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}},
                             .body = std::string("{\0}", 3)});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "made");
  EXPECT_EQ(answer->certificate_expires, 0);
  EXPECT_THAT(answer->headers,
              ::testing::Contains(std::pair<std::string, std::string>("x-rev", "7")));
  const WebRequest& seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/a?b=c");
  EXPECT_EQ(seen.body, std::string("{\0}", 3));
  EXPECT_EQ(seen.headers.at("content-type"), "application/json");
  EXPECT_TRUE(seen.headers.contains("x-empty"));
  EXPECT_FALSE(seen.headers.contains("expect"));
}

TEST_F(HttpClientTest, MethodsWithAndWithoutABody) {
  WebServer server(loop_, [](const WebRequest&) { return WebReply{200, "body", {}}; });
  for (const char* method : {"GET", "POST", "PUT", "DELETE"}) {
    const auto answer = fetch({.method = method, .url = "http://" + server.address() + "/"});
    ASSERT_TRUE(answer) << method << ": " << answer.error().message;
    EXPECT_EQ(answer->body, "body");
    EXPECT_EQ(server.requests().back().method, method);
    EXPECT_FALSE(server.requests().back().headers.contains("content-type"));
  }
  const auto head = fetch({.method = "HEAD", .url = "http://" + server.address() + "/"});
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->body, "");
}

TEST_F(HttpClientTest, DoesNotFollowRedirects) {
  WebServer server(loop_, [](const WebRequest&) {
    return WebReply{302, "", {{"Location", "/elsewhere"}}};
  });
  const auto answer = fetch({.url = "http://" + server.address() + "/"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(HttpClientTest, AReplyOverTheLimitIsRefusedAndOneOfExactlyTheLimitIsNot) {
  WebServer server(loop_, [](const WebRequest& request) {
    return WebReply{200, std::string(request.path == "/over" ? 1001 : 1000, 'x'), {}};
  });
  const std::string base = "http://" + server.address();
  const auto fits = fetch({.url = base + "/fits", .max_reply_bytes = 1000});
  ASSERT_TRUE(fits) << fits.error().message;
  EXPECT_EQ(fits->body.size(), 1000U);
  const auto over = fetch({.url = base + "/over", .max_reply_bytes = 1000});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::kTooLarge);
}

TEST_F(HttpClientTest, HeadersWithoutEndAreRefused) {
  WebServer server(loop_, [](const WebRequest&) {
    WebReply reply;
    for (int i = 0; i < 80; ++i) reply.headers["X-" + std::to_string(i)] = std::string(1000, 'x');
    return reply;
  });
  const auto answer = fetch({.url = "http://" + server.address() + "/"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kTooLarge);
}

TEST_F(HttpClientTest, AServerThatDoesNotAnswerEndsAtTheTimeOut) {
  WebServer server(loop_, [](const WebRequest&) { return std::nullopt; });
  const auto answer = fetch({.url = "http://" + server.address() + "/",
                             .headers = {{"Authorization", "secret"}},
                             .timeout = milliseconds(50)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(answer.error().message, HasSubstr(server.address()));
  EXPECT_THAT(answer.error().message, Not(HasSubstr("secret")));
}

TEST_F(HttpClientTest, NobodyListening) {
  std::string gone;
  {
    const WebServer server(loop_, [](const WebRequest&) { return WebReply{}; });
    gone = server.address();
  }
  const auto answer = fetch({.url = "http://" + gone + "/"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
}

TEST_F(HttpClientTest, WhatIsWrongIsInvalid) {
  const HttpExchange good{.url = "http://127.0.0.1:9/"};
  const auto with = [&](auto change) {
    HttpExchange exchange = good;
    change(exchange);
    return exchange;
  };
  const std::vector<HttpExchange> wrong = {
      with([](auto& e) { e.url = "file:///etc/passwd"; }),
      with([](auto& e) { e.url = "gopher://127.0.0.1/"; }),
      with([](auto& e) { e.url = "127.0.0.1:80"; }),
      with([](auto& e) { e.url = ""; }),
      with([](auto& e) { e.url = "http://user:word@127.0.0.1/"; }),
      with([](auto& e) { e.url = std::string("http://a\0b/", 11); }),
      with([](auto& e) { e.method = "GET /"; }),
      with([](auto& e) {
        e.headers = {{"A", "b\r\nC: d"}};
      }),
      with([](auto& e) {
        e.headers = {{"A:", "b"}};
      }),
      with([](auto& e) { e.connect_to = "localhost:80"; }),
      with([](auto& e) { e.timeout = milliseconds(0); }),
  };
  for (const HttpExchange& exchange : wrong) {
    const auto answer = fetch(exchange);
    ASSERT_FALSE(answer) << exchange.url;
    EXPECT_EQ(answer.error().kind, ErrorKind::kInvalid) << exchange.url;
  }
}

TEST_F(HttpClientTest, ManyAtOnce) {
  WebServer server(loop_, [](const WebRequest& request) {
    return WebReply{200, request.path, {}};
  });
  HttpClient client(loop_);
  constexpr int kExchanges = 100;
  int done = 0;
  std::vector<std::unique_ptr<HttpClient::Exchange>> handles;
  for (int i = 0; i < kExchanges; ++i) {
    const std::string path = "/" + std::to_string(i);
    handles.push_back(client.start({.url = "http://" + server.address() + path},
                                   [&, path](const Result<HttpAnswer>& answer) {
                                     ASSERT_TRUE(answer) << answer.error().message;
                                     EXPECT_EQ(answer->body, path);
                                     if (++done == kExchanges) loop_.stop();
                                   }));
  }
  loop_.run();
  EXPECT_EQ(done, kExchanges);
}

TEST_F(HttpClientTest, NoCallAfterTheHandleOrTheClientWent) {
  WebServer server(loop_, [](const WebRequest&) { return WebReply{}; });
  const HttpExchange exchange{.url = "http://" + server.address() + "/"};
  int called = 0;
  const auto count = [&](const Result<HttpAnswer>&) { ++called; };
  HttpClient client(loop_);
  client.start(exchange, count).reset();
  client.start({.url = "nonsense"}, count).reset();
  auto other = std::make_unique<HttpClient>(loop_);
  const auto inert = other->start(exchange, count);
  const auto inert_refusal = other->start({.url = "nonsense"}, count);
  other.reset();
  const auto last = client.start(exchange, [&](const Result<HttpAnswer>&) { loop_.stop(); });
  loop_.run();
  EXPECT_EQ(called, 0);
}

TEST_F(HttpClientTest, TheCallBackMayEndItsHandleAndTheClientAndStartAnother) {
  WebServer server(loop_, [](const WebRequest&) { return WebReply{}; });
  const HttpExchange exchange{.url = "http://" + server.address() + "/"};
  auto client = std::make_unique<HttpClient>(loop_);
  std::unique_ptr<HttpClient::Exchange> handle;
  handle = client->start(exchange, [&](const Result<HttpAnswer>&) {
    handle = client->start(exchange, [&](const Result<HttpAnswer>& second) {
      EXPECT_TRUE(second);
      client.reset();
      handle.reset();
      loop_.stop();
    });
  });
  loop_.run();
  EXPECT_EQ(server.requests().size(), 2U);
}

class HttpsClientTest : public HttpClientTest {
 protected:
  static constexpr std::int64_t kDay = 86400;

  HttpsClientTest()
      : certificate_(test::makeWebCertificate("hooks.test", 30 * kDay)),
        server_(
            loop_, [](const WebRequest&) { return WebReply{}; }, certificate_),
        ca_file_((folder_.path() / "ca.pem").string()) {
    std::ofstream(ca_file_) << certificate_.certificate_pem;
  }
  HttpExchange exchange(const std::string& host) const {
    return {.url = "https://" + host + "/", .connect_to = server_.address(), .ca_file = ca_file_};
  }

  test::TempDir folder_;
  test::WebCertificate certificate_;
  WebServer server_;
  std::string ca_file_;
};

TEST_F(HttpsClientTest, ConnectToKeepsTheNameInSniHostAndCertificate) {
  const auto answer = fetch(exchange("hooks.test"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->certificate_expires, certificate_.expires);
  EXPECT_EQ(server_.requests().at(0).server_name, "hooks.test");
  EXPECT_EQ(server_.requests().at(0).headers.at("host"), "hooks.test");
}

TEST_F(HttpsClientTest, ACertificateForAnotherNameIsRefused) {
  const auto answer = fetch(exchange("other.test"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
}

TEST_F(HttpsClientTest, ACertificateOfAnUnknownAuthorityIsRefusedUnlessNotVerified) {
  HttpExchange untrusted = exchange("hooks.test");
  untrusted.ca_file.clear();
  const auto refused = fetch(untrusted);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  untrusted.verify_peer = false;
  const auto taken = fetch(untrusted);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->certificate_expires, certificate_.expires);
}

TEST_F(HttpsClientTest, AnExpiredCertificateIsRefused) {
  const auto expired = test::makeWebCertificate("hooks.test", -30);
  WebServer server(
      loop_, [](const WebRequest&) { return WebReply{}; }, expired);
  std::ofstream(ca_file_) << expired.certificate_pem;
  HttpExchange asked = exchange("hooks.test");
  asked.connect_to = server.address();
  const auto answer = fetch(asked);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace meridian
