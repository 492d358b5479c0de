// Random lives of changes: crashes at a write picked at random (in both ways a disk can fail),
// hooks of any configuration that answer late, twice, never, or no (judged by the real policy),
// consumers that stay behind, silent links, clocks that are set, and people who interfere. Checked
// at every moment, of the invariants of domain.md §3g:
//   I1 no published table has a subject with two eZones that may write
//   I2 each published table has the rev after the one before; no epoch ever falls
//   I4 a block ends within its cap, also when the process dies in it
//   I5 nothing is prepared, blocked or moved, whenever it was asked for, while the lag is unknown,
//      stale or too high; an emergency may
//   I6 an answer that comes again changes nothing
// and rule S14: what somebody holds is not prepared; a block counts when each DAL has it. At the
// end, once hooks answer again: every change is over or says what it waits for, and nothing is left
// blocked. Crashes at every write, rather than at random ones: change_prefix_test.cc.
//
// MERIDIAN_SEED picks one schedule to look at.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "base/log.h"
#include "partition/hooks/hook_policy.h"
#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using State = ChangeState;
using Reply = HookReply::Kind;

constexpr unsigned kShards = 8;
#ifdef MERIDIAN_FEWER_SCHEDULES
constexpr unsigned kSchedulesPerShard = 250;
#else
constexpr unsigned kSchedulesPerShard = 12'500;
#endif

class Schedule {
 public:
  explicit Schedule(unsigned seed) : random_(seed) {
    world_.disk->failure =
        seed % 2 == 0 ? test::MemoryDisk::Failure::kLost : test::MemoryDisk::Failure::kStored;
    world_.published = [this](const MapSnapshot& next) { publishedTable(next); };
    for (int i = below(4); i > 0; --i) hooks_.push_back(anyHook(i));
    open();
    check();
  }

  void run() {
    ASSERT_TRUE(opened_);
    const int events = 10 + below(25);
    for (int i = 0; i < events && opened_; ++i) {
      event();
      check();
      if (testing::Test::HasFailure()) return;
    }
    finish();
  }

 private:
  // One phase of one change while its hooks are asked: what HookRunner does, on this world's clock.
  struct Talk {
    std::function<void(HookOutcome)> done;
    HookPolicy policy;
    HookAttempt attempt = {};
    MonotonicTime gives_up = {};  // this attempt's time-out
  };

  HookConfig anyHook(int number) {
    HookConfig hook;
    hook.id = "h" + std::to_string(number);
    hook.phases.set();
    hook.on_error = static_cast<HookConfig::OnError>(below(3));
    // The reader of the configuration refuses the two together.
    const bool goes_on = hook.on_error == HookConfig::OnError::kContinue;
    if (goes_on) hook.phases.reset(static_cast<std::size_t>(HookPhase::kBlock));
    hook.veto = chance(80);
    return hook;
  }

  // Takes over what the engine has asked for since.
  void listen() {
    while (!world_.hooks.asked.empty()) {
      test::ScriptedHooks::Asked asked = std::move(world_.hooks.asked.front());
      world_.hooks.asked.pop_front();
      std::vector<HookConfig> hooks;
      for (const HookConfig& hook : hooks_) {
        if (hook.in(asked.call.phase)) hooks.push_back(hook);
      }
      const MonotonicTime now = world_.clock.monotonicNow();
      HookPolicy policy(std::move(hooks), asked.call, now, random_());
      const HookPolicy::Step first = policy.begin(now);
      talks_.push_back({std::move(asked.done), std::move(policy)});
      go(talks_.size() - 1, first);
    }
  }
  // The outcome, if that is the end of the phase.
  std::optional<HookOutcome> go(std::size_t which, const HookPolicy::Step& step) {
    if (const auto* attempt = std::get_if<HookAttempt>(&step)) {
      talks_[which].attempt = *attempt;
      talks_[which].gives_up = world_.clock.monotonicNow() + attempt->delay + attempt->timeout;
      return std::nullopt;
    }
    const auto outcome = std::get<HookOutcome>(step);
    const auto done = std::move(talks_[which].done);
    talks_.erase(talks_.begin() + static_cast<std::ptrdiff_t>(which));
    done(outcome);
    return outcome;
  }
  // Those whose time is over: the attempt's, or the phase's.
  void giveUpOnTheSilent() {
    const MonotonicTime now = world_.clock.monotonicNow();
    for (std::size_t i = 0; i < talks_.size();) {
      Talk& talk = talks_[i];
      const std::size_t before = talks_.size();
      std::optional<HookPolicy::Step> step;
      if (now >= talk.policy.deadline()) {
        step = talk.policy.expire(now);
      } else if (now >= talk.gives_up) {
        step = talk.policy.reply(talk.attempt.hook, talk.attempt.attempt,
                                 {Reply::kRetry, "late", {}}, now);
      }
      if (step) go(i, *step);
      if (talks_.size() == before) ++i;
    }
  }
  void allSayYes() {
    for (listen(); !talks_.empty(); listen()) {
      Talk& talk = talks_.front();
      const auto step = talk.policy.reply(talk.attempt.hook, talk.attempt.attempt,
                                          {Reply::kAllow, {}, {}}, world_.clock.monotonicNow());
      ASSERT_TRUE(step);
      go(0, *step);
    }
  }

