// The engine of changes, in the order of a change's life.
#include "partition/change/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using test::ChangeWorld;
using State = ChangeState;

ChangeRequest shift(const std::string& subject, const std::string& to,
                    ChangeMode mode = ChangeMode::kPlanned) {
  ChangeRequest request;
  request.mode = mode;
  request.targets = {{subject, to}};
  request.reason = "test";
  request.actor = "ann";
  return request;
}

ChangeRequest switchTo(const std::string& to) {
  ChangeRequest request = shift("g", to);
  request.kind = ChangeKind::kSwitch;
  return request;
}

class ChangeEngineTest : public testing::Test {
 protected:
  ChangeEngineTest() { EXPECT_TRUE(world_.open()); }

  std::uint64_t begin(const ChangeRequest& request) const {
    const auto plan = world_.engine->start(request);
    EXPECT_TRUE(plan) << plan.error().error.message;
    if (!plan) return 0;
    for (const RuleVerdict& verdict : plan->verdicts) {
      EXPECT_FALSE(stops(verdict)) << verdict.rule << ": " << verdict.text;
    }
    EXPECT_TRUE(plan->accepted);
    return plan->change.number;
  }
  const Change& change(std::uint64_t number) const { return *world_.engine->find(number); }
  State state(std::uint64_t number) const { return change(number).state; }
  // Answers every question with yes and lets time pass until the change is in `wanted`.
  void runTo(std::uint64_t number, State wanted) {
    for (int i = 0; i < 20'000 && state(number) != wanted; ++i) {
      if (!world_.hooks.asked.empty()) {
        world_.hooks.answer();
      } else {
        world_.advance(100ms);
      }
    }
    ASSERT_EQ(changeStateName(state(number)), changeStateName(wanted)) << change(number).note;
  }
  std::vector<std::string> statesOf(std::uint64_t number) const {
    std::vector<std::string> names;
    const auto log = world_.engine->log(number).value();
    names.reserve(log.size());
    for (const ChangeLogEntry& entry : log) {
      names.emplace_back(changeStateName(entry.state));
    }
    return names;
  }

  ChangeWorld world_;
};

TEST_F(ChangeEngineTest, PlannedShiftGoesThroughItsStates) {
  const Epoch before = world_.assignment("p0").epoch;
  const auto number = begin(shift("p0", "b"));
  runTo(number, State::kPrepared);
  EXPECT_TRUE(world_.assignment("p0").prepared);
  EXPECT_EQ(world_.owner("p0"), "a");
  runTo(number, State::kBlocking);
  EXPECT_EQ(world_.assignment("p0").write_state, WriteState::kBlocked);
  EXPECT_EQ(world_.assignment("p0").block_expires, world_.clock.wallNow() + 60s);
  runTo(number, State::kShifting);
  EXPECT_EQ(world_.owner("p0"), "b");
  EXPECT_EQ(world_.assignment("p0").write_state, WriteState::kOpen);
  EXPECT_GT(world_.assignment("p0").epoch, before);
  runTo(number, State::kDone);
  EXPECT_FALSE(world_.assignment("p0").prepared);
  EXPECT_THAT(statesOf(number),
              testing::ElementsAre("PRECHECK", "PREPARED", "PREBLOCK", "BLOCKING", "CATCHING_UP",
                                   "CATCHING_UP", "PRECOMMIT", "SHIFTING", "UNBLOCKING", "DRAINING",
                                   "SOAKING", "DONE"));
  EXPECT_TRUE(world_.hooks.told(HookPhase::kPostSuccess));
}

TEST_F(ChangeEngineTest, SwitchOfAGlobalZoneVerifiesAndOpensLast) {
  const auto number = begin(switchTo("b"));
  runTo(number, State::kShifting);
  EXPECT_EQ(world_.owner("g"), "b");
  EXPECT_EQ(world_.assignment("g").write_state, WriteState::kSwitching);
  runTo(number, State::kUnblocking);
  EXPECT_EQ(world_.assignment("g").write_state, WriteState::kOpen);
  runTo(number, State::kDone);
  EXPECT_THAT(statesOf(number), testing::Contains("VERIFYING"));
}

