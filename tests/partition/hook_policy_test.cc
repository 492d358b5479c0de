#include "partition/hooks/hook_policy.h"

#include <gtest/gtest.h>

#include <random>

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using Kind = HookReply::Kind;
using Outcome = HookOutcome::Kind;

HookConfig hook(const std::string& id) {
  HookConfig config;
  config.id = id;
  config.url = "http://127.0.0.1/";
  config.phases.set();
  return config;
}

HookCall call(HookPhase phase, milliseconds budget = milliseconds(10'000)) {
  HookCall out;
  out.change_id = "c1";
  out.phase = phase;
  out.budget = budget;
  return out;
}

// One phase with a clock of its own; each reply comes at once.
class Phase {
 public:
  Phase(std::vector<HookConfig> hooks, const HookCall& call)
      : policy_(std::move(hooks), call, now_, 1) {
    take(policy_.begin(now_));
  }

  Phase& say(Kind kind, const std::string& reason = {}) {
    now_ += attempt_.delay;
    const auto step =
        policy_.reply(attempt_.hook, attempt_.attempt, {kind, reason, R"({"n":1})"}, now_);
    EXPECT_TRUE(step);
    if (step) take(*step);
    return *this;
  }
  Phase& expire() {
    now_ = policy_.deadline();
    if (const auto step = policy_.expire(now_)) take(*step);
    return *this;
  }
  const HookAttempt& attempt() const { return attempt_; }
  const std::optional<HookOutcome>& outcome() const { return outcome_; }
  std::optional<Outcome> kind() const {
    return outcome_ ? std::optional(outcome_->kind) : std::nullopt;
  }
  HookPolicy& policy() { return policy_; }
  MonotonicTime now() const { return now_; }

 private:
  void take(const HookPolicy::Step& step) {
    if (const auto* attempt = std::get_if<HookAttempt>(&step)) {
      attempt_ = *attempt;
    } else {
      outcome_ = std::get<HookOutcome>(step);
    }
  }

  MonotonicTime now_{milliseconds(1'000)};
  HookPolicy policy_;
  HookAttempt attempt_;
  std::optional<HookOutcome> outcome_;
};

TEST(HookPolicy, WithoutHooksEveryPhaseIsAllowed) {
  EXPECT_EQ(Phase({}, call(HookPhase::kPreCheck)).kind(), Outcome::kAllowed);
}

TEST(HookPolicy, AsksOneAfterTheOtherInTheOrderOfTheConfiguration) {
  Phase phase({hook("a"), hook("b")}, call(HookPhase::kPreCheck));
  EXPECT_EQ(phase.attempt().hook, 0U);
  EXPECT_EQ(phase.attempt().timeout, milliseconds(2'000));
  phase.say(Kind::kAllow);
  EXPECT_EQ(phase.kind(), std::nullopt);
  EXPECT_EQ(phase.attempt().hook, 1U);
  phase.say(Kind::kAllow, "a warning");
  EXPECT_EQ(phase.kind(), Outcome::kAllowed);
  EXPECT_EQ(phase.outcome()->hook, "b");
  EXPECT_EQ(phase.outcome()->reason, "a warning");
}

TEST(HookPolicy, AVetoOrADeferEndsAPhaseThatMayBeStopped) {
  for (const auto phase_of : {HookPhase::kPreCheck, HookPhase::kPreBlock, HookPhase::kPreCommit}) {
    Phase vetoed({hook("a"), hook("b")}, call(phase_of));
    vetoed.say(Kind::kVeto, "no");
    EXPECT_EQ(vetoed.kind(), Outcome::kVetoed);
    EXPECT_EQ(vetoed.outcome()->hook, "a");
    EXPECT_EQ(vetoed.outcome()->reason, "no");
    EXPECT_EQ(vetoed.outcome()->evidence, R"({"n":1})");
    EXPECT_EQ(Phase({hook("a")}, call(phase_of)).say(Kind::kDefer).kind(), Outcome::kDeferred);
  }
}

TEST(HookPolicy, AVetoOfAHookWithoutTheRightIsShownOnly) {
  HookConfig advisory = hook("a");
  advisory.veto = false;
  Phase phase({advisory}, call(HookPhase::kPreCheck));
  phase.say(Kind::kVeto, "no");
  EXPECT_EQ(phase.kind(), Outcome::kAllowed);
  EXPECT_EQ(phase.outcome()->hook, "a");
  EXPECT_EQ(phase.outcome()->reason, "veto that does not count: no");
}

TEST(HookPolicy, InAnEmergencyErrorsAreNoObstacleAndVetoesCountOnlyWhenHonoured) {
  HookCall emergency = call(HookPhase::kPreCheck);
  emergency.emergency = true;
  EXPECT_EQ(Phase({hook("a")}, emergency).say(Kind::kPermanent).kind(), Outcome::kAllowed);
  EXPECT_EQ(Phase({hook("a")}, emergency).say(Kind::kRetry).say(Kind::kRetry, "late").kind(),
            Outcome::kAllowed);
  EXPECT_EQ(Phase({hook("a")}, emergency).expire().kind(), Outcome::kAllowed);
  EXPECT_EQ(Phase({hook("a")}, emergency).say(Kind::kVeto).kind(), Outcome::kAllowed);
  EXPECT_EQ(Phase({hook("a")}, emergency).say(Kind::kDefer).kind(), Outcome::kAllowed);
  emergency.honour_veto = true;
  EXPECT_EQ(Phase({hook("a")}, emergency).say(Kind::kVeto).kind(), Outcome::kVetoed);
  EXPECT_EQ(Phase({hook("a")}, emergency).say(Kind::kRetry).say(Kind::kRetry).kind(),
            Outcome::kAllowed);
  // What must be done must be done in an emergency too.
  emergency.phase = HookPhase::kReroute;
  EXPECT_EQ(Phase({hook("a")}, emergency).say(Kind::kPermanent).kind(), Outcome::kFailed);
}

TEST(HookPolicy, AnActionThatSaysNoHasFailedAndOneThatSaysWaitIsAskedAgain) {
  Phase refused({hook("a")}, call(HookPhase::kReroute));
  refused.say(Kind::kVeto, "no");
  EXPECT_EQ(refused.kind(), Outcome::kFailed);
  Phase waiting({hook("a")}, call(HookPhase::kUnblock));
  waiting.say(Kind::kDefer);
  EXPECT_EQ(waiting.kind(), std::nullopt);
  EXPECT_EQ(waiting.attempt().attempt, 2U);
  EXPECT_EQ(waiting.say(Kind::kAllow).kind(), Outcome::kAllowed);
}

TEST(HookPolicy, RetriesAsOftenAsTheRoleOrTheHookSays) {
  const auto attempts = [](const HookConfig& config, HookPhase in) {
    Phase phase({config}, call(in, milliseconds(600'000)));
    unsigned count = 0;
    while (!phase.outcome()) {
      phase.say(Kind::kRetry, "status 500");
      ++count;
    }
    EXPECT_EQ(phase.kind(), Outcome::kFailed);
    EXPECT_EQ(phase.outcome()->reason, "status 500");
    return count;
  };
  EXPECT_EQ(attempts(hook("a"), HookPhase::kPreCheck), 2U);
  EXPECT_EQ(attempts(hook("a"), HookPhase::kBlock), 3U);
  HookConfig own = hook("a");
  own.max_attempts = 7;
  EXPECT_EQ(attempts(own, HookPhase::kBlock), 7U);
}

TEST(HookPolicy, OnErrorSaysWhatAFailureMeans) {
  HookConfig config = hook("a");
  config.on_error = HookConfig::OnError::kContinue;
  Phase goes_on({config, hook("b")}, call(HookPhase::kBlock));
  goes_on.say(Kind::kPermanent, "status 404");
  EXPECT_EQ(goes_on.attempt().hook, 1U);
  goes_on.say(Kind::kAllow);
  EXPECT_EQ(goes_on.kind(), Outcome::kAllowed);
  EXPECT_EQ(goes_on.outcome()->reason, "status 404");
  config.on_error = HookConfig::OnError::kPark;
  Phase parked({config}, call(HookPhase::kBlock));
  EXPECT_EQ(parked.say(Kind::kPermanent).kind(), Outcome::kFailed);
  EXPECT_TRUE(parked.outcome()->park);
  EXPECT_FALSE(Phase({hook("a")}, call(HookPhase::kBlock)).say(Kind::kPermanent).outcome()->park);
}

TEST(HookPolicy, NoAttemptOutlivesTheBudget) {
  Phase phase({hook("a")}, call(HookPhase::kBlock, milliseconds(1'000)));
  EXPECT_EQ(phase.attempt().timeout, milliseconds(1'000));
  phase.say(Kind::kRetry);
  ASSERT_EQ(phase.kind(), std::nullopt);
  EXPECT_EQ(phase.now() + phase.attempt().delay + phase.attempt().timeout,
            phase.policy().deadline());
  // The next wait would be longer than what is left.
  EXPECT_EQ(phase.say(Kind::kRetry).kind(), Outcome::kFailed);
  EXPECT_EQ(Phase({hook("a")}, call(HookPhase::kBlock, milliseconds(0))).kind(), Outcome::kFailed);
}

TEST(HookPolicy, DelaysDoubleFromHalfASecondToAMinuteWithinAFifth) {
  EXPECT_EQ(hookRetryDelay(2, 0.5), milliseconds(500));
  EXPECT_EQ(hookRetryDelay(2, 0), milliseconds(400));
  EXPECT_LE(hookRetryDelay(2, 0.999), milliseconds(600));
  EXPECT_EQ(hookRetryDelay(5, 0.5), milliseconds(4'000));
  EXPECT_EQ(hookRetryDelay(1000, 0.5), milliseconds(60'000));
}

// Any network: replies are lost, doubled, late, of other attempts and of any kind.
TEST(HookPolicyProperty, EveryPhaseEndsWithinItsBudgetWithOneOutcome) {
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto below = [&](unsigned bound) {
      return std::uniform_int_distribution<unsigned>(0, bound - 1)(random);
    };
    std::vector<HookConfig> hooks;
    for (unsigned i = below(5); i > 0; --i) {
      HookConfig config = hook("h" + std::to_string(i));
      config.on_error = static_cast<HookConfig::OnError>(below(3));
      config.max_attempts = below(5);
      config.veto = below(2) == 0;
      hooks.push_back(config);
    }
    HookCall asked = call(static_cast<HookPhase>(below(kHookPhases)), milliseconds(below(12'000)));
    asked.emergency = below(2) == 0;
    asked.honour_veto = below(2) == 0;
    MonotonicTime now{milliseconds(5)};
    HookPolicy policy(hooks, asked, now, seed);
    const MonotonicTime end = policy.deadline();
    unsigned outcomes = 0;
    HookOutcome outcome;
    std::vector<HookAttempt> seen;
    const auto take = [&](const HookPolicy::Step& step) {
      ASSERT_EQ(outcomes, 0U) << "a step after the outcome";
      if (const auto* attempt = std::get_if<HookAttempt>(&step)) {
        ASSERT_LT(attempt->hook, hooks.size());
        ASSERT_LE(now + attempt->delay + attempt->timeout, end);
        ASSERT_GT(attempt->timeout.count(), 0);
        seen.push_back(*attempt);
      } else {
        ++outcomes;
        outcome = std::get<HookOutcome>(step);
      }
    };
    take(policy.begin(now));
    for (unsigned events = 0; outcomes == 0 && now < end && events < 200; ++events) {
      now = std::min(end, now + milliseconds(below(400)));
      const HookAttempt open = seen.back();
      const HookAttempt of = below(3) == 0 ? seen[below(static_cast<unsigned>(seen.size()))] : open;
      const HookReply reply{static_cast<Kind>(below(5)), "r", {}};
      if (below(3) == 0) continue;  // lost
      const auto step = policy.reply(of.hook, of.attempt, reply, now);
      ASSERT_EQ(step.has_value(), of.hook == open.hook && of.attempt == open.attempt);
      if (step) take(*step);
      if (below(4) == 0 && step) {  // doubled
        ASSERT_FALSE(policy.reply(of.hook, of.attempt, reply, now));
      }
    }
    if (outcomes == 0) {
      now = end;
      const auto last = policy.expire(now);
      ASSERT_TRUE(last);
      take(*last);
    }
    ASSERT_EQ(outcomes, 1U);
    ASSERT_TRUE(policy.finished());
    ASSERT_FALSE(policy.expire(now));
    for (const HookAttempt& of : seen)
      ASSERT_FALSE(policy.reply(of.hook, of.attempt, {Kind::kVeto, {}, {}}, now));
    const bool may_stop = hookRole(asked.phase) == HookRole::kVeto;
    if (outcome.kind == Outcome::kVetoed || outcome.kind == Outcome::kDeferred) {
      ASSERT_TRUE(may_stop);
      ASSERT_TRUE(!asked.emergency || asked.honour_veto);
    }
    if (hookRole(asked.phase) == HookRole::kNotify || (may_stop && asked.emergency)) {
      ASSERT_NE(outcome.kind, Outcome::kFailed);
    }
  }
}

}  // namespace
}  // namespace meridian::partition
