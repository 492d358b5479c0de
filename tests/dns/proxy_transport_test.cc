// PROXY headers before TCP and TLS: who is believed, and what follows from it.
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "tests/support/proxy_packet.h"
#include "tests/support/stream_rig.h"

namespace meridian::dns {
namespace {

using test::askSite;
using test::becomes;
using test::Bytes;
using test::framed;
using test::kClientOfOne;
using test::kClientOfTwo;
using test::proxied;
using test::ProxyPacket;
using test::StreamRig;
using test::TlsClientOptions;
using test::webQuery;

const std::vector<std::string> kProxies = {"127.0.0.1/32"};

std::string siteFor(const StreamRig& rig, std::string_view client) {
  const Socket socket = rig.connectTcp();
  return test::sendAll(socket, proxied(client).bytes()) ? askSite(socket) : "";
}

TEST(ProxyTransportConcurrent, TheHeadersClientIsAnswered) {
  const StreamRig rig({}, kProxies);
  EXPECT_EQ(siteFor(rig, kClientOfOne), "one");
  EXPECT_EQ(siteFor(rig, kClientOfTwo), "two");
  EXPECT_EQ(rig.server->proxies().taken.value(), 2U);
}

TEST(ProxyTransportConcurrent, ItComesBeforeTls) {
  const StreamRig rig({}, kProxies);
  for (const auto& [client, site] : {std::pair{kClientOfOne, "one"}, {kClientOfTwo, "two"}}) {
    TlsClientOptions options;
    options.before = test::textOf(proxied(client).bytes());
    const auto session = rig.connectTls(options);
    ASSERT_TRUE(session->connected());
    EXPECT_EQ(askSite(*session), site);
  }
  EXPECT_FALSE(rig.connectTls()->connected()) << "without it";
  EXPECT_TRUE(becomes([&] { return rig.refused(ProxyRefusal::kSignature); }, 1));
}

TEST(ProxyTransportConcurrent, HeaderAndQueryMayComeInAnyPieces) {
  const StreamRig rig({}, kProxies);
  Bytes stream = proxied(kClientOfTwo).bytes();
  test::append(stream, framed(webQuery()));
  const Socket at_once = rig.connectTcp();
  ASSERT_TRUE(test::sendAll(at_once, stream));
  EXPECT_EQ(test::siteIn(test::receiveFrame(at_once)), "two");
  const Socket in_bytes = rig.connectTcp();
  const int now = 1;
  ASSERT_EQ(setsockopt(in_bytes.get(), IPPROTO_TCP, TCP_NODELAY, &now, sizeof now), 0);
  for (const std::uint8_t byte : stream) {
    ASSERT_TRUE(test::sendAll(in_bytes, {&byte, 1}));
    std::this_thread::yield();
  }
  EXPECT_EQ(test::siteIn(test::receiveFrame(in_bytes)), "two");
}

TEST(ProxyTransportConcurrent, AnUnlistedPeerIsNotBelieved) {
  const StreamRig rig({}, kProxies);
  const Socket stranger = rig.connectTcp(2);
  Bytes stream = proxied(kClientOfTwo).bytes();
  // To it the header is a frame's length, and the beginning of a query that is none.
  stream.resize(2 + 0x0D0A);
  ASSERT_TRUE(test::sendAll(stranger, stream));
  const auto answer = test::receiveFrame(stranger);
  ASSERT_TRUE(answer);
  EXPECT_EQ(test::readMessage(*answer).rcode, 1U);
  EXPECT_NE(askSite(rig.connectTcp(2)), "") << "without a header it is a client like others";
  EXPECT_EQ(rig.server->proxies().taken.value(), 0U);
}

TEST(ProxyTransportConcurrent, AListedPeerMustSendOne) {
  const StreamRig rig({}, kProxies);
  const Socket proxy = rig.connectTcp();
  EXPECT_EQ(askSite(proxy), "");
  EXPECT_EQ(rig.refused(ProxyRefusal::kSignature), 1U);
  EXPECT_EQ(rig.server->counters().accepted.value(), 0U);
}

TEST(ProxyTransportConcurrent, BadHeadersEndTheConnectionAndAreCounted) {
  const StreamRig rig({}, kProxies);
  const auto refusedFor = [&](ProxyPacket packet, ProxyRefusal why) {
    const Socket socket = rig.connectTcp();
    EXPECT_TRUE(test::sendAll(socket, packet.bytes()));
    EXPECT_TRUE(test::closed(socket));
    EXPECT_EQ(rig.refused(why), 1U) << proxyRefusalName(why);
  };
  ProxyPacket packet = proxied(kClientOfTwo);
  packet.version_and_command = 0x11;
  refusedFor(packet, ProxyRefusal::kVersion);
  packet.version_and_command = 0x22;
  refusedFor(packet, ProxyRefusal::kCommand);
  packet.version_and_command = 0x21;
  packet.family = 0x12;  // UDP
  refusedFor(packet, ProxyRefusal::kFamily);
  packet.family = 0x11;
  packet.body.resize(11);
  refusedFor(packet, ProxyRefusal::kLength);
  {
    const Socket leaves = rig.connectTcp();
    ASSERT_TRUE(test::sendAll(leaves, Bytes{0x0D, 0x0A}));
  }
  EXPECT_TRUE(becomes([&] { return rig.refused(ProxyRefusal::kClosed); }, 1));
  EXPECT_EQ(siteFor(rig, kClientOfTwo), "two");
}

TEST(ProxyTransportConcurrent, AHeaderThatDoesNotEndIsEnded) {
  TcpLimits limits;
  limits.handshake_timeout = std::chrono::milliseconds(200);
  const StreamRig rig(limits, kProxies);
  const Socket slow = rig.connectTcp();
  ASSERT_TRUE(test::sendAll(slow, Bytes{0x0D, 0x0A}));
  EXPECT_EQ(siteFor(rig, kClientOfTwo), "two");
  EXPECT_TRUE(test::closed(slow));
  EXPECT_EQ(rig.refused(ProxyRefusal::kTimeout), 1U);
}

TEST(ProxyTransportConcurrent, AHealthCheckOfTheProxyIsItsOwnClient) {
  const StreamRig rig({}, kProxies);
  const Socket check = rig.connectTcp();
  ProxyPacket local;
  local.version_and_command = 0x20;
  local.family = 0;
  ASSERT_TRUE(test::sendAll(check, local.bytes()));
  EXPECT_NE(askSite(check), "");
}

TEST(ProxyTransportConcurrent, LimitsAreOfTheClientNotOfTheProxy) {
  TcpLimits limits;
  limits.max_per_client = 1;
  const StreamRig rig(limits, kProxies);
  const Socket first = rig.connectTcp();
  ASSERT_TRUE(test::sendAll(first, proxied(kClientOfOne).bytes()));
  EXPECT_EQ(askSite(first), "one");
  EXPECT_EQ(siteFor(rig, kClientOfOne), "") << "one too many";
  EXPECT_EQ(rig.server->counters().refused.value(), 1U);
  EXPECT_EQ(siteFor(rig, kClientOfTwo), "two");
}

TEST(ProxyTransportConcurrent, ConnectionsWithoutAHeaderYetCountInTheServersLimit) {
  TcpLimits limits;
  limits.max_connections = 2;
  const StreamRig rig(limits, kProxies);
  const Socket waiting = rig.connectTcp();
  const Socket first = rig.connectTcp();
  ASSERT_TRUE(test::sendAll(first, proxied(kClientOfOne).bytes()));
  EXPECT_EQ(askSite(first), "one");
  EXPECT_TRUE(test::closed(rig.connectTcp(3)));
}

}  // namespace
}  // namespace meridian::dns
