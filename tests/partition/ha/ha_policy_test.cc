#include "partition/ha/ha_policy.h"

#include <gtest/gtest.h>

#include "partition/ha/ha_signals.h"
#include "tests/support/fake_clock.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using Type = HaEventType;

const WallTime kNow{milliseconds(1'777'636'800'000)};

HaEvent eventOf(Type type, HaScope scope, std::optional<HaReason> reason = {}) {
  HaEvent event;
  event.event_id = "e-1";
  event.type = type;
  event.cluster = "c";
  event.scope = scope;
  event.from.dc = "a";
  event.to.dc = scope == HaScope::kCrossDc ? "b" : "";
  if (scope == HaScope::kCrossDc) event.subjects = {"p1"};
  event.reason = reason;
  event.occurred_at = kNow - milliseconds(100);
  event.expires_at = kNow + milliseconds(60'000);
  return event;
}
HaEvent planned() {
  return eventOf(Type::kSwitchRequest, HaScope::kCrossDc, HaReason::kPlanned);
}

HaFacts good(SubjectKind kind = SubjectKind::kPartition) {
  HaFacts facts;
  facts.now = kNow;
  facts.from_known = true;
  facts.to_known = true;
  facts.subjects = {{"p1", kind, 64, "a", "b-1"}};
  return facts;
}

void expectDenied(const HaEvent& event, const HaFacts& facts, std::string_view rule,
                  HaRefusal refusal = HaRefusal::kNone) {
  const HaVerdict verdict = judge(event, facts);
  EXPECT_EQ(verdict.answer.decision, HaDecision::kDenied) << rule;
  EXPECT_EQ(verdict.answer.rule, rule);
  EXPECT_EQ(verdict.answer.refusal, refusal) << rule;
  EXPECT_FALSE(verdict.start) << rule;
  EXPECT_FALSE(verdict.rebases) << rule;
  EXPECT_FALSE(verdict.signal) << rule;
}

TEST(HaPolicy, APlannedRequestBetweenDatacentersStartsAChange) {
  HaEvent event = planned();
  event.expected_epoch = 64;
  const HaVerdict verdict = judge(event, good());
  EXPECT_EQ(verdict.answer.decision, HaDecision::kAccepted);
  ASSERT_TRUE(verdict.start);
  EXPECT_EQ(verdict.start->kind, ChangeKind::kShift);
  EXPECT_EQ(verdict.start->mode, ChangeMode::kPlanned);
  EXPECT_EQ(verdict.start->actor, "emha:c");
  ASSERT_EQ(verdict.start->targets.size(), 1U);
  EXPECT_EQ(verdict.start->targets[0].to, "b-1");
  EXPECT_EQ(verdict.start->targets[0].expected_epoch, Epoch{64});
  EXPECT_FALSE(verdict.start->expires_at);
}

TEST(HaPolicy, AGlobalZoneMovesOnlyForAPerson) {
  HaEvent event = planned();
  const HaVerdict verdict = judge(event, good(SubjectKind::kGlobalZone));
  ASSERT_TRUE(verdict.start);
  EXPECT_EQ(verdict.start->kind, ChangeKind::kSwitch);
  event.automatic = true;
  expectDenied(event, good(SubjectKind::kGlobalZone), "global-not-automatic");
  EXPECT_TRUE(judge(event, good()).start);
}

TEST(HaPolicy, ADrillGoesBackByItself) {
  const HaEvent event = eventOf(Type::kSwitchRequest, HaScope::kCrossDc, HaReason::kDrill);
  const HaVerdict verdict = judge(event, good());
  ASSERT_TRUE(verdict.start);
  EXPECT_EQ(verdict.start->mode, ChangeMode::kDrill);
  EXPECT_EQ(verdict.start->expires_at, kNow + kHaDrillLife);
}

TEST(HaPolicy, NoFailureMovesAnything) {
  for (const HaScope scope : {HaScope::kCrossDc, HaScope::kDc}) {
    for (const Type type : {Type::kFailureDetected, Type::kSwitchRequest, Type::kSwitchStarted,
                            Type::kSwitchCompleted, Type::kSwitchFailed}) {
      for (const auto kind : {SubjectKind::kPartition, SubjectKind::kGlobalZone}) {
        const HaVerdict verdict = judge(eventOf(type, scope, HaReason::kFailure), good(kind));
        EXPECT_EQ(verdict.answer.decision, HaDecision::kNoted);
        EXPECT_EQ(verdict.answer.rule, "failure-signal");
        EXPECT_TRUE(verdict.signal);
        EXPECT_FALSE(verdict.start);
      }
    }
  }
}

TEST(HaPolicy, WithinADatacenterNothingMovesAndNoSignalIsRaised) {
  for (const HaReason reason : {HaReason::kPlanned, HaReason::kFailure, HaReason::kDrill}) {
    for (const Type type : {Type::kFailureDetected, Type::kSwitchRequest, Type::kSwitchStarted,
                            Type::kSwitchCompleted, Type::kSwitchFailed}) {
      const HaVerdict verdict = judge(eventOf(type, HaScope::kIntraDc, reason), good());
      EXPECT_EQ(verdict.answer.rule, "intra-dc");
      EXPECT_TRUE(verdict.rebases);
      EXPECT_FALSE(verdict.signal);
      EXPECT_FALSE(verdict.start);
    }
  }
}

TEST(HaPolicy, WhatIsOnlyToldIsNoted) {
  for (const Type type : {Type::kSwitchStarted, Type::kSwitchCompleted, Type::kSwitchFailed}) {
    EXPECT_EQ(judge(eventOf(type, HaScope::kCrossDc, HaReason::kPlanned), good()).answer.rule,
              "informed");
    EXPECT_EQ(judge(eventOf(type, HaScope::kDc, HaReason::kPlanned), good()).answer.rule,
              "informed");
  }
  for (const Type type : {Type::kDcIsolated, Type::kDcRecovered, Type::kWriteBlocked,
                          Type::kWriteUnblocked, Type::kHeartbeat}) {
    const HaVerdict verdict = judge(eventOf(type, HaScope::kDc), good());
    EXPECT_EQ(verdict.answer.rule, "signal");
    EXPECT_TRUE(verdict.signal);
  }
}

TEST(HaPolicy, WhatIsLateUnknownOrFrozenIsDenied) {
  HaEvent event = planned();
  event.expires_at = kNow;
  expectDenied(event, good(), "expired", HaRefusal::kExpired);
  event = planned();
  event.occurred_at = kNow + kMaxHaAhead + milliseconds(1);
  event.expires_at = event.occurred_at + milliseconds(1);
  expectDenied(event, good(), "future");
  HaFacts facts = good();
  facts.from_known = false;
  expectDenied(planned(), facts, "unknown-datacenter");
  facts = good();
  facts.to_known = false;
  expectDenied(planned(), facts, "unknown-datacenter");
  facts = good();
  facts.unknown_subject = "p1";
  expectDenied(planned(), facts, "unknown-subject");
  facts = good();
  facts.frozen = "noon";
  expectDenied(planned(), facts, "frozen", HaRefusal::kFrozen);
  // Frozen or not, what happened is heard.
  EXPECT_TRUE(judge(eventOf(Type::kDcIsolated, HaScope::kDc), facts).signal);
  EXPECT_TRUE(
      judge(eventOf(Type::kSwitchCompleted, HaScope::kIntraDc, HaReason::kFailure), facts).rebases);
}

TEST(HaPolicy, AStaleEpochIsToldTheCurrentOne) {
  HaEvent event = planned();
  event.expected_epoch = 63;
  expectDenied(event, good(), "stale-epoch", HaRefusal::kStaleEpoch);
  EXPECT_EQ(judge(event, good()).answer.current_epoch, Epoch{64});
}

TEST(HaPolicy, SubjectsMustBeWhereTheyAreSaidToBe) {
  HaFacts facts = good();
  facts.subjects[0].owner_dc = "c";
  expectDenied(planned(), facts, "not-owner");
  facts = good();
  facts.subjects[0].target.clear();
  expectDenied(planned(), facts, "no-target");
  facts = good();
  facts.subjects.push_back({"g", SubjectKind::kGlobalZone, 64, "a", "b-1"});
  expectDenied(planned(), facts, "mixed-subjects");
  facts = good(SubjectKind::kGlobalZone);
  facts.subjects.push_back({"g", SubjectKind::kGlobalZone, 64, "a", "b-1"});
  expectDenied(planned(), facts, "one-switch");
  expectDenied(eventOf(Type::kSwitchRequest, HaScope::kDc, HaReason::kPlanned), good(),
               "whole-datacenter");
}

class SignalBoardTest : public testing::Test {
 protected:
  // Happened so long after the clock's start, and heard of now.
  SignalBoard::Taken tell(Type type, milliseconds at, const std::string& cluster = "c",
                          HaScope scope = HaScope::kDc) {
    HaEvent event = eventOf(type, scope);
    event.cluster = cluster;
    event.occurred_at = start_ + at;
    event.expires_at = clock_.wallNow() + milliseconds(60'000);
    return board_.record(event);
  }

  test::FakeClock clock_;
  SignalBoard board_{clock_};
  WallTime start_ = clock_.wallNow();
};

TEST_F(SignalBoardTest, AFailedSiteIsFailedUntilItRecovers) {
  EXPECT_FALSE(board_.failed("a"));
  tell(Type::kDcIsolated, milliseconds(10));
  tell(Type::kFailureDetected, milliseconds(20), "other");
  ASSERT_TRUE(board_.failed("a"));
  EXPECT_EQ(board_.failed("a")->since, start_ + milliseconds(10));
  EXPECT_EQ(board_.failed("a")->occurred_at, start_ + milliseconds(20));
  EXPECT_FALSE(board_.failed("b"));
  tell(Type::kDcRecovered, milliseconds(30));
  EXPECT_FALSE(board_.failed("a"));
}

TEST_F(SignalBoardTest, WhatHappenedLaterCountsWhicheverCameFirst) {
  tell(Type::kDcRecovered, milliseconds(30));
  EXPECT_EQ(tell(Type::kDcIsolated, milliseconds(10)), SignalBoard::Taken::kOutdated);
  EXPECT_FALSE(board_.failed("a"));
}

TEST_F(SignalBoardTest, ASilentSenderSaysNothingAnyMore) {
  tell(Type::kDcIsolated, milliseconds(10));
  clock_.advance(milliseconds(59'999));
  EXPECT_TRUE(board_.failed("a"));
  // Somebody set the clock: life is counted without it.
  clock_.jump(std::chrono::hours(-5));
  EXPECT_TRUE(board_.failed("a"));
  clock_.jump(std::chrono::hours(10));
  EXPECT_TRUE(board_.failed("a"));
  clock_.advance(milliseconds(1));
  EXPECT_FALSE(board_.failed("a"));
  EXPECT_TRUE(board_.all().empty());
}

TEST_F(SignalBoardTest, AClustersFailureIsNotItsSites) {
  tell(Type::kFailureDetected, milliseconds(1), "c", HaScope::kCrossDc);
  tell(Type::kWriteBlocked, milliseconds(1));
  tell(Type::kHeartbeat, milliseconds(1));
  EXPECT_FALSE(board_.failed("a"));
  EXPECT_EQ(board_.all().size(), 3U);
}

TEST_F(SignalBoardTest, TheNumberIsBounded) {
  for (std::size_t i = 0; i < SignalBoard::kMaxSignals; ++i) {
    ASSERT_EQ(tell(Type::kHeartbeat, milliseconds(1), "c" + std::to_string(i)),
              SignalBoard::Taken::kNew);
  }
  EXPECT_EQ(tell(Type::kHeartbeat, milliseconds(1), "more"), SignalBoard::Taken::kTooMany);
  EXPECT_EQ(tell(Type::kHeartbeat, milliseconds(2), "c7"), SignalBoard::Taken::kNew);
  clock_.advance(milliseconds(60'000));
  EXPECT_EQ(tell(Type::kHeartbeat, milliseconds(3), "more"), SignalBoard::Taken::kNew);
}

}  // namespace
}  // namespace meridian::partition
