#include "dns/tap/dnstap_encoder.h"

#include <dnstap.pb.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/tap_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::TapWorld;

std::string bytesAsText(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

dnstap::Dnstap parsedTap(std::span<const std::uint8_t> bytes) {
  dnstap::Dnstap out;
  EXPECT_TRUE(out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return out;
}

class Encoding : public testing::Test {
 protected:
  Encoding() { settings_.identity = "node-1", settings_.version = "v"; }

  TapRecord record() { return world_.told(test::QueryPacket("order.shop.test", 1).bytes()); }

  TapSettings settings_;
  TapWorld world_;
};

TEST_F(Encoding, AResponseSaysEverything) {
  DnstapEncoder encoder(settings_, {});
  const TapRecord record = this->record();
  const dnstap::Dnstap tap = parsedTap(encoder.response(record));
  EXPECT_EQ(tap.identity(), "node-1");
  EXPECT_EQ(tap.version(), "v");
  EXPECT_EQ(tap.extra(), decisionText(record));
  EXPECT_EQ(tap.type(), dnstap::Dnstap::MESSAGE);
  const dnstap::Message& message = tap.message();
  EXPECT_EQ(message.type(), dnstap::Message::AUTH_RESPONSE);
  EXPECT_EQ(message.socket_family(), dnstap::INET);
  EXPECT_EQ(message.socket_protocol(), dnstap::UDP);
  EXPECT_EQ(message.query_address(), std::string("\x7f\0\0\1", 4));
  EXPECT_EQ(message.query_port(), 5353U);
  EXPECT_EQ(message.response_address(), std::string("\x7f\0\0\2", 4));
  EXPECT_EQ(message.response_port(), 53U);
  EXPECT_EQ(message.query_time_sec(), 1'777'636'800U);
  EXPECT_EQ(message.query_time_nsec(), 123'456'789U);
  EXPECT_EQ(message.response_time_sec(), 1'777'636'800U);
  EXPECT_EQ(message.response_time_nsec(), 123'457'789U);
  EXPECT_EQ(message.query_message(), bytesAsText(record.query));
  EXPECT_EQ(message.response_message(), bytesAsText(record.response));
  EXPECT_EQ(message.query_zone(), bytesAsText(test::wireName("shop.test")));
}

TEST_F(Encoding, AQuerySaysWhatWasKnownWhenItCame) {
  DnstapSettings both;
  both.queries = true;
  DnstapEncoder encoder(settings_, both);
  const TapRecord record = this->record();
  EXPECT_FALSE(encoder.response(record).empty());  // and leaves nothing behind
  const dnstap::Dnstap tap = parsedTap(encoder.query(record));
  EXPECT_EQ(tap.message().type(), dnstap::Message::AUTH_QUERY);
  EXPECT_EQ(tap.message().query_message(), bytesAsText(record.query));
  EXPECT_FALSE(tap.has_extra());
  EXPECT_FALSE(tap.message().has_response_message());
  EXPECT_FALSE(tap.message().has_response_time_sec());
}

TEST_F(Encoding, WhatIsNotWantedOrNotThereIsNotMade) {
  DnstapSettings only_queries;
  only_queries.queries = true;
  only_queries.responses = false;
  DnstapEncoder queries(settings_, only_queries);
  DnstapEncoder responses(settings_, {});
  TapRecord record = this->record();
  EXPECT_TRUE(queries.response(record).empty());
  EXPECT_TRUE(responses.query(record).empty());
  record.response = {};
  EXPECT_TRUE(responses.response(record).empty()) << "it was dropped";
  EXPECT_FALSE(queries.query(record).empty());
}

TEST_F(Encoding, EveryTransportAndFamily) {
  DnstapEncoder encoder(settings_, {});
  TapRecord record = this->record();
  const std::pair<Transport, dnstap::SocketProtocol> kProtocols[] = {
      {Transport::kTcp, dnstap::TCP},
      {Transport::kTls, dnstap::DOT},
      {Transport::kHttps, dnstap::DOH}};
  for (const auto& [transport, protocol] : kProtocols) {
    record.transport = transport;
    EXPECT_EQ(parsedTap(encoder.response(record)).message().socket_protocol(), protocol);
  }
  record.client = {test::address("2001:db8::7"), 0};
  record.local = {};
  const dnstap::Dnstap tap = parsedTap(encoder.response(record));
  EXPECT_EQ(tap.message().socket_family(), dnstap::INET6);
  EXPECT_EQ(tap.message().query_address(),
            std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16));
  EXPECT_FALSE(tap.message().has_query_port()) << "behind a proxy it is not known";
  EXPECT_FALSE(tap.message().has_response_port());
  EXPECT_FALSE(tap.message().has_response_address());
}

}  // namespace
}  // namespace meridian::dns
