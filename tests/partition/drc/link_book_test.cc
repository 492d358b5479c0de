#include "partition/drc/link_book.h"

#include <gtest/gtest.h>

#include <random>

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kA = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const std::string kB = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

// A book and its time; agents named after their site report bj→sh.
class LinkBookTest : public testing::Test {
 protected:
  FeedTime now() const { return {mono_, wall_}; }
  void pass(milliseconds step) {
    mono_ += step;
    wall_ += step;
  }
  FeedSession agent(const std::string& dc, const std::string& boot = "b1") {
    const HelloLine hello{"drc-" + dc, dc, boot, ""};
    EXPECT_EQ(book_.hello(hello, now()), FeedOutcome::kAccepted);
    return {hello.agent, boot};
  }
  LinkLine line(std::optional<std::int64_t> lag, const std::string& channel = "order") {
    LinkLine out;
    out.seq = ++seq_;
    out.source = "bj";
    out.target = "sh";
    out.channel = channel;
    out.state = LinkState::kRunning;
    out.lag_ms = lag;
    out.ts = wall_.time_since_epoch().count();
    return out;
  }
  void report(const FeedSession& from, LinkLine line) {
    EXPECT_EQ(book_.link(from, std::move(line), now()), FeedOutcome::kAccepted);
  }
  LinkView view() const { return book_.view("bj", "sh", mono_); }
  // A beat each second for `beats` seconds, the last of them now.
  void beats(const FeedSession& from, int beats, std::int64_t lag) {
    for (int i = 0; i < beats; ++i) {
      pass(seconds(1));
      report(from, line(lag));
    }
  }