TEST_F(ChangeEngineTest, EmergencyNeitherPreparesNorBlocks) {
  world_.links.all = {};  // nobody reports any more
  const auto number = begin(shift("p0", "b", ChangeMode::kEmergency));
  runTo(number, State::kDraining);
  EXPECT_EQ(world_.owner("p0"), "b");
  EXPECT_FALSE(world_.hooks.told(HookPhase::kBlock));
  EXPECT_EQ(change(number).items().front().lost_ms, std::nullopt);
}

TEST_F(ChangeEngineTest, AForcedSwitchNeedsAFencedPrimaryOrAPersonsWord) {
  ChangeRequest forced = switchTo("b");
  forced.mode = ChangeMode::kEmergency;
  forced.data_policy = DataPolicy::kForce;
  const auto refused = world_.engine->start(forced);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->accepted);
  const RuleVerdict& last = refused->verdicts.back();
  EXPECT_EQ(last.rule, "S15");
  EXPECT_FALSE(last.hard);
  EXPECT_THAT(last.text, testing::HasSubstr("writes of g at a are fenced off"));
  world_.fenced = "b";  // the wrong one
  EXPECT_FALSE(world_.engine->start(forced)->accepted);

  ChangeRequest by_hand = forced;
  by_hand.overrides = {{"S15", "power is cut"}};
  by_hand.dry_run = true;
  EXPECT_TRUE(world_.engine->start(by_hand)->accepted);
  world_.fenced = "a";
  const auto number = begin(forced);
  runTo(number, State::kDone);
  EXPECT_EQ(world_.owner("g"), "b");
}

TEST_F(ChangeEngineTest, UnknownLagStopsAPlannedShift) {
  world_.links.all.effective_lag_ms.reset();
  world_.links.all.worst_lag_60s_ms.reset();
  world_.links.all.freshness = Freshness::kUnknown;
  const auto plan = world_.engine->start(shift("p0", "b"));
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->accepted);
  EXPECT_EQ(world_.engine->list(false).size(), 0);
}

TEST_F(ChangeEngineTest, AnOverrideLetsARuleGoAndIsKept) {
  world_.links.all.worst_lag_60s_ms = 5'000;
  ChangeRequest request = shift("p0", "b");
  request.overrides = {{"S3", "the copy is known to be good"}};
  const auto number = begin(request);
  runTo(number, State::kPrepared);
  EXPECT_EQ(change(number).overrides.front().rule, "S3");
}

TEST_F(ChangeEngineTest, AVetoBeforeCommitPutsEverythingBack) {
  const auto number = begin(shift("p0", "b"));
  const Epoch before = world_.assignment("p0").epoch;
  runTo(number, State::kPrecommit);
  world_.hooks.answer(HookOutcome::Kind::kVetoed);
  EXPECT_EQ(state(number), State::kAborting);
  EXPECT_EQ(world_.owner("p0"), "a");
  EXPECT_EQ(world_.assignment("p0").write_state, WriteState::kOpen);
  EXPECT_GT(world_.assignment("p0").epoch, before);  // stragglers of the attempt die
  runTo(number, State::kAborted);
  EXPECT_THAT(change(number).note, testing::HasSubstr("vetoed by hook test"));
}

TEST_F(ChangeEngineTest, ABlockThatNobodyAcknowledgesEndsInTime) {
  const auto number = begin(shift("p0", "b"));
  runTo(number, State::kBlocking);
  for (int i = 0; i < 100; ++i) world_.advance(100ms);
  EXPECT_EQ(state(number), State::kAborting);
  EXPECT_EQ(world_.assignment("p0").write_state, WriteState::kOpen);
}

TEST_F(ChangeEngineTest, ATargetThatDoesNotCatchUpEndsTheBlock) {
  world_.links.caught_up = false;
  const auto number = begin(shift("p0", "b"));
  runTo(number, State::kAborted);
  EXPECT_EQ(world_.owner("p0"), "a");
  EXPECT_THAT(change(number).note, testing::HasSubstr("catching up"));
}

TEST_F(ChangeEngineTest, APositionFromBeforeTheBlockIsNoBarrier) {
  world_.links.all.src_pos_age_ms = 60'000;
  const auto number = begin(shift("p0", "b"));
  runTo(number, State::kAborted);
  EXPECT_EQ(world_.owner("p0"), "a");
  EXPECT_THAT(change(number).note, testing::HasSubstr("the source's position"));
}