  void open() {
    talks_.clear();
    published_rev_.reset();  // how many commits the failed write was is not known here
    states_.clear();
    opened_ = world_.open();
    if (!opened_) return;
    for (const Change* change : world_.engine->list(true)) states_[change->number] = change->state;
    world_.engine->onTransition([this](const Change& change) { transition(change); });
  }
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  bool chance(int percent) { return below(100) < percent; }

  void event() {
    const int what = below(100);
    if (what < 14) {
      ask();
    } else if (what < 50) {
      answer();
    } else if (what < 78) {
      pass();
    } else if (what < 84) {
      links();
    } else if (what < 88) {
      world_.clock.jump(std::chrono::seconds(below(7200) - 3600));
    } else if (what < 93) {
      order();
    } else if (what < 95) {
      hold();
    } else if (what < 97) {
      consume();
    } else {
      crash();
    }
  }

  void ask() {
    const char* sites[] = {"a", "b", "c"};
    ChangeRequest request;
    request.reason = "random";
    request.actor = "test";
    if (chance(30)) {
      request.kind = ChangeKind::kSwitch;
      request.targets = {{"g", sites[below(3)]}};
      if (chance(20)) {
        request.mode = ChangeMode::kEmergency;
        request.data_policy = DataPolicy::kForce;
        if (chance(80)) world_.fenced = world_.owner("g");
      }
    } else {
      request.mode = static_cast<ChangeMode>(below(4));
      const int many = 1 + below(3);  // beside waves of one, a planned change has one of all
      const std::string to = sites[below(3)];
      for (int i = 0; i < many; ++i) {
        request.targets.push_back({"p" + std::to_string(below(12)), to});
      }
    }
    if (request.mode == ChangeMode::kDrill || chance(10)) {
      request.expires_at = world_.clock.wallNow() + std::chrono::minutes(1 + below(60));
    }
    if (chance(10)) request.not_before = world_.clock.wallNow() + std::chrono::minutes(below(5));
    if (chance(50)) request.overrides = {{"S6", "test"}, {"S7", "test"}};
    request.wait_for_holds = request.mode != ChangeMode::kEmergency && chance(20);
    const auto plan = world_.engine->start(request);
    const bool now = plan && plan->change.state == State::kPrecheck;
    if (plan && plan->accepted && now && !lagKnown() && request.mode != ChangeMode::kEmergency) {
      ADD_FAILURE() << "I5: began without knowing the lag";
    }
  }

