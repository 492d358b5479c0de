// Collectors over real HTTP on the real loop.
#include "partition/drc/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <functional>

#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"
#include "tests/support/web_server.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using test::WebReply;
using test::WebRequest;
using testing::HasSubstr;

class CollectorTest : public testing::Test {
 protected:
  CollectorTest() { std::signal(SIGPIPE, SIG_IGN); }

  PullConfig config() const {
    PullConfig out;
    out.agent = "drc-sh-1";
    out.dc = "sh";
    out.url = "http://" + server_.address();
    out.interval = milliseconds(5);
    return out;
  }
  void start(PullConfig config) {
    collector_ = std::make_unique<Collector>(loop_, clock_, intake_,
                                             std::vector<PullConfig>{std::move(config)});
  }
  const PullStatus& status() const { return collector_->status(0); }
  // Runs the loop until then, or long enough to know that it never comes.
  void runUntil(const std::function<bool()>& condition) {
    bool reached = false;
    const auto look = loop_.every(milliseconds(1), [&] {
      reached = condition();
      if (reached) loop_.stop();
    });
    const auto enough = loop_.after(std::chrono::seconds(30), [&] { loop_.stop(); });
    loop_.run();
    EXPECT_TRUE(reached) << "it never came";
  }
  static std::string hello(const std::string& agent = "drc-sh-1", const std::string& dc = "sh",
                           const std::string& boot = "b1") {
    return R"({"type":"hello","v":1,"agent":")" + agent + R"(","dc":")" + dc + R"(","boot":")" +
           boot + "\"}\n";
  }
  std::string link(int seq) const {
    return R"({"type":"link","seq":)" + std::to_string(seq) +
           R"(,"source":"bj","target":"sh","state":"RUNNING","lag_ms":5,"ts":)" +
           std::to_string(unixMillis(clock_.wallNow())) + "}\n";
  }

  test::FakeClock clock_;
  EventLoop loop_;
  std::function<std::optional<WebReply>(const WebRequest&)> answer_;
  test::WebServer server_{loop_, [this](const WebRequest& request) { return answer_(request); }};
  LinkBook book_;
  FeedIntake intake_{book_};
  std::unique_ptr<Collector> collector_;
};

TEST_F(CollectorTest, AsksForWhatCameSinceAndTakesIt) {
  int seq = 6;
  std::string boot = "b1";
  answer_ = [&](const WebRequest&) {
    return WebReply{200, hello("drc-sh-1", "sh", boot) + link(++seq)};
  };
  start(config());
  EXPECT_EQ(status().state, PullState::kWaiting);
  runUntil([&] { return server_.requests().size() == 3; });
  EXPECT_EQ(server_.requests()[0].path, "/v1/links?since=0");
  EXPECT_EQ(server_.requests()[1].path, "/v1/links?since=7");
  EXPECT_EQ(server_.requests()[2].path, "/v1/links?since=8");
  EXPECT_EQ(server_.requests()[0].method, "GET");
  EXPECT_EQ(status().state, PullState::kUp);
  EXPECT_EQ(book_.view("bj", "sh", clock_.monotonicNow()).effective_lag_ms, 105);
  seq = 0;
  boot = "b2";
  runUntil([&] { return book_.agent("drc-sh-1")->boot == "b2"; });
  EXPECT_EQ(book_.agent("drc-sh-1")->seq, 1U) << "a new boot begins anew";
  EXPECT_EQ(status().failures, 0U);
  EXPECT_EQ(status().why, "");
}

TEST_F(CollectorTest, WhatIsNoAnswerIsAFailureWithAReasonAndChangesNothing) {
  struct Case {
    WebReply reply;
    const char* why;
  };
  const std::vector<Case> cases = {
      {{500, "busy"}, "status 500"},
      {{302, "", {{"Location", "/elsewhere"}}}, "redirects are not followed"},
      {{204, ""}, "status 204"},
      {{200, ""}, "no hello of drc-sh-1 at sh"},
      {{200, link(1)}, "no hello"},
      {{200, "<html>"}, "no hello"},
      {{200, hello("drc-sh-2") + link(1)}, "no hello"},
      {{200, hello("drc-sh-1", "bj") + link(1)}, "no hello"},
      {{200, std::string(Collector::kMaxBody + 1, '\n')}, "over 4194304 bytes"},
  };
  for (const Case& each : cases) {
    answer_ = [&](const WebRequest&) { return each.reply; };
    start(config());
    runUntil([&] { return status().failures == 1; });
    EXPECT_EQ(status().state, PullState::kDown);
    EXPECT_THAT(status().why, HasSubstr(each.why));
    EXPECT_EQ(server_.requests().back().path, "/v1/links?since=0");
    EXPECT_EQ(book_.linkCount(), 0U);
  }
  EXPECT_EQ(book_.count(FeedOutcome::kForeign), 2U);
}