TEST_F(ChangeEngineTest, AClockThatJumpsWhileBlockedStopsTheCommit) {
  const auto number = begin(switchTo("b"));
  runTo(number, State::kPrecommit);
  world_.clock.jump(2s);
  world_.hooks.answer();
  EXPECT_EQ(state(number), State::kAborting);
  EXPECT_EQ(world_.owner("g"), "a");
}

TEST_F(ChangeEngineTest, AfterCommitAFailedRerouteNeedsAnOperator) {
  const auto number = begin(switchTo("b"));
  runTo(number, State::kShifting);
  world_.hooks.answer(HookOutcome::Kind::kFailed);
  EXPECT_EQ(world_.assignment("g").write_state, WriteState::kOpen);  // a block always ends
  runTo(number, State::kNeedsOperator);
  EXPECT_THAT(change(number).remaining, testing::ElementsAre("reroute"));
  ASSERT_TRUE(world_.engine->order(number, ChangeOrder::kResolve, "bob"));
  EXPECT_EQ(state(number), State::kDraining);
}

TEST_F(ChangeEngineTest, AGradualShiftMovesInWavesAndPausesWhenTheTargetLags) {
  ChangeRequest request = shift("p0", "b", ChangeMode::kGradual);
  request.targets.push_back({"p3", "b"});
  const auto number = begin(request);
  ASSERT_EQ(change(number).waves.size(), 2);  // a twelfth of the zone each: two exceed 10 %
  runTo(number, State::kSoaking);
  EXPECT_EQ(world_.owner("p0"), "b");
  EXPECT_EQ(world_.owner("p3"), "a");
  world_.links.all.worst_lag_60s_ms = 9'000;
  world_.advance(1s);
  EXPECT_TRUE(change(number).paused);
  world_.links.all = test::ScriptedLinks::good();
  for (int i = 0; i < 100; ++i) world_.advance(1s);
  EXPECT_EQ(state(number), State::kSoaking);  // it goes on when it is told to
  ASSERT_TRUE(world_.engine->order(number, ChangeOrder::kResume, "bob"));
  runTo(number, State::kDone);
  EXPECT_EQ(world_.owner("p3"), "b");
}

TEST_F(ChangeEngineTest, RollbackOfAPausedGradualShiftTakesBackWhatHasMoved) {
  ChangeRequest request = shift("p0", "b", ChangeMode::kGradual);
  request.targets.push_back({"p3", "b"});
  const auto number = begin(request);
  runTo(number, State::kSoaking);
  world_.clock.advance(10s);  // no toggling within 5 s
  const auto undo = world_.engine->rollback(number, ChangeMode::kPlanned, "no", "bob", false);
  ASSERT_TRUE(undo) << undo.error().error.message;
  ASSERT_TRUE(undo->accepted);
  EXPECT_EQ(state(number), State::kAborted);
  runTo(undo->change.number, State::kDone);
  EXPECT_EQ(world_.owner("p0"), "a");
}

TEST_F(ChangeEngineTest, AnExpiringShiftGoesBackByItself) {
  ChangeRequest request = shift("p0", "b", ChangeMode::kDrill);
  request.expires_at = world_.clock.wallNow() + 1h;
  const auto number = begin(request);
  runTo(number, State::kDone);
  const auto changes = world_.engine->list(true);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0]->kind, ChangeKind::kRevert);
  const auto revert = changes[0]->number;
  EXPECT_EQ(state(revert), State::kScheduled);
  ASSERT_TRUE(world_.open());  // it survives a restart
  EXPECT_EQ(world_.engine->activeChange("p0"), "");
  world_.clock.advance(1h);
  runTo(revert, State::kDone);
  EXPECT_EQ(world_.owner("p0"), "a");
}

TEST_F(ChangeEngineTest, WhileItRunsNothingElseTouchesTheSubject) {
  const auto number = begin(shift("p0", "b"));
  const auto remapped =
      world_.map->remap({"p0", "c", world_.assignment("p0").epoch, "in between", "bob", false});
  ASSERT_FALSE(remapped);
  EXPECT_EQ(remapped.error().rule, "change-active");
  std::string without = test::changeTopology();
  const std::string gone = R"({"id": "p0", "home": "a"}, )";
  without.erase(without.find(gone), gone.size());
  const std::string fallback = R"("default_partition": "p0")";
  without.replace(without.find(fallback), fallback.size(), R"("default_partition": "p1")");
  auto next = decodeTopology(without, "test");
  ASSERT_TRUE(next) << next.error().text();
  const auto put = world_.map->putTopology(std::make_shared<const Topology>(std::move(*next)),
                                           std::nullopt, "p0 is no more", "bob", false);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().rule, "change-active");
  const auto second = world_.engine->start(shift("p0", "c"));
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->accepted);
  runTo(number, State::kDone);
}

