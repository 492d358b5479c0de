// DNS over HTTPS on the server: what is particular to it. The rest: doh_session_test.cc,
// net_test.cc.
#include <gtest/gtest.h>

#include "tests/support/doh_client.h"
#include "tests/support/proxy_packet.h"
#include "tests/support/stream_rig.h"

namespace meridian::dns {
namespace {

using test::becomes;
using test::Bytes;
using test::DohClient;
using test::HttpReply;
using test::StreamRig;
using test::TlsClient;

constexpr const char* kServedPath = "/dns-query";

Bytes largeQuery() {
  return test::QueryPacket("big.example", 16).bytes();
}

// One connection.
struct Http {
  std::unique_ptr<TlsClient> wire;
  DohClient client;

  explicit Http(std::unique_ptr<TlsClient> connection) : wire(std::move(connection)) {
    client.grant(0, 1U << 30);
  }

  bool flush() { return wire->send(test::textOf(client.take())); }
  // Reads one frame; false: the connection ended.
  bool read() {
    const auto head = wire->bytes(9);
    if (!head) return false;
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>((*head)[i]); };
    const auto body = wire->bytes(static_cast<std::size_t>(byte(0) << 16 | byte(1) << 8 | byte(2)));
    return body && client.feed(test::bytesOf(*head + *body));
  }
  // The reply; one that is not closed: the connection ended before.
  const HttpReply& wait(std::int32_t id) {
    while (!client.reply(id).closed && flush() && read()) {
    }
    return client.reply(id);
  }
  const HttpReply& ask(const Bytes& message = test::webQuery()) {
    return wait(client.post(kServedPath, message));
  }
  std::string site() { return test::siteIn(ask().body); }
};

TEST(DohTransportConcurrent, AnswersAreThoseOfTcpAndCountedBesideThem) {
  const StreamRig rig;
  for (const bool old : {false, true}) {
    test::TlsClientOptions options;
    options.only_tls_1_2 = old;
    Http http(rig.connectHttps(options));
    ASSERT_TRUE(http.wire->connected());
    EXPECT_EQ(http.wire->application(), "h2");
    EXPECT_NE(http.site(), "");
    const Socket tcp = rig.connectTcp();
    ASSERT_TRUE(test::sendAll(tcp, test::framed(largeQuery())));
    EXPECT_EQ(http.ask(largeQuery()).body, test::receiveFrame(tcp));
    EXPECT_EQ(http.ask(largeQuery()).field("cache-control"), "private, max-age=300");
  }
  EXPECT_EQ(rig.server->httpsCounters().answers.received.value(), 6U);
  EXPECT_EQ(rig.server->httpsCounters().accepted.value(), 2U);
  EXPECT_EQ(rig.server->counters().answers.received.value(), 2U);
  EXPECT_EQ(rig.server->tlsCounters().answers.received.value(), 0U);
  EXPECT_EQ(rig.server->doh().replies[0].value(), 6U);
  EXPECT_EQ(rig.server->handshakes().done.value(), 2U);
}

TEST(DohTransportConcurrent, WhoDoesNotNameHttp2IsRefused) {
  const StreamRig rig;
  EXPECT_FALSE(rig.connectHttps({}, "http/1.1")->connected());
  EXPECT_TRUE(becomes([&] { return rig.failed(TlsFailure::kApplication); }, 1));
  const auto silent = rig.connectHttps({}, "");
  silent->send(test::textOf(test::http2Preface()));
  EXPECT_FALSE(silent->bytes(1));
  EXPECT_TRUE(becomes([&] { return rig.failed(TlsFailure::kApplication); }, 2));
  EXPECT_EQ(rig.server->handshakes().done.value(), 0U);
}

TEST(DohTransportConcurrent, AProxysClientIsAnswered) {
  const StreamRig rig({}, {"127.0.0.1/32"});
  for (const auto& [client, site] :
       {std::pair{test::kClientOfOne, "one"}, {test::kClientOfTwo, "two"}}) {
    test::TlsClientOptions options;
    options.before = test::textOf(test::proxied(client).bytes());
    Http http(rig.connectHttps(options));
    EXPECT_EQ(http.site(), site);
  }
}

TEST(DohTransportConcurrent, TheLimitsOfConnectionsAreOfAllTransports) {
  TcpLimits limits;
  limits.max_per_client = 2;
  const StreamRig rig(limits);
  const Socket tcp = rig.connectTcp();
  EXPECT_NE(test::askSite(tcp), "");
  Http http(rig.connectHttps());
  EXPECT_NE(http.site(), "");
  EXPECT_FALSE(rig.connectHttps()->connected());
  EXPECT_EQ(rig.server->httpsCounters().refused.value(), 1U);
}

// 15 MB of answers, more than the kernel keeps; another client is answered meanwhile.
TEST(DohTransportConcurrent, AClientThatReadsLateHoldsNobodyUpAndGetsItsAnswers) {
  const StreamRig rig;
  Http late(rig.connectHttps());

  std::vector<std::int32_t> asked;
  for (int i = 0; i < 90; ++i) asked.push_back(late.client.post(kServedPath, largeQuery()));
  ASSERT_TRUE(late.flush());
  Http other(rig.connectHttps());
  EXPECT_NE(other.site(), "");
  for (const std::int32_t id : asked) {
    ASSERT_TRUE(late.wait(id).closed);
    ASSERT_GT(late.client.reply(id).body.size(), 50'000U);
  }
}

TEST(DohTransportConcurrent, AnIdleClientIsToldAndEnded) {
  TcpLimits limits;
  limits.idle_timeout = std::chrono::milliseconds(200);
  const StreamRig rig(limits);
  Http http(rig.connectHttps());
  ASSERT_TRUE(http.flush());
  while (http.read()) {
  }
  EXPECT_EQ(http.client.goAway(), 0U);
  EXPECT_TRUE(becomes([&] { return rig.server->httpsCounters().timed_out.value(); }, 1));
}

TEST(DohTransportConcurrent, AStopIsTold) {
  const StreamRig rig;
  Http http(rig.connectHttps());
  EXPECT_NE(http.site(), "");
  rig.server->stop();
  while (http.read()) {
  }
  EXPECT_EQ(http.client.goAway(), 0U);
}

TEST(DohTransportConcurrent, BrokenHttpEndsTheConnection) {
  const StreamRig rig;
  const auto client = rig.connectHttps();
  ASSERT_TRUE(client->send("GET /dns-query?dns=AAAA HTTP/1.1\r\nHost: x\r\n\r\n"));
  while (client->bytes(1)) {
  }
  EXPECT_EQ(rig.server->doh().malformed.value(), 1U);
}

TEST(DohTransportConcurrent, AClientThatHasSaidItsEndGetsItsAnswers) {
  const StreamRig rig;
  Http http(rig.connectHttps());
  const std::int32_t id = http.client.post(kServedPath, test::webQuery());
  ASSERT_TRUE(http.flush());
  http.wire->end();
  while (!http.client.reply(id).closed && http.read()) {
  }
  EXPECT_NE(test::siteIn(http.client.reply(id).body), "");
}

}  // namespace
}  // namespace meridian::dns
