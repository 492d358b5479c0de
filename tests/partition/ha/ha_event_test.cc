#include "partition/ha/ha_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace meridian::partition {
namespace {

using testing::HasSubstr;
using EventJson = nlohmann::json;

EventJson wholeEvent() {
  return {{"event_id", "e-1"},
          {"type", "switch.request"},
          {"cluster", "order-3"},
          {"scope", "cross_dc"},
          {"subjects", {"p17"}},
          {"from", {{"host", "db1"}, {"dc", "bj"}}},
          {"to", {{"host", "db7"}, {"dc", "sh"}}},
          {"reason", "planned"},
          {"positions", {{"gtid_executed", "3e11:1-9001"}}},
          {"expected_epoch", 65},
          {"occurred_at", 1'777'636'800'000},
          {"expires_at", 1'777'636'860'000},
          {"auto", true},
          {"correlation_id", "ticket-4"}};
}

// What is wrong with the whole event when this member has this value; null takes it away.
std::string problemWith(const char* key, EventJson value) {
  EventJson event = wholeEvent();
  event.erase(key);
  if (!value.is_null()) event[key] = std::move(value);
  const auto decoded = decodeHaEvent(event.dump());
  return decoded ? "" : decoded.error().text();
}

TEST(HaEvent, EveryMemberIsRead) {
  const auto event = decodeHaEvent(wholeEvent().dump());
  ASSERT_TRUE(event) << event.error().text();
  EXPECT_EQ(event->event_id, "e-1");
  EXPECT_EQ(event->type, HaEventType::kSwitchRequest);
  EXPECT_EQ(event->cluster, "order-3");
  EXPECT_EQ(event->scope, HaScope::kCrossDc);
  EXPECT_THAT(event->subjects, testing::ElementsAre("p17"));
  EXPECT_EQ(event->from.host, "db1");
  EXPECT_EQ(event->from.dc, "bj");
  EXPECT_EQ(event->to.host, "db7");
  EXPECT_EQ(event->to.dc, "sh");
  EXPECT_EQ(event->reason, HaReason::kPlanned);
  EXPECT_EQ(event->gtid_executed, "3e11:1-9001");
  EXPECT_EQ(event->expected_epoch, Epoch{65});
  EXPECT_EQ(unixMillis(event->occurred_at), 1'777'636'800'000);
  EXPECT_EQ(unixMillis(event->expires_at), 1'777'636'860'000);
  EXPECT_TRUE(event->automatic);
  EXPECT_EQ(event->correlation_id, "ticket-4");
}

TEST(HaEvent, WhatMayBeLeftOutMay) {
  const auto event = decodeHaEvent(
      R"({"event_id": "e", "type": "heartbeat", "cluster": "c", "scope": "dc", "from": {"dc": "bj"},
          "occurred_at": 0, "expires_at": 1})");
  ASSERT_TRUE(event) << event.error().text();
  EXPECT_FALSE(event->reason);
  EXPECT_FALSE(event->automatic);
  EXPECT_TRUE(event->to.dc.empty());
}

TEST(HaEvent, TheDigestIsOfWhatIsSaidNotOfHow) {
  const auto one = decodeHaEvent(wholeEvent().dump());
  const auto other = decodeHaEvent(wholeEvent().dump(2) + "\n");
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->digest, other->digest);
  EventJson changed = wholeEvent();
  changed["from"]["host"] = "db2";
  EXPECT_NE(decodeHaEvent(changed.dump())->digest, one->digest);
}

TEST(HaEvent, WrongMembersAreNamed) {
  for (const char* key : {"event_id", "type", "cluster", "scope", "from", "occurred_at",
                          "expires_at", "reason", "to"}) {
    EXPECT_THAT(problemWith(key, nullptr), HasSubstr(key)) << key;
  }
  EXPECT_THAT(problemWith("event_id", "with space"), HasSubstr("event_id"));
  EXPECT_THAT(problemWith("event_id", std::string(129, 'x')), HasSubstr("event_id"));
  EXPECT_THAT(problemWith("type", "switch"), HasSubstr("type"));
  EXPECT_THAT(problemWith("cluster", "Order"), HasSubstr("cluster"));
  EXPECT_THAT(problemWith("scope", "city"), HasSubstr("scope"));
  EXPECT_THAT(problemWith("subjects", {"p1", "p1"}), HasSubstr("twice"));
  EXPECT_THAT(problemWith("subjects", EventJson(std::vector<std::string>(65, "p"))),
              HasSubstr("subjects"));
  EXPECT_THAT(problemWith("from", {{"dc", "bj"}, {"rack", 7}}), HasSubstr("from.rack"));
  EXPECT_THAT(problemWith("from", {{"host", "a\nb"}, {"dc", "bj"}}), HasSubstr("from.host"));
  EXPECT_THAT(problemWith("reason", "whim"), HasSubstr("reason"));
  EXPECT_THAT(problemWith("positions", {{"gtid_executed", std::string(8193, '1')}}),
              HasSubstr("gtid_executed"));
  EXPECT_THAT(problemWith("expected_epoch", -1), HasSubstr("expected_epoch"));
  EXPECT_THAT(problemWith("expected_epoch", "65"), HasSubstr("expected_epoch"));
  EXPECT_THAT(problemWith("occurred_at", 1e300), HasSubstr("occurred_at"));
  EXPECT_THAT(problemWith("auto", "yes"), HasSubstr("auto"));
  EXPECT_THAT(problemWith("ttl", 5), HasSubstr("ttl"));
}

TEST(HaEvent, MembersMustFitTogether) {
  EXPECT_THAT(problemWith("expires_at", 1'777'636'800'000), HasSubstr("after occurred_at"));
  EXPECT_THAT(problemWith("expires_at", 1'777'896'000'001), HasSubstr("72 h"));
  EXPECT_THAT(problemWith("to", {{"dc", "bj"}}), HasSubstr("that other"));
  EXPECT_THAT(problemWith("scope", "intra_dc"), HasSubstr("\"from\""));
  EXPECT_THAT(problemWith("type", "dc.isolated"), HasSubstr("must be dc"));
  EXPECT_THAT(problemWith("subjects", {"p1", "p2"}), HasSubstr("one subject"));
  EventJson event = wholeEvent();
  event.erase("expected_epoch");
  event.erase("subjects");
  EXPECT_THAT(decodeHaEvent(event.dump()).error().text(), HasSubstr("must name what goes"));
}

TEST(HaEvent, WhatIsNoEventIsRefused) {
  for (const char* text :
       {"", "[]", "null", "{", R"({"event_id": "a", "event_id": "b"})", "\xff"}) {
    EXPECT_FALSE(decodeHaEvent(text)) << text;
  }
  EventJson event = wholeEvent();
  event["correlation_id"] = std::string(20'000, 'x');
  EXPECT_THAT(decodeHaEvent(event.dump()).error().text(), HasSubstr("16384"));
}

}  // namespace
}  // namespace meridian::partition