  MonotonicTime mono_{seconds(1'000)};
  WallTime wall_{seconds(1'777'636'800)};
  std::uint64_t seq_ = 0;
  LinkLimits limits_;
  LinkBook book_{limits_};
};

TEST_F(LinkBookTest, NobodyReportsNothingIsKnown) {
  const LinkView nobody = view();
  EXPECT_EQ(nobody.state, LinkState::kUnknown);
  EXPECT_EQ(nobody.freshness, Freshness::kUnknown);
  EXPECT_EQ(nobody.effective_lag_ms, std::nullopt);
  EXPECT_FALSE(book_.contains("bj", "sh", kA + ":1", mono_));
}

TEST_F(LinkBookTest, SilenceMakesTheLagWorseByItself) {
  const FeedSession sh = agent("sh");
  report(sh, line(180));
  EXPECT_EQ(view().effective_lag_ms, 280) << "and the bound of the clocks' difference";
  EXPECT_EQ(view().state, LinkState::kRunning);
  pass(seconds(3));
  EXPECT_EQ(view().freshness, Freshness::kFresh);
  EXPECT_EQ(view().effective_lag_ms, 3'280);
  pass(milliseconds(1));
  EXPECT_EQ(view().freshness, Freshness::kStale);
  pass(milliseconds(6'999));
  EXPECT_EQ(view().effective_lag_ms, 10'280);
  pass(milliseconds(1));
  EXPECT_EQ(view().freshness, Freshness::kUnknown);
  EXPECT_EQ(view().effective_lag_ms, std::nullopt);
  EXPECT_EQ(view().state, LinkState::kUnknown);
}

TEST_F(LinkBookTest, ANullLagIsUnknownAtOnce) {
  const FeedSession sh = agent("sh");
  report(sh, line(5));
  report(sh, line(std::nullopt));
  EXPECT_EQ(view().freshness, Freshness::kUnknown);
  EXPECT_EQ(view().effective_lag_ms, std::nullopt);
  EXPECT_EQ(view().state, LinkState::kRunning) << "that much the agent did say";
}

TEST_F(LinkBookTest, SeqMustGrowWithinABootAndANewBootStartsAnew) {
  const FeedSession first = agent("sh", "b1");
  report(first, line(10));
  LinkLine again = line(999);
  again.seq = seq_ = 1;
  EXPECT_EQ(book_.link(first, again, now()), FeedOutcome::kOldSeq);
  EXPECT_EQ(view().effective_lag_ms, 110) << "what was dropped changed nothing";
  EXPECT_EQ(book_.heartbeat(first, {1, 5}, now()), FeedOutcome::kOldSeq);
  EXPECT_EQ(book_.heartbeat(first, {2, 5}, now()), FeedOutcome::kAccepted);

  const FeedSession second = agent("sh", "b2");
  again.seq = 1;
  EXPECT_EQ(book_.link(second, again, now()), FeedOutcome::kAccepted);
  EXPECT_EQ(view().effective_lag_ms, 1'099);
  again.seq = 50;
  EXPECT_EQ(book_.link(first, again, now()), FeedOutcome::kOldBoot);
  EXPECT_EQ(book_.hello({"drc-sh", "sh", "b1", ""}, now()), FeedOutcome::kOldBoot);
  EXPECT_EQ(book_.hello({"drc-sh", "bj", "b2", ""}, now()), FeedOutcome::kMoved);
  EXPECT_EQ(book_.link({"drc-nobody", "b1"}, again, now()), FeedOutcome::kNoHello);
  EXPECT_EQ(book_.count(FeedOutcome::kOldSeq), 2U);
  EXPECT_EQ(book_.count(FeedOutcome::kOldBoot), 2U);
}

TEST_F(LinkBookTest, TheTargetSideIsBelievedAboutLagTheSourceSideAboutItsPosition) {
  const FeedSession bj = agent("bj");
  LinkLine from_source = line(1);
  from_source.src_pos = "x@100";
  from_source.applied_pos = "x@100";
  report(bj, from_source);
  EXPECT_EQ(view().effective_lag_ms, std::nullopt) << "the source alone cannot know the lag";
  EXPECT_FALSE(book_.contains("bj", "sh", "x@90", mono_));

  const FeedSession sh = agent("sh");
  LinkLine from_target = line(70);
  seq_ = 10;
  from_target.seq = 1;
  from_target.src_pos = "x@95";
  from_target.applied_pos = "x@94";
  report(sh, from_target);
  EXPECT_EQ(view().effective_lag_ms, 170);
  EXPECT_EQ(view().src_seq, 100U);
  EXPECT_EQ(view().applied_seq, 94U);
  EXPECT_TRUE(book_.contains("bj", "sh", "x@90", mono_));
  EXPECT_FALSE(book_.contains("bj", "sh", "x@95", mono_));

  report(bj, line(400));
  EXPECT_EQ(view().effective_lag_ms, 500) << "of two the worse";
}

TEST_F(LinkBookTest, AReplacedReporterDoesNotHoldTheLinkForEver) {
  const FeedSession old_agent = agent("sh");
  report(old_agent, line(4'000));
  EXPECT_EQ(book_.hello({"drc-sh-2", "sh", "b", ""}, now()), FeedOutcome::kAccepted);
  const FeedSession next{"drc-sh-2", "b"};
  beats(next, 5, 20);
  EXPECT_EQ(view().effective_lag_ms, 9'100) << "silent, but not yet set aside: it gets worse";
  beats(next, 6, 20);
  EXPECT_EQ(view().effective_lag_ms, 120);
}

TEST_F(LinkBookTest, ANegativeLagIsZeroAndShowsTheClocks) {
  const FeedSession sh = agent("sh");
  report(sh, line(-300));
  EXPECT_EQ(view().effective_lag_ms, 300) << "what the clocks hide may be lag";
  EXPECT_EQ(view().skew_ms, 300);
  EXPECT_FALSE(view().skewed);
  report(sh, line(-501));
  EXPECT_TRUE(view().skewed);
  beats(sh, 60, 10);
  EXPECT_TRUE(view().skewed);
  EXPECT_EQ(view().worst_lag_60s_ms, std::nullopt) << "not verified while clocks differ";
  beats(sh, 2, 10);
  EXPECT_EQ(view().skew_ms, 0);
  EXPECT_EQ(view().effective_lag_ms, 110);
}

TEST_F(LinkBookTest, AReportIsAsOldAsItsMeasurement) {
  const FeedSession sh = agent("sh");
  LinkLine late = line(10);
  late.ts -= 4'000;
  report(sh, late);
  EXPECT_EQ(view().effective_lag_ms, 4'110);
  EXPECT_EQ(view().freshness, Freshness::kStale);
  LinkLine ancient = line(10);
  ancient.ts = 1;
  report(sh, ancient);
  EXPECT_EQ(view().freshness, Freshness::kUnknown);
  LinkLine ahead = line(10);
  ahead.ts += 700;
  report(sh, ahead);
  EXPECT_EQ(view().skew_ms, 700);
  EXPECT_EQ(view().effective_lag_ms, 710);
  EXPECT_TRUE(view().skewed);
}

TEST_F(LinkBookTest, TheWorstOfTheLastMinuteNeedsAWholeKnownMinute) {
  const FeedSession sh = agent("sh");
  beats(sh, 60, 50);
  EXPECT_EQ(view().worst_lag_60s_ms, std::nullopt) << "known for 59 s only";
  beats(sh, 1, 50);
  EXPECT_EQ(view().worst_lag_60s_ms, 150) << "reports on time add no age";
  report(sh, line(800));
  beats(sh, 60, 50);
  EXPECT_EQ(view().worst_lag_60s_ms, 900);
  beats(sh, 2, 50);
  EXPECT_EQ(view().worst_lag_60s_ms, 150);
  pass(seconds(5));
  EXPECT_EQ(view().worst_lag_60s_ms, 5'150) << "now";
  report(sh, line(50));
  EXPECT_EQ(view().worst_lag_60s_ms, 5'150) << "and after the late report came";
  report(sh, line(std::nullopt));
  report(sh, line(50));
  EXPECT_EQ(view().worst_lag_60s_ms, std::nullopt) << "it was unknown in between";
  beats(sh, 61, 50);
  EXPECT_EQ(view().worst_lag_60s_ms, 150);
  pass(seconds(11));
  report(sh, line(50));
  EXPECT_EQ(view().worst_lag_60s_ms, std::nullopt) << "silence is not knowing";
}

TEST_F(LinkBookTest, ConflictsGrowForAMinute) {
  const FeedSession sh = agent("sh");
  const auto conflicts = [&](std::int64_t unresolved) {
    LinkLine out = line(1);
    out.conflicts.unresolved = unresolved;
    return out;
  };
  report(sh, conflicts(5));
  EXPECT_FALSE(view().conflicts_growing) << "what was there before is no growth";
  EXPECT_EQ(view().unresolved, 5);
  report(sh, conflicts(6));
  EXPECT_TRUE(view().conflicts_growing);
  report(sh, conflicts(2));
  EXPECT_TRUE(view().conflicts_growing);
  pass(milliseconds(60'001));
  report(sh, conflicts(2));
  EXPECT_FALSE(view().conflicts_growing);
}

TEST_F(LinkBookTest, RebasingIsAMarkWithAnEnd) {
  const FeedSession sh = agent("sh");
  EXPECT_TRUE(book_.markRebasing("bj", "sh", mono_ + seconds(2), mono_));
  EXPECT_EQ(view().state, LinkState::kRebasing) << "also when nobody reports";
  report(sh, line(1));
  EXPECT_EQ(view().state, LinkState::kRebasing);
  LinkLine broken = line(1);
  broken.state = LinkState::kBroken;
  report(sh, broken);
  EXPECT_EQ(view().state, LinkState::kBroken);
  report(sh, line(1));
  pass(seconds(2));
  EXPECT_EQ(view().state, LinkState::kRunning);
}

TEST_F(LinkBookTest, OfSeveralChannelsTheWorst) {
  const FeedSession sh = agent("sh");
  LinkLine order = line(10, "order");
  order.src_pos = kA + ":1-9";
  order.applied_pos = kA + ":1-9";
  LinkLine user = line(2'000, "user");
  user.state = LinkState::kStalled;
  user.src_pos = kB + ":1-9";
  user.applied_pos = kB + ":1-5";
  order.seq = 1;
  user.seq = 2;
  report(sh, order);
  report(sh, user);
  EXPECT_EQ(view().effective_lag_ms, 2'100);
  EXPECT_EQ(view().state, LinkState::kStalled);
  EXPECT_EQ(view().src_pos, kA + ":1-9," + kB + ":1-9");
  EXPECT_FALSE(book_.contains("bj", "sh", view().src_pos, mono_));
  EXPECT_TRUE(book_.contains("bj", "sh", kA + ":1-9," + kB + ":1-5", mono_));
  EXPECT_FALSE(book_.contains("bj", "sh", "5e11fa47-71ca-11e1-9e33-c80aa9429562:1", mono_));

  LinkLine shared = line(10, "shared");  // the first channel's source, further behind
  shared.src_pos = kA + ":1-9";
  shared.applied_pos = kA + ":1-3";
  report(sh, shared);
  EXPECT_FALSE(book_.contains("bj", "sh", kA + ":1-9", mono_)) << "each must have applied it";
  report(sh, line(std::nullopt, "order"));
  EXPECT_EQ(view().effective_lag_ms, std::nullopt);
  EXPECT_EQ(view().freshness, Freshness::kUnknown);
  EXPECT_EQ(view().src_pos, "") << "one channel's position is not known";
}

TEST_F(LinkBookTest, BoundsRefuseAndCount) {
  limits_.max_agents = 2;
  limits_.max_links = 2;
  limits_.max_reporters = 1;
  LinkBook book(limits_);
  const HelloLine first{"a", "sh", "b", ""};
  const HelloLine second{"b", "sh", "b", ""};
  EXPECT_EQ(book.hello(first, now()), FeedOutcome::kAccepted);
  EXPECT_EQ(book.hello(second, now()), FeedOutcome::kAccepted);
  EXPECT_EQ(book.hello({"c", "sh", "b", ""}, now()), FeedOutcome::kTooManyAgents);
  EXPECT_EQ(book.link({"a", "b"}, line(1, "1"), now()), FeedOutcome::kAccepted);
  EXPECT_EQ(book.link({"a", "b"}, line(1, "2"), now()), FeedOutcome::kAccepted);
  EXPECT_EQ(book.link({"a", "b"}, line(1, "3"), now()), FeedOutcome::kTooManyLinks);
  EXPECT_EQ(book.link({"b", "b"}, line(1, "1"), now()), FeedOutcome::kTooManyReporters);
  pass(seconds(11));
  EXPECT_EQ(book.link({"b", "b"}, line(1, "1"), now()), FeedOutcome::kAccepted)
      << "a silent reporter makes room";
  EXPECT_EQ(book.linkCount(), 2U);
  pass(limits_.keep - seconds(5));
  const auto ignored = [](const LinkRow&, const LinkSample&) {};
  book.tick(now(), ignored);
  EXPECT_EQ(book.linkCount(), 1U) << "forgotten after a day of silence";
  EXPECT_EQ(book.agents().size(), 1U);
}

TEST_F(LinkBookTest, ThePastHasEachChangeAndASampleAMinute) {
  const FeedSession sh = agent("sh");
  int samples = 0;
  int changes = 0;
  const auto count = [&](const LinkRow&, const LinkSample& sample) {
    ++samples;
    changes += sample.changed ? 1 : 0;
  };
  report(sh, line(1));
  book_.tick(now(), count);
  book_.tick(now(), count);
  EXPECT_EQ(samples, 1);
  for (int i = 0; i < 12; ++i) {
    pass(seconds(1));
    book_.tick(now(), count);
  }
  EXPECT_EQ(samples, 3) << "FRESH, STALE, UNKNOWN";
  for (int i = 0; i < 120; ++i) {
    pass(seconds(1));
    book_.tick(now(), count);
  }
  EXPECT_EQ(samples, 5);
  EXPECT_EQ(changes, 3);
}

// I5, whatever happens: what is unknown, null, silent or negative never looks better than it may.
TEST(LinkBookProperty, NoLagLooksBetterThanItWasReported) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto pick = [&](std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>(from, to)(random);
  };
  const LinkLimits limits;
  LinkBook book(limits);
  MonotonicTime mono{seconds(1'000)};
  WallTime wall{seconds(1'777'636'800)};
  ASSERT_EQ(book.hello({"t", "sh", "b", ""}, {mono, wall}), FeedOutcome::kAccepted);
  std::optional<std::int64_t> lag;            // the target's last word
  MonotonicTime heard = mono - seconds(100);  // and when it came
  MonotonicTime unknown_until = mono;         // the last moment it was not known
  int verified = 0;
  for (std::uint64_t step = 1; step <= 50'000; ++step) {
    const auto pause = milliseconds(pick(0, 99) == 0 ? pick(0, 12'000) : pick(100, 1'200));
    mono += pause;
    wall += pause;
    if (mono - heard > limits.stale) unknown_until = mono;
    if (pick(0, 9) != 0) {
      LinkLine line;
      line.seq = step;
      line.source = "bj";
      line.target = "sh";
      line.state = LinkState::kRunning;
      line.ts = wall.time_since_epoch().count() - pick(0, 300);
      if (pick(0, 499) != 0) line.lag_ms = pick(0, 199) == 0 ? -pick(0, 700) : pick(0, 600);
      lag = line.lag_ms;
      heard = mono - (wall - WallTime(milliseconds(line.ts)));
      if (!lag) unknown_until = mono;
      ASSERT_EQ(book.link({"t", "b"}, line, {mono, wall}), FeedOutcome::kAccepted);
    }
    const LinkView view = book.view("bj", "sh", mono);
    if (!lag || mono - heard > limits.stale) {
      ASSERT_EQ(view.effective_lag_ms, std::nullopt) << step;
      ASSERT_EQ(view.worst_lag_60s_ms, std::nullopt) << step;
      ASSERT_EQ(view.freshness, Freshness::kUnknown) << step;
      continue;
    }
    ASSERT_TRUE(view.effective_lag_ms) << step;
    ASSERT_GE(*view.effective_lag_ms, std::abs(*lag) + (mono - heard).count()) << step;
    if (!view.worst_lag_60s_ms) continue;
    ++verified;
    ASSERT_GE(mono - unknown_until, seconds(60)) << step;
    ASSERT_GE(*view.worst_lag_60s_ms, std::abs(*lag)) << step;
  }
  EXPECT_GT(verified, 100) << "the property must meet the interesting case";
}

}  // namespace
}  // namespace meridian::partition
