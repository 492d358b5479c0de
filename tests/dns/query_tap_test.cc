// What is told of queries: the decision of every kind of answer, and the record on its way.
#include "dns/tap/query_tap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/tap_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::QueryPacket;
using test::TapWorld;

constexpr unsigned kTappedA = 1;
const Bytes kOfOne = test::subnetOption(1, 24, {20, 1, 1});
const Bytes kOfTwo = test::subnetOption(1, 24, {21, 1, 1});

std::string toldOf(const char* name, const Bytes& options = {}) {
  TapWorld world;
  QueryPacket packet(name, kTappedA);
  if (!options.empty()) packet = packet.with(test::optRecord(options));
  return decisionText(world.told(packet.bytes()));
}

TEST(QueryTap, TellsHowTheAnswerWasDecided) {
  // The epoch's slot is the owner's.
  EXPECT_EQ(toldOf("order.shop.test"),
            "rev=9 service=order.shop.test. zone=sharded subject=p1 epoch=3 ezone=one "
            "place=resolver");
  EXPECT_EQ(toldOf("order.shop.test", kOfTwo),
            "rev=9 service=order.shop.test. zone=sharded subject=p2 epoch=5 ezone=two "
            "place=client-subnet scope=8");
  EXPECT_EQ(toldOf("order.shop.test", test::option(65001, test::bytesOf("7y"))),
            "rev=9 service=order.shop.test. zone=sharded subject=p2 epoch=5 ezone=two "
            "place=location-option");
  for (const char* name : {"sp2.shard.order.shop.test", "7y.g.order.shop.test"}) {
    EXPECT_EQ(toldOf(name),
              "rev=9 service=order.shop.test. zone=sharded subject=p2 epoch=5 ezone=two "
              "place=name")
        << name;
  }
  EXPECT_EQ(toldOf("account.shop.test", kOfOne),
            "rev=9 service=account.shop.test. zone=single subject=single epoch=5 ezone=two "
            "place=none scope=0");
  EXPECT_EQ(toldOf("ro.account.shop.test", kOfOne),
            "rev=9 service=account.shop.test. zone=single ezone=one place=client-subnet scope=8");
  EXPECT_EQ(toldOf("www.shop.test", kOfTwo),
            "rev=9 service=www.shop.test. zone=free ezone=two place=client-subnet scope=8");
}

TEST(QueryTap, AnAliasIsToldAsWhatItLeadsTo) {
  EXPECT_EQ(toldOf("to.shop.test"), toldOf("order.shop.test"));
}

TEST(QueryTap, OfAChainOfServicesTheLastOneIsTold) {
  EXPECT_EQ(toldOf("via.shop.test"),
            "rev=9 service=account.shop.test. zone=single ezone=one place=resolver");
  EXPECT_EQ(toldOf("via.shop.test", kOfTwo),
            "rev=9 service=via.shop.test. zone=sharded subject=p2 epoch=5 ezone=two "
            "place=client-subnet scope=8")
      << "it led to a zone's own data";
}

TEST(QueryTap, WhatNoServiceAnswersHasARevOnly) {
  for (const char* name : {"ns.shop.test", "nothing.shop.test", "example.net", "g.order.shop.test"})
    EXPECT_EQ(toldOf(name), "rev=9") << name;
  EXPECT_EQ(toldOf("ns.shop.test", kOfOne), "rev=9 scope=0");
}

TEST(QueryTap, TellsTheZoneOfTheNameWhateverAnsweredIt) {
  TapWorld world;
  const Bytes apex = test::wireName("shop.test");
  for (const char* name : {"order.shop.test", "ns.shop.test", "x.shop.test"}) {
    const QueryPacket packet(name, kTappedA);
    EXPECT_THAT(world.told(packet.bytes()).zone, testing::ElementsAreArray(apex)) << name;
  }
  EXPECT_TRUE(world.told(QueryPacket("example.net", kTappedA).bytes()).zone.empty());
}

TEST(QueryTap, TheMessagesAreToldWhole) {
  TapWorld world;
  const Bytes query = QueryPacket("order.shop.test", kTappedA).bytes();
  const TapRecord record = world.told(query);
  EXPECT_THAT(record.query, testing::ElementsAreArray(query));
  EXPECT_THAT(record.response, testing::ElementsAreArray(world.response));
  EXPECT_EQ(record.response_size, world.response.size());
  EXPECT_EQ(record.client.text(), "127.0.0.1:5353");
  EXPECT_EQ(record.local.text(), "127.0.0.2:53");
  EXPECT_EQ(record.answered_at - record.asked_at, 1'000U);
}

TEST(QueryTap, TheLogAloneNeedsNoResponse) {
  TapWorld world;
  const TapRecord record =
      world.told(QueryPacket("order.shop.test", kTappedA).bytes(), {false, true});
  EXPECT_EQ(record.response.size(), kHeaderBytes);
  EXPECT_EQ(record.response_size, world.response.size());
}

TEST(QueryTap, WhatIsNoQueryIsNotTold) {
  TapWorld world;
  Bytes response = QueryPacket("order.shop.test", kTappedA).bytes();
  response[2] |= 0x80;
  EXPECT_TRUE(world.told(response).query.empty());
  EXPECT_TRUE(world.told({1, 2, 3}).query.empty());
  EXPECT_EQ(world.tap.told(), 0U);
}

TEST(QueryTap, AFullRingDropsAndCounts) {
  TapWorld world;
  QueryTap small({1, 1}, 1, 1024);
  TapRecord record;
  const Bytes query = QueryPacket("order.shop.test", kTappedA).bytes();
  record.wish = {true, false};
  record.query = query;
  for (int i = 0; i < 50; ++i) small.tell(record, {}, *world.state);
  EXPECT_GT(small.told(), 0U);
  EXPECT_GT(small.dropped(), 0U);
  EXPECT_EQ(small.told() + small.dropped(), 50U);
}

}  // namespace
}  // namespace meridian::dns