  bool lagKnown() const {
    return world_.links.all.freshness == Freshness::kFresh &&
           world_.links.all.worst_lag_60s_ms.value_or(99'999) <= 1'000;
  }

  void hold() {
    const WallTime now = world_.clock.wallNow();
    if (chance(40)) {
      const auto all = world_.holds->all();
      if (!all.empty()) (void)world_.holds->release(all.front().id);
      return;
    }
    Hold placed{.subject = "p" + std::to_string(below(12)),
                .holder = "dcp",
                .reason = "random",
                .actor = "test",
                .created = now,
                .expires = now + std::chrono::minutes(1 + below(30))};
    if (chance(30))
      placed = Hold{placed.id,     HoldScope::kZone, chance(50) ? "z" : "g", placed.holder,
                    placed.reason, placed.actor,     placed.created,         placed.expires};
    (void)world_.holds->add(placed);
  }

  void transition(const Change& change) {
    const auto known = states_.find(change.number);
    const State before = known == states_.end() ? State::kScheduled : known->second;
    states_[change.number] = change.state;
    const bool prepared = before == State::kPrecheck && change.state == State::kPrepared;
    const bool goes_on = before == State::kPrepared && change.state != State::kPrepared &&
                         change.state != State::kAborting && change.state != State::kPrecheck;
    const bool global = change.items().front().kind == SubjectKind::kGlobalZone;
    if (global && change.mode == ChangeMode::kEmergency && before == State::kPrecheck &&
        change.state == State::kPrecommit) {
      EXPECT_EQ(world_.fenced, change.items().front().from) << "S15";
    }
    if (before == State::kBlocking && change.state == State::kCatchingUp) {
      EXPECT_TRUE(dalsHave(change)) << "a DAL may still let a write in";
    }
    if (prepared || goes_on) {
      EXPECT_TRUE(lagKnown()) << "I5: " << changeId(change.number) << " is "
                              << changeStateName(change.state);
    }
    if (!prepared) return;
    for (const ChangeItem& item : change.items()) {
      const HeldMove move{item.subject, item.zone, item.from, item.to};
      EXPECT_TRUE(world_.holds->on(move, world_.clock.wallNow()).empty())
          << "S14: " << item.subject;
    }
  }

  void publishedTable(const MapSnapshot& map) {
    if (published_rev_) {
      EXPECT_EQ(map.table->rev, *published_rev_ + 1) << "I2";
    }
    published_rev_ = map.table->rev;
    for (const Assignment& each : map.table->assignments) {
      EXPECT_LE(test::writersOf(each, *map.topology), 1) << "I1 " << each.subject;
    }
  }

  void answer() {
    listen();
    if (talks_.empty()) return pass();
    const std::size_t which = static_cast<std::size_t>(below(static_cast<int>(talks_.size())));
    if (chance(8)) return;  // lost
    const int luck = below(100);
    const Reply kind = luck < 80   ? Reply::kAllow
                       : luck < 85 ? Reply::kVeto
                       : luck < 90 ? Reply::kDefer
                       : luck < 95 ? Reply::kRetry
                                   : Reply::kPermanent;
    Talk& talk = talks_[which];
    const HookAttempt attempt = talk.attempt;
    const MonotonicTime now = world_.clock.monotonicNow();
    const auto step = talk.policy.reply(attempt.hook, attempt.attempt, {kind, "random", {}}, now);
    ASSERT_TRUE(step);
    if (chance(15)) {
      EXPECT_FALSE(talk.policy.reply(attempt.hook, attempt.attempt, {Reply::kVeto, {}, {}}, now))
          << "I6";
    }
    const auto done = talk.done;
    const auto outcome = go(which, *step);
    if (!outcome || !chance(15)) return;
    const std::vector<std::uint64_t> steps = allSteps();
    done(*outcome);
    done({.kind = HookOutcome::Kind::kVetoed, .hook = "h", .reason = "again"});
    EXPECT_EQ(allSteps(), steps) << "I6";
  }
  std::vector<std::uint64_t> allSteps() const {
    std::vector<std::uint64_t> steps;
    for (const Change* change : world_.engine->list(false)) steps.push_back(change->steps);
    return steps;
  }

  // Time passes in the steps of a real server's ticks.
  void pass() {
    const int ticks = chance(70) ? 1 + below(20) : 40 + below(60);
    const auto step = chance(50) ? 100ms : 1000ms;
    for (int i = 0; i < ticks && !world_.engine->storeFailed(); ++i) {
      world_.advance(step);
      listen();
      giveUpOnTheSilent();
      check();
    }
    if (world_.engine->storeFailed()) crash();
  }

  // A router or a DAL polls; not always with the newest table.
  void consume() {
    const Rev rev = world_.map->current().table->rev;
    const Rev behind = chance(70) ? 0 : static_cast<Rev>(below(3));
    const bool dal = chance(50);
    const std::string id = (dal ? "d" : "r") + std::to_string(below(2));
    const MonotonicTime now = world_.clock.monotonicNow();
    EXPECT_TRUE(world_.consumers.heard(id, dal ? ConsumerKind::kDal : ConsumerKind::kRouter,
                                       rev > behind ? rev - behind : 1, now));
  }
  // Whether each DAL has the block of all subjects of the change.
  bool dalsHave(const Change& change) {
    for (const auto& [id, consumer] : world_.consumers.all(world_.clock.monotonicNow())) {
      if (consumer.kind != ConsumerKind::kDal) continue;
      for (const ChangeItem& item : change.items()) {
        if (consumer.rev < world_.assignment(item.subject).rev) return false;
      }
    }
    return true;
  }

  void links() {
    world_.links.caught_up = chance(80);
    LinkView view = test::ScriptedLinks::good();
    if (chance(40)) {
      view.freshness = chance(50) ? Freshness::kStale : Freshness::kUnknown;
      if (view.freshness == Freshness::kUnknown) view.effective_lag_ms.reset();
      view.worst_lag_60s_ms.reset();
    } else if (chance(30)) {
      view.worst_lag_60s_ms = 5'000;
    }
    world_.links.all = view;
  }

  void order() {
    const auto changes = world_.engine->list(false);
    if (changes.empty()) return;
    const auto number =
        changes[static_cast<std::size_t>(below(static_cast<int>(changes.size())))]->number;
    if (chance(20)) {
      (void)world_.engine->rollback(number, ChangeMode::kPlanned, "back", "test", false);
    } else {
      (void)world_.engine->order(number, static_cast<ChangeOrder>(below(4)), "test");
    }
  }

  // The process dies: at once, or at one of the next writes.
  void crash() {
    if (chance(60) && !world_.engine->storeFailed()) {
      world_.disk->fail_at = world_.disk->writes + static_cast<std::size_t>(below(4));
      for (int i = 0; i < 60 && !world_.engine->storeFailed(); ++i) {
        allSayYes();
        if (world_.engine->storeFailed()) break;
        world_.advance(500ms);
      }
    }
    world_.disk->fail_at.reset();
    open();
    ASSERT_TRUE(opened_) << "what was written does not hold together";
    check();
  }

  void check() {
    const MapSnapshot& map = world_.map->current();
    const MonotonicTime now = world_.clock.monotonicNow();
    for (const Assignment& each : map.table->assignments) {
      Epoch& last = epochs_[each.subject];
      EXPECT_GE(each.epoch, last) << "I2 " << each.subject;
      last = each.epoch;
      if (each.write_state == WriteState::kOpen) {
        closed_.erase(each.subject);
      } else {
        const auto since = closed_.emplace(each.subject, now).first->second;
        // The block's budget, the reroute's after COMMIT, and a tick.
        EXPECT_LE(now - since, 30s + 15s + 2s) << "I4 " << each.subject;
      }
    }
  }

  // The weather clears: whatever is open comes to an end, or says what it waits for.
  void finish() {
    world_.links.all = test::ScriptedLinks::good();
    world_.links.caught_up = true;
    for (int i = 0; i < 3'000 && hurrying() > 0; ++i) {
      allSayYes();
      world_.advance(i < 100 ? 100ms : 5000ms);
      check();
    }
    for (const Change* change : world_.engine->list(true)) {
      EXPECT_TRUE(waits(*change)) << changeId(change->number) << " hangs in "
                                  << changeStateName(change->state) << ": " << change->note;
    }
    for (const Assignment& each : world_.map->current().table->assignments) {
      EXPECT_EQ(each.write_state, WriteState::kOpen) << each.subject;
      if (each.prepared) {
        EXPECT_NE(world_.engine->activeChange(each.subject), "") << each.subject;
      }
    }
  }
  static bool waits(const Change& change) {
    return change.paused || change.state == State::kNeedsOperator ||
           change.note.starts_with("waits");
  }
  std::size_t hurrying() const {
    std::size_t count = 0;
    for (const Change* change : world_.engine->list(true)) count += !waits(*change);
    return count;
  }

  std::mt19937 random_;
  test::ChangeWorld world_;
  bool opened_ = false;
  std::optional<Rev> published_rev_ = {};
  std::vector<HookConfig> hooks_;
  std::vector<Talk> talks_;
  std::map<std::uint64_t, State> states_;
  std::map<std::string, Epoch> epochs_;
  std::map<std::string, MonotonicTime> closed_;
};

class ChangeProperty : public testing::TestWithParam<unsigned> {};

TEST_P(ChangeProperty, HoldsInEverySchedule) {
  setLogLevel(LogLevel::kError);
  if (const char* seed = std::getenv("MERIDIAN_SEED")) {
    if (GetParam() != 0) return;
    Schedule(static_cast<unsigned>(std::strtoul(seed, nullptr, 10))).run();
    return;
  }
  for (unsigned i = 0; i < kSchedulesPerShard; ++i) {
    const unsigned seed = GetParam() * kSchedulesPerShard + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    Schedule(seed).run();
    ASSERT_FALSE(HasFailure()) << "again: MERIDIAN_SEED=" << seed;
  }
  std::printf("%u schedules, seeds %u to %u\n", kSchedulesPerShard, GetParam() * kSchedulesPerShard,
              (GetParam() + 1) * kSchedulesPerShard - 1);
}
INSTANTIATE_TEST_SUITE_P(Shards, ChangeProperty, testing::Range(0U, kShards));

}  // namespace
}  // namespace meridian::partition
