// DNS over TLS: what is particular to it. What it has in common with TCP: net_test.cc.
#include <gtest/gtest.h>

#include "tests/support/stream_rig.h"

namespace meridian::dns {
namespace {

using test::askSite;
using test::becomes;
using test::Bytes;
using test::framed;
using test::QueryPacket;
using test::ReadMessage;
using test::StreamRig;
using test::textOf;
using test::TlsClientOptions;
using test::webQuery;

TlsClientOptions naming(const std::string& application) {
  TlsClientOptions options;
  options.application = application;
  return options;
}

Bytes bigQuery(unsigned id) {
  QueryPacket packet("big.example", 16);
  packet.id = id;
  return packet.bytes();
}

TEST(TlsTransportConcurrent, AnswersAreThoseOfTcpAndCountedBesideThem) {
  const StreamRig rig;
  for (const bool old : {false, true}) {
    TlsClientOptions options;
    options.only_tls_1_2 = old;
    const auto client = rig.connectTls(options);
    ASSERT_TRUE(client->connected());
    EXPECT_EQ(client->version(), old ? "TLSv1.2" : "TLSv1.3");
    EXPECT_NE(askSite(*client), "");
  }
  EXPECT_EQ(rig.server->handshakes().done.value(), 2U);
  EXPECT_EQ(rig.server->tlsCounters().accepted.value(), 2U);
  EXPECT_EQ(rig.server->tlsCounters().answers.received.value(), 2U);
  EXPECT_EQ(rig.server->counters().answers.received.value(), 0U);
}

TEST(TlsTransportConcurrent, TheKeepaliveOptionTellsTheIdleTimeOut) {
  const StreamRig rig;
  const auto client = rig.connectTls();
  const Bytes query =
      QueryPacket("web.example").with(test::optRecord(test::option(11, {}))).bytes();
  ASSERT_TRUE(client->send(textOf(framed(query))));
  const auto answer = test::receiveFrame(*client);
  ASSERT_TRUE(answer);
  const ReadMessage read = test::readMessage(*answer);
  ASSERT_NE(read.findOption(11), nullptr);
  EXPECT_EQ(*read.findOption(11), (Bytes{0, 77}));
}

// RFC 7301 §3.2; "dot" is of RFC 7858.
TEST(TlsTransportConcurrent, WhoNamesProtocolsMustNameDot) {
  const StreamRig rig;
  EXPECT_EQ(rig.connectTls(naming("dot"))->application(), "dot");
  const auto silent = rig.connectTls();
  EXPECT_TRUE(silent->connected());
  EXPECT_EQ(silent->application(), "");
  EXPECT_FALSE(rig.connectTls(naming("h2"))->connected());
  EXPECT_TRUE(becomes([&] { return rig.failed(TlsFailure::kApplication); }, 1));
}

TEST(TlsTransportConcurrent, PipelinedQueriesAreAllAnswered) {
  constexpr unsigned kQueries = 4'000;  // far more than a TLS record, or one message, may hold
  const StreamRig rig;
  const auto client = rig.connectTls();
  std::string stream;
  for (unsigned id = 0; id < kQueries; ++id) stream += textOf(framed(webQuery(id)));
  ASSERT_GT(stream.size(), kMaxMessage);
  ASSERT_TRUE(client->send(stream));
  for (unsigned id = 0; id < kQueries; ++id) {
    const auto answer = test::receiveFrame(*client);
    ASSERT_TRUE(answer) << id;
    ASSERT_EQ(test::readMessage(*answer).id, id);
  }
}

// Reading stops while answers are not taken, at whatever byte of a record, and goes on at it.
TEST(TlsTransportConcurrent, AClientThatReadsLateGetsAllItsAnswers) {
  constexpr unsigned kBig = 300;  // 15 MB of answers: more than the kernel keeps for both sides
  const StreamRig rig;
  const auto client = rig.connectTls();
  std::string stream;
  unsigned queries = 0;
  while (queries < kBig) stream += textOf(framed(bigQuery(queries++)));
  // Their end is in one record with what must wait when one message's length of them is read.
  while (stream.size() < 80'000) stream += textOf(framed(webQuery(queries++)));
  ASSERT_TRUE(client->send(stream));
  for (unsigned id = 0; id < queries; ++id) {
    const auto answer = test::receiveFrame(*client);
    ASSERT_TRUE(answer) << id;
    ASSERT_EQ(static_cast<unsigned>((*answer)[0] << 8 | (*answer)[1]), id);
  }
}

TEST(TlsTransportConcurrent, AMessageOfTheGreatestLengthIsTaken) {
  const StreamRig rig;
  const auto client = rig.connectTls();
  Bytes largest = webQuery();
  largest.resize(kMaxMessage);  // trailing bytes: malformed, but answered
  ASSERT_TRUE(client->send(textOf(framed(largest))));
  const auto answer = test::receiveFrame(*client);
  ASSERT_TRUE(answer);
  EXPECT_EQ(test::readMessage(*answer).rcode, 1U);
  EXPECT_NE(askSite(*client), "");
}

TEST(TlsTransportConcurrent, AClientThatHasSaidItsEndGetsMoreThanMayWaitUnsent) {
  constexpr unsigned kQueries = 100;  // some 50 KB each: several times what may wait
  const StreamRig rig;
  const auto client = rig.connectTls();
  std::string stream;
  for (unsigned id = 0; id < kQueries; ++id) stream += textOf(framed(bigQuery(id)));
  ASSERT_TRUE(client->send(stream));
  client->end();
  for (unsigned id = 0; id < kQueries; ++id) {
    const auto answer = test::receiveFrame(*client);
    ASSERT_TRUE(answer) << id;
    ASSERT_GT(answer->size(), 50'000U);
    ASSERT_EQ((*answer)[1], id);
  }
  EXPECT_FALSE(client->bytes(1));
}

TEST(TlsTransportConcurrent, AHandshakeThatStallsIsEndedAndHoldsNobodyUp) {
  TcpLimits limits;
  limits.handshake_timeout = std::chrono::milliseconds(300);
  const StreamRig rig(limits);
  const Socket silent = rig.connectBare();
  const Socket half = rig.connectBare();
  ASSERT_TRUE(test::sendAll(half, Bytes{0x16, 0x03, 0x01, 0x02, 0x00, 0x01}));  // of a ClientHello
  ASSERT_TRUE(becomes([&] { return rig.server->tlsCounters().accepted.value(); }, 2));
  const auto client = rig.connectTls();
  EXPECT_NE(askSite(*client), "");
  EXPECT_TRUE(test::closed(silent));
  EXPECT_TRUE(test::closed(half));
  EXPECT_EQ(rig.failed(TlsFailure::kTimeout), 2U);
  EXPECT_NE(askSite(*client), "") << "the time-out is the handshake's alone";
  EXPECT_EQ(rig.server->tlsCounters().timed_out.value(), 0U);
}

TEST(TlsTransportConcurrent, FailedHandshakesAreCountedByReason) {
  const StreamRig rig;
  const Socket plain = rig.connectBare();
  ASSERT_TRUE(test::sendAll(plain, framed(webQuery())));
  EXPECT_TRUE(becomes([&] { return rig.failed(TlsFailure::kNotTls); }, 1));

  rig.connectBare();
  EXPECT_TRUE(becomes([&] { return rig.failed(TlsFailure::kClosed); }, 1));

  TlsClientOptions old;
  old.only_tls_1_1 = true;
  EXPECT_FALSE(rig.connectTls(old)->connected());
  EXPECT_TRUE(becomes([&] { return rig.failed(TlsFailure::kVersion); }, 1));

  const test::WebCertificate other = test::makeWebCertificate("other.example", 3'600);
  TlsClientOptions suspicious;
  suspicious.trusted_pem = other.certificate_pem;
  EXPECT_FALSE(rig.connectTls(suspicious)->connected());
  EXPECT_TRUE(becomes([&] { return rig.failed(TlsFailure::kRefused); }, 1));

  EXPECT_EQ(rig.server->handshakes().done.value(), 0U);
  EXPECT_NE(askSite(*rig.connectTls()), "");
}

TEST(TlsTransportConcurrent, IdleSessionsEnd) {
  TcpLimits limits;
  limits.idle_timeout = std::chrono::milliseconds(200);
  const StreamRig rig(limits);
  const auto client = rig.connectTls();
  EXPECT_FALSE(client->bytes(1));
  EXPECT_TRUE(becomes([&] { return rig.server->tlsCounters().timed_out.value(); }, 1));
}

TEST(TlsTransportConcurrent, TlsAndTcpShareTheLimits) {
  TcpLimits limits;
  limits.max_per_client = 2;
  const StreamRig rig(limits);
  const auto first = rig.connectTls();
  const Socket second = rig.connectTcp();
  EXPECT_NE(askSite(*first), "");
  EXPECT_NE(askSite(second), "");
  EXPECT_TRUE(test::closed(rig.connectTcp()));
  EXPECT_FALSE(rig.connectTls()->connected());
  EXPECT_EQ(rig.server->counters().refused.value(), 1U);
  EXPECT_EQ(rig.server->tlsCounters().refused.value(), 1U);
  EXPECT_NE(askSite(rig.connectTcp(2)), "") << "another client";
}

TEST(TlsTransportConcurrent, ASessionIsResumedUntilTheCertificateChanges) {
  const StreamRig rig;
  for (const bool old : {false, true}) {
    TlsClientOptions options;
    options.only_tls_1_2 = old;
    const auto first = rig.connectTls(options);
    EXPECT_NE(askSite(*first), "");
    EXPECT_FALSE(first->resumed());
    options.ticket = first->ticket();
    const auto second = rig.connectTls(options);
    EXPECT_NE(askSite(*second), "");
    EXPECT_TRUE(second->resumed()) << first->version();
  }
  EXPECT_EQ(rig.server->handshakes().resumed.value(), 2U);

  const auto before = rig.connectTls();
  EXPECT_NE(askSite(*before), "");
  const test::WebCertificate next = test::makeWebCertificate("meridian.example", 3'600);
  rig.show(next);
  TlsClientOptions options;
  options.trusted_pem = next.certificate_pem;
  options.ticket = before->ticket();
  const auto after = rig.connectTls(options);
  EXPECT_NE(askSite(*after), "");
  EXPECT_FALSE(after->resumed());
  EXPECT_EQ(after->peerPem(), next.certificate_pem);
  EXPECT_NE(askSite(*before), "") << "who is connected stays so";
}

TEST(TlsTransportConcurrent, ASessionIsNotResumedForEver) {
  const StreamRig rig({}, {}, {.application = "dot", .resumption = std::chrono::seconds(1)});
  TlsClientOptions options;
  {
    const auto first = rig.connectTls();
    EXPECT_NE(askSite(*first), "");
    options.ticket = first->ticket();
  }
  const auto deadline = std::chrono::steady_clock::now() + test::kPatience;
  bool resumed = true;
  while (resumed && std::chrono::steady_clock::now() < deadline) {
    const auto again = rig.connectTls(options);
    ASSERT_NE(askSite(*again), "");
    resumed = again->resumed();
  }
  EXPECT_FALSE(resumed);
}

TEST(TlsTransportConcurrent, WithoutAPolicyForItNothingIsResumed) {
  const StreamRig rig({}, {}, {});
  for (const bool old : {false, true}) {
    TlsClientOptions options;
    options.only_tls_1_2 = old;
    const auto first = rig.connectTls(options);
    EXPECT_NE(askSite(*first), "");
    options.ticket = first->ticket();
    EXPECT_FALSE(rig.connectTls(options)->resumed());
  }
}

}  // namespace
}  // namespace meridian::dns