TEST_F(ChangeEngineTest, AStaleEpochIsAConflict) {
  ChangeRequest request = shift("p0", "b");
  request.targets[0].expected_epoch = 77;
  const auto plan = world_.engine->start(request);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().rule, "stale-epoch");
  EXPECT_EQ(plan.error().current_epoch, world_.assignment("p0").epoch);
}

TEST_F(ChangeEngineTest, ADryRunChangesNothing) {
  ChangeRequest request = shift("p0", "b");
  request.dry_run = true;
  const auto plan = world_.engine->start(request);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->accepted);
  EXPECT_FALSE(plan->verdicts.empty());
  EXPECT_TRUE(world_.engine->list(false).empty());
}

TEST_F(ChangeEngineTest, ARestartBeforeCommitGivesUpAndAfterItGoesOn) {
  const auto first = begin(shift("p0", "b"));
  runTo(first, State::kBlocking);
  ASSERT_TRUE(world_.open());
  EXPECT_EQ(state(first), State::kAborting);
  EXPECT_EQ(world_.assignment("p0").write_state, WriteState::kOpen);
  runTo(first, State::kAborted);

  const auto second = begin(shift("p1", "c"));
  runTo(second, State::kShifting);
  ASSERT_TRUE(world_.open());
  EXPECT_EQ(state(second), State::kShifting);
  runTo(second, State::kDone);
  EXPECT_EQ(world_.owner("p1"), "c");
}

TEST_F(ChangeEngineTest, AShiftWaitsUntilItsConsumersHaveTheCommit) {
  const auto heard = [&](const std::string& id, ConsumerKind kind, Rev rev) {
    ASSERT_TRUE(world_.consumers.heard(id, kind, rev, world_.clock.monotonicNow()));
  };
  const auto number = begin(shift("p0", "b"));
  runTo(number, State::kPrecommit);
  for (int i = 0; i < 20; ++i) heard("r" + std::to_string(i), ConsumerKind::kRouter, 1);
  world_.hooks.answer();
  ASSERT_EQ(state(number), State::kShifting);
  const Rev committed = world_.assignment("p0").rev;
  while (!world_.hooks.asked.empty()) world_.hooks.answer();
  for (int i = 0; i < 18; ++i) heard("r" + std::to_string(i), ConsumerKind::kRouter, committed);
  world_.advance(100ms);
  EXPECT_EQ(state(number), State::kShifting) << "18 of 20 are 90 %";
  heard("r18", ConsumerKind::kRouter, committed);
  world_.advance(100ms);
  EXPECT_EQ(state(number), State::kUnblocking);
}