TEST_F(CollectorTest, ALongBodyIsTakenInSlicesAndOthersHaveTheirTurns) {
  const int lines = 5 * static_cast<int>(Collector::kLinesATurn);
  std::string body = hello();
  for (int seq = 1; seq <= lines; ++seq) body += link(seq);
  answer_ = [&](const WebRequest&) { return WebReply{200, body}; };
  start(config());
  std::size_t between = 0;
  std::uint64_t last = 0;
  std::unique_ptr<EventLoop::Timer> turn;
  const std::function<void()> look = [&] {
    const auto agent = book_.agent("drc-sh-1");
    const std::uint64_t seq = agent ? agent->seq : 0;
    EXPECT_LE(seq - last, 2 * Collector::kLinesATurn) << "too much in one go";
    last = seq;
    if (seq > 0 && seq < static_cast<std::uint64_t>(lines)) {
      ++between;
      EXPECT_EQ(status().polls, 0U) << "its end is not there yet";
      EXPECT_EQ(server_.requests().size(), 1U) << "not asked again before the body was taken";
    }
    turn = loop_.after(milliseconds(0), look);
  };
  turn = loop_.after(milliseconds(0), look);
  runUntil([&] { return status().polls == 1; });
  EXPECT_EQ(book_.agent("drc-sh-1")->seq, static_cast<std::uint64_t>(lines));
  EXPECT_GE(between, 3U);
}

TEST_F(CollectorTest, ItMayGoAwayInTheMiddleOfABody) {
  const int lines = 20 * static_cast<int>(Collector::kLinesATurn);
  std::string body = hello();
  for (int seq = 1; seq <= lines; ++seq) body += link(seq);
  answer_ = [&](const WebRequest&) { return WebReply{200, body}; };
  start(config());
  bool gone = false;
  std::unique_ptr<EventLoop::Timer> turn;
  const std::function<void()> look = [&] {
    if (!gone && book_.agent("drc-sh-1")) {
      collector_.reset();
      gone = true;
    }
    if (!gone) turn = loop_.after(milliseconds(0), look);
  };
  turn = loop_.after(milliseconds(0), look);
  runUntil([&] { return gone; });
  const std::uint64_t seq = book_.agent("drc-sh-1")->seq;
  EXPECT_LT(seq, static_cast<std::uint64_t>(lines));
  int turns = 0;
  runUntil([&] { return ++turns == 5; });
  EXPECT_EQ(book_.agent("drc-sh-1")->seq, seq) << "nothing goes on without it";
}

TEST_F(CollectorTest, ItComesBackByItself) {
  bool well = false;
  answer_ = [&](const WebRequest&) {
    return well ? WebReply{200, hello() + link(1)} : WebReply{503, ""};
  };
  start(config());
  runUntil([&] { return status().failures_in_a_row == 3; });
  well = true;
  runUntil([&] { return status().state == PullState::kUp; });
  EXPECT_EQ(status().failures_in_a_row, 0U);
  EXPECT_EQ(status().failures, 3U);
  EXPECT_EQ(status().why, "status 503") << "what it was is still there to read";
  EXPECT_EQ(status().answered_at, clock_.wallNow());
}

TEST_F(CollectorTest, SilenceEndsByTheTimeOutAndIsNeverAskedTwice) {
  answer_ = [](const WebRequest&) { return std::nullopt; };
  PullConfig silent = config();
  silent.timeout = milliseconds(50);
  start(silent);
  runUntil([&] { return status().failures == 2; });
  EXPECT_EQ(server_.requests().size(), 2U);
  EXPECT_EQ(status().state, PullState::kDown);
  collector_.reset();  // with nothing left that could call back
}

TEST_F(CollectorTest, TheTokenIsSentAndItsFileMustBePrivate) {
  const test::TempDir folder;
  const std::string file = (folder.path() / "token").string();
  std::ofstream(file) << "secret-1\n";
  ::chmod(file.c_str(), 0644);
  answer_ = [&](const WebRequest&) { return WebReply{200, hello()}; };
  PullConfig with_token = config();
  with_token.token_file = file;
  start(with_token);
  runUntil([&] { return status().failures == 1; });
  EXPECT_THAT(status().why, HasSubstr("chmod 600"));
  EXPECT_TRUE(server_.requests().empty());
  ::chmod(file.c_str(), 0600);
  runUntil([&] { return status().state == PullState::kUp; });
  EXPECT_EQ(server_.requests()[0].headers.at("authorization"), "Bearer secret-1");
}

TEST(PullDelay, GrowsWithFailuresAndIsBounded) {
  const milliseconds second(1'000);
  EXPECT_EQ(pullDelay(second, milliseconds(300), 0, 0.5), milliseconds(700));
  EXPECT_EQ(pullDelay(second, milliseconds(3'000), 0, 0.5), milliseconds(0));
  EXPECT_EQ(pullDelay(second, milliseconds(300), 1, 0.5), milliseconds(2'000));
  EXPECT_EQ(pullDelay(second, {}, 3, 0.5), milliseconds(8'000));
  EXPECT_EQ(pullDelay(second, {}, 4'000'000'000U, 0.5), kLongestPullDelay);
  EXPECT_EQ(pullDelay(milliseconds(60'000), {}, 2, 0.5), milliseconds(60'000));
  for (double spread = 0; spread < 1; spread += 0.01) {
    const milliseconds delay = pullDelay(second, {}, 2, spread);
    EXPECT_GE(delay, milliseconds(3'200));
    EXPECT_LE(delay, milliseconds(4'800));
  }
}

}  // namespace
}  // namespace meridian::partition
