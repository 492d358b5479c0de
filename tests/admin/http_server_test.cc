#include "admin/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/admin/http_client.h"

namespace meridian::admin {
namespace {

using test::HttpAnswer;
using test::HttpUser;
using test::RawClient;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kMaxBody = 1 << 20;
constexpr std::size_t kHundredMegabytes = 100'000'000;

// A server that echoes what it understood, on a loop of its own.
class HttpServerTest : public testing::Test {
 protected:
  void start(HttpServerOptions options, HttpServer::Handler handler = echo) {
    options.listen = *IpEndpoint::parse("127.0.0.1:0");
    options.max_body_bytes = kMaxBody;
    auto started = HttpServer::start(loop_, options, std::move(handler));
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }
  std::uint16_t port() const { return server_->bound().port; }
  // Runs on the loop's thread and waits for it.
  template <class Task>
  auto onLoop(Task task) {
    std::packaged_task<decltype(task())()> packaged(std::move(task));
    auto result = packaged.get_future();
    loop_.post([&packaged] { packaged(); });
    return result.get();
  }
  void waitForConnections(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (onLoop([this] { return server_->connectionCount(); }) != count) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  static void echo(HttpRequest request, const std::shared_ptr<Responder>& responder) {
    const nlohmann::json seen = {{"method", httpMethodName(request.method)},
                                 {"path", request.path},
                                 {"query", request.query},
                                 {"bytes", request.body.size()},
                                 {"authorization", request.authorization.value_or("none")}};
    responder->send({.status = 200, .body = seen.dump()});
  }
  static std::string refusal(const std::string& reply) {
    const std::size_t body = reply.find("\r\n\r\n");
    if (body == std::string::npos) return "no reply: " + reply;
    const auto json = nlohmann::json::parse(reply.substr(body + 4), nullptr, false);
    return json.is_object() ? json.value("error", "no error") : "not JSON: " + reply;
  }

  EventLoop loop_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, GivesTheHandlerWhatWasSentAndTheClientWhatItReplied) {
  start({});
  HttpUser user(port());
  const HttpAnswer answer =
      user.call({.method = "PUT", .target = "/a%20b/c?x=%31&y", .token = "abc", .body = "12345"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  const auto seen = nlohmann::json::parse(answer.body);
  EXPECT_EQ(seen["method"], "PUT");
  EXPECT_EQ(seen["path"], "/a%20b/c");
  EXPECT_EQ(seen["query"], "x=%31&y");
  EXPECT_EQ(seen["bytes"], 5);
  EXPECT_EQ(seen["authorization"], "Bearer abc");
}

TEST_F(HttpServerTest, KeepsTheConnectionForFurtherRequests) {
  start({});
  HttpUser user(port());
  EXPECT_EQ(user.call({.target = "/1"}).status, 200);
  EXPECT_TRUE(user.connected());
  EXPECT_EQ(user.call({.method = "POST", .target = "/2", .body = "x"}).status, 200);
  EXPECT_FALSE(user.connected());
}

TEST_F(HttpServerTest, UnknownMethodsReachTheHandlerAsOther) {
  start({});
  HttpUser user(port());
  for (const char* method : {"PATCH", "OPTIONS", "TRACE", "BREW"}) {
    const HttpAnswer answer = user.call({.method = method, .target = "/"});
    EXPECT_THAT(answer.body, HasSubstr("OTHER")) << method;
  }
  EXPECT_EQ(user.call({.method = "HEAD", .target = "/"}).body, "");
}

TEST_F(HttpServerTest, ABodyOf100MegabytesGets413AndNotAReset) {
  start({});
  RawClient client(port());
  ASSERT_TRUE(
      client.send("PUT /v1/topology HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"));
  const std::string block(1'000'000, 'x');
  for (std::size_t sent = 0; sent < kHundredMegabytes; sent += block.size()) {
    ASSERT_TRUE(client.send(block)) << "refused after " << sent << " bytes";
  }
  client.finishSending();
  const std::string reply = client.receive();
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(reply, HasSubstr("Connection: close"));
  EXPECT_EQ(refusal(reply), "too_large");
  waitForConnections(0);
}

TEST_F(HttpServerTest, AChunkedBodyOf100MegabytesGets413AndNotAReset) {
  start({});
  RawClient client(port());
  ASSERT_TRUE(client.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
  const std::string block = "f4240\r\n" + std::string(1'000'000, 'x') + "\r\n";
  for (std::size_t sent = 0; sent < kHundredMegabytes; sent += 1'000'000) {
    ASSERT_TRUE(client.send(block)) << "refused after " << sent << " bytes";
  }
  client.finishSending();
  const std::string reply = client.receive();
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(refusal(reply), "too_large");
}

TEST_F(HttpServerTest, WhoAsksFirstIsRefusedBeforeSendingTheBody) {
  start({});
  RawClient client(port());
  ASSERT_TRUE(client.send(
      "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n"));
  const std::string reply = client.receive("}");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(refusal(reply), "too_large");
}

TEST_F(HttpServerTest, WhoAsksFirstWithAGoodBodyIsToldToContinue) {
  start({});
  RawClient client(port());
  ASSERT_TRUE(client.send(
      "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_THAT(client.receive("\r\n\r\n"), StartsWith("HTTP/1.1 100 "));
  ASSERT_TRUE(client.send("12345"));
  EXPECT_THAT(client.receive("}"), HasSubstr("\"bytes\":5"));
}

TEST_F(HttpServerTest, ABodyOfExactlyTheLimitIsTaken) {
  start({});
  HttpUser user(port());
  const HttpAnswer at_limit =
      user.call({.method = "PUT", .target = "/", .body = std::string(kMaxBody, 'x')});
  EXPECT_EQ(nlohmann::json::parse(at_limit.body)["bytes"], kMaxBody);
  const HttpAnswer above =
      user.call({.method = "PUT", .target = "/", .body = std::string(kMaxBody + 1, 'x')});
  EXPECT_EQ(above.status, 413);
}

TEST_F(HttpServerTest, WhatIsNoHttpGetsAReasonInJson) {
  start({.max_header_bytes = 4096});
  const std::string cases[] = {
      "garbage\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\nno colon here\r\n\r\n",
      "GET / HTTP/1.1\r\nBig: " + std::string(5000, 'x') + "\r\n\r\n",
      "PUT / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
      "PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  };
  for (const std::string& each : cases) {
    RawClient client(port());
    ASSERT_TRUE(client.send(each));
    client.finishSending();
    const std::string reply = client.receive();
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 4")) << each;
    EXPECT_THAT(refusal(reply), testing::AnyOf("invalid", "too_large")) << each;
  }
}

TEST_F(HttpServerTest, ALateReplyFindsItsClient) {
  std::mutex mutex;
  std::vector<std::shared_ptr<Responder>> waiting;
  start({}, [&](HttpRequest, const std::shared_ptr<Responder>& responder) {
    const std::scoped_lock lock(mutex);
    waiting.push_back(responder);
  });
  auto answer =
      std::async(std::launch::async, [this] { return HttpUser(port()).call({.target = "/"}); });
  while (onLoop([&] { return waiting.size(); }) != 1) std::this_thread::yield();
  onLoop([&] {
    waiting.front()->send({.status = 200, .body = "late"});
    waiting.front()->send({.status = 500, .body = "twice"});
    return 0;
  });
  EXPECT_EQ(answer.get().body, "late");
}

TEST_F(HttpServerTest, AClientThatLeavesBeforeTheReplyIsNoticedAndHarmsNothing) {
  std::shared_ptr<Responder> waiting;
  std::promise<void> left;
  start({}, [&](HttpRequest, const std::shared_ptr<Responder>& responder) {
    waiting = responder;
    responder->onHangUp([&] { left.set_value(); });
  });
  RawClient client(port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  while (onLoop([&] { return waiting == nullptr; })) std::this_thread::yield();
  client.close();
  left.get_future().get();
  onLoop([&] {
    waiting->send({.status = 200, .body = std::string(1 << 16, 'x')});
    waiting.reset();
    return 0;
  });
  waitForConnections(0);
}

TEST_F(HttpServerTest, AHandlerThatForgetsItsClientCostsA500) {
  start({}, [](HttpRequest, const std::shared_ptr<Responder>&) {});
  EXPECT_EQ(HttpUser(port()).call({.target = "/"}).status, 500);
}

TEST_F(HttpServerTest, AHandlerThatThrowsCostsA500) {
  start({}, [](HttpRequest, const std::shared_ptr<Responder>&) { throw std::bad_alloc(); });
  EXPECT_EQ(HttpUser(port()).call({.target = "/"}).status, 500);
}

TEST_F(HttpServerTest, AResponderMayOutliveTheServer) {
  std::shared_ptr<Responder> waiting;
  start({}, [&](HttpRequest, const std::shared_ptr<Responder>& responder) { waiting = responder; });
  RawClient client(port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  while (onLoop([&] { return waiting == nullptr; })) std::this_thread::yield();
  onLoop([&] {
    server_.reset();
    waiting->send({.status = 200, .body = "too late"});
    waiting->onHangUp([] { FAIL(); });
    waiting.reset();
    return 0;
  });
  EXPECT_EQ(client.receive(), "");
}

TEST_F(HttpServerTest, FurtherConnectionsWaitUntilOneIsFree) {
  start({.max_connections = 2});
  auto first = std::make_unique<RawClient>(port());
  RawClient second(port());
  waitForConnections(2);
  RawClient third(port());
  ASSERT_TRUE(third.send("GET /third HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(onLoop([this] { return server_->connectionCount(); }), 2U);
  first.reset();
  EXPECT_THAT(third.receive(), HasSubstr("/third"));
}

TEST_F(HttpServerTest, ARequestThatDoesNotArriveWholeInTimeIsCut) {
  start({.idle_timeout = std::chrono::milliseconds(1000)});
  RawClient drip(port());
  ASSERT_TRUE(drip.send("GET / HTTP/1.1\r\nHost: x\r\n"));
  // One byte now and then would keep a time-out alive that starts anew with each byte.
  const auto begin = std::chrono::steady_clock::now();
  std::thread feeder([&] {
    while (drip.send("X")) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  std::string reply;
  try {
    reply = drip.receive();
  } catch (const std::runtime_error&) {
    // A reset is fine as well: the drip was still running.
  }
  feeder.join();
  EXPECT_THAT(reply, testing::Not(StartsWith("HTTP/1.1 200")));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
}

TEST_F(HttpServerTest, SaysWhereItListensAndWhyItCannot) {
  start({});
  EXPECT_NE(port(), 0);
  EXPECT_EQ(server_->bound().address.text(), "127.0.0.1");
  HttpServerOptions taken;
  taken.listen = server_->bound();
  const auto second = HttpServer::start(loop_, taken, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kIo);
  EXPECT_THAT(second.error().message, HasSubstr(taken.listen.text()));
  EXPECT_THAT(second.error().message, EndsWith("Address already in use"));
}

}  // namespace
}  // namespace meridian::admin