TEST_F(ChangeEngineTest, NothingIsCommittedBeforeEachDalHasTheBlock) {
  const auto heard = [&](const std::string& id, ConsumerKind kind, Rev rev) {
    ASSERT_TRUE(world_.consumers.heard(id, kind, rev, world_.clock.monotonicNow()));
  };
  for (const auto& request : {shift("p0", "b"), switchTo("b")}) {
    const std::string& subject = request.targets.front().subject;
    const auto first = begin(request);
    runTo(first, State::kBlocking);
    const Rev blocked = world_.assignment(subject).rev;
    heard("r0", ConsumerKind::kRouter, 1);
    heard("d0", ConsumerKind::kDal, blocked);
    heard("d1", ConsumerKind::kDal, blocked - 1);
    world_.hooks.answer();
    world_.advance(9'900ms);
    EXPECT_EQ(state(first), State::kBlocking) << "d1 may still let a write in";
    world_.advance(100ms);
    EXPECT_EQ(state(first), State::kAborting);
    EXPECT_EQ(world_.owner(subject), "a");
    EXPECT_THAT(change(first).abort_reason, testing::HasSubstr("1 of 2 consumers have not taken"));
    EXPECT_THAT(change(first).abort_reason, testing::HasSubstr(": d1)"));
    runTo(first, State::kAborted);

    const auto second = begin(request);
    runTo(second, State::kBlocking);
    for (const char* dal : {"d0", "d1"}) {
      heard(dal, ConsumerKind::kDal, world_.assignment(subject).rev);
    }
    world_.hooks.answer();
    EXPECT_EQ(state(second), State::kCatchingUp) << "routers are not waited for";
    runTo(second, State::kDone);
  }
}

TEST_F(ChangeEngineTest, ConsumersThatStayBehindAreNamedAndNotWaitedForForever) {
  ASSERT_TRUE(world_.consumers.heard("r0", ConsumerKind::kRouter, 1, world_.clock.monotonicNow()));
  const auto number = begin(switchTo("b"));
  runTo(number, State::kPrecommit);
  ASSERT_TRUE(world_.consumers.heard("d0", ConsumerKind::kDal, 1, world_.clock.monotonicNow()));
  world_.hooks.answer();
  ASSERT_EQ(state(number), State::kShifting);
  while (!world_.hooks.asked.empty()) world_.hooks.answer();
  world_.advance(14'900ms);
  EXPECT_EQ(state(number), State::kShifting);
  EXPECT_EQ(world_.assignment("g").write_state, WriteState::kSwitching);
  world_.advance(100ms);
  EXPECT_EQ(state(number), State::kUnblocking);
  EXPECT_THAT(change(number).note, testing::HasSubstr("1 of 1 consumers have not taken up rev"));
  EXPECT_THAT(change(number).note, testing::EndsWith(": d0")) << "routers are not waited for";
}

// on_error = park used to be what abort is.
TEST_F(ChangeEngineTest, RegressionAHookThatParksAPlannedChangeLeavesItToAPerson) {
  const auto number = begin(shift("p0", "b"));
  const auto parks = [&] {
    world_.hooks.answer(HookOutcome::Kind::kFailed, true);
    EXPECT_EQ(state(number), State::kPrecheck);
    EXPECT_TRUE(change(number).paused);
    EXPECT_EQ(change(number).note, "waits for an operator: hook test: said so");
    EXPECT_FALSE(world_.assignment("p0").prepared);
    world_.advance(1h);
    EXPECT_EQ(state(number), State::kPrecheck) << "nobody else decides";
    ASSERT_TRUE(world_.engine->order(number, ChangeOrder::kResume, "bob"));
    EXPECT_EQ(world_.hooks.asked.size(), 1U) << "its hooks are asked anew";
  };
  parks();
  runTo(number, State::kPreblock);
  parks();
  runTo(number, State::kBlocking);
  world_.hooks.answer(HookOutcome::Kind::kFailed, true);
  EXPECT_EQ(state(number), State::kAborting) << "writers do not wait for a person";
  EXPECT_EQ(world_.assignment("p0").write_state, WriteState::kOpen);
}

// The outbox keeps answers by the id of the call: one that said yes, or "not now", to the first try
// used to decide the next one too.
TEST_F(ChangeEngineTest, RegressionAWaveThatStartsAgainAsksItsHooksAnew) {
  const auto number = begin(shift("p0", "b", ChangeMode::kGradual));
  const std::string first = world_.hooks.asked.front().call.change_id;
  EXPECT_EQ(first, changeId(number));
  world_.hooks.answer(HookOutcome::Kind::kDeferred);
  ASSERT_TRUE(change(number).paused);
  EXPECT_TRUE(world_.hooks.asked.empty()) << "a paused change asks nobody";
  ASSERT_TRUE(world_.engine->order(number, ChangeOrder::kResume, "bob"));
  ASSERT_EQ(world_.hooks.asked.size(), 1U);
  EXPECT_EQ(world_.hooks.asked.front().call.change_id, first + ".2");
  runTo(number, State::kPrecommit);

  ASSERT_TRUE(world_.open());  // a restart
  ASSERT_EQ(state(number), State::kPrecheck);
  EXPECT_TRUE(world_.hooks.asked.empty());
  ASSERT_TRUE(world_.engine->order(number, ChangeOrder::kResume, "bob"));
  ASSERT_EQ(world_.hooks.asked.size(), 1U);
  EXPECT_EQ(world_.hooks.asked.front().call.change_id, first + ".3");
  runTo(number, State::kDone);
}

}  // namespace
}  // namespace meridian::partition
