#include "base/subprocess.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <optional>

#include "tests/support/temp_dir.h"

namespace meridian {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class SubprocessTest : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD) << "a child was not reaped";
  }

  Result<SubprocessEnd> run(SubprocessCall call) {
    std::optional<Result<SubprocessEnd>> got;
    const auto handle =
        Subprocess::start(loop_, std::move(call), [&](Result<SubprocessEnd> result) {
          got = std::move(result);
          loop_.stop();
        });
    EXPECT_FALSE(got) << "called from inside start()";
    loop_.run();
    return std::move(*got);
  }
  static SubprocessCall shell(const std::string& script) {
    return {.command = {"/bin/sh", "-c", script}};
  }

  EventLoop loop_;
};

TEST_F(SubprocessTest, GivesInputArgumentsAndEnvironmentAndReadsWhatItSays) {
  const auto end =
      run({.command = {"/bin/sh", "-c", R"(cat; echo "[$1] [$GEO_PHASE]"; echo oops >&2; exit 10)",
                       "name", "a b; $(c)"},
           .environment = {{"GEO_PHASE", "$(block)"}},
           .input = "in\n"});
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->exit_code, 10);
  EXPECT_EQ(end->output, "in\n[a b; $(c)] [$(block)]\n");
  EXPECT_EQ(end->problem, "oops\n");
}

TEST_F(SubprocessTest, NothingElseIsInherited) {
  setenv("MERIDIAN_TEST_LEAK", "1", 1);
  const auto environment = run({.command = {"/usr/bin/env"}, .environment = {{"ONLY", "this"}}});
  ASSERT_TRUE(environment);
  EXPECT_EQ(environment->output, "ONLY=this\n");

  const auto descriptors = run({.command = {"/bin/ls", "/proc/self/fd"}});
  ASSERT_TRUE(descriptors);
  EXPECT_EQ(descriptors->output, "0\n1\n2\n3\n");  // 3 is the listing's own

  std::signal(SIGPIPE, SIG_IGN);
  const auto piped = run(shell("kill -PIPE $$; echo ignored"));
  ASSERT_TRUE(piped);
  EXPECT_EQ(piped->exit_code, 128 + SIGPIPE);
}

TEST_F(SubprocessTest, AnInputNobodyReadsDoesNotHold) {
  SubprocessCall call = shell("exit 0");
  call.input = std::string(std::size_t{1} << 20, 'x');
  const auto end = run(std::move(call));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_code, 0);
}

TEST_F(SubprocessTest, ASignalIsAnExitCode) {
  const auto end = run(shell("kill -TERM $$"));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_code, 128 + SIGTERM);
}

TEST_F(SubprocessTest, AtTheDeadlineTheWholeGroupIsKilled) {
  const test::TempDir folder;
  const std::string fifo = (folder.path() / "held").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  // The grandchild holds the fifo open for reading as long as it lives.
  SubprocessCall call = shell("exec 9<>" + fifo + "; sleep 1000 & wait");
  call.timeout = milliseconds(200);
  const auto end = run(std::move(call));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(end.error().message, HasSubstr("200 ms"));
  // Opening for writing fails when no reader is left.
  int descriptor = 0;
  while ((descriptor = open(fifo.c_str(), O_WRONLY | O_NONBLOCK)) >= 0) {
    close(descriptor);
    sched_yield();
  }
  EXPECT_EQ(errno, ENXIO);
}

TEST_F(SubprocessTest, WhatItLeftInTheBackgroundEndsWithIt) {
  const auto end = run(shell("sleep 1000 & echo $!"));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_code, 0);
  const pid_t background = std::stoi(end->output);
  // Killed, it is a zombie until its new parent reaps it, which is nobody's here to wait for. Were
  // it alive, this test would not end before the sleep does.
  std::string state = "R";
  while (state == "R" || state == "S" || state == "D") {
    sched_yield();
    std::string number;
    std::string name;
    state.clear();
    std::ifstream("/proc/" + std::to_string(background) + "/stat") >> number >> name >> state;
  }
}

TEST_F(SubprocessTest, OutputOverTheLimitIsRefusedAndOneOfExactlyTheLimitIsNot) {
  SubprocessCall call = shell("head -c 1000 /dev/zero");
  call.max_output_bytes = 1000;
  const auto fits = run(call);
  ASSERT_TRUE(fits) << fits.error().message;
  EXPECT_EQ(fits->output.size(), 1000U);
  call.max_output_bytes = 999;
  const auto over = run(call);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::kTooLarge);
  call.command.back() = "cat /dev/zero";
  EXPECT_EQ(run(call).error().kind, ErrorKind::kTooLarge);
}

TEST_F(SubprocessTest, OfStandardErrorTheFirstKilobyteIsKept) {
  const auto end = run(shell("head -c 1000000 /dev/zero >&2; echo done"));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->problem.size(), 1024U);
  EXPECT_EQ(end->output, "done\n");
}

TEST_F(SubprocessTest, WhatCannotStartSaysWhy) {
  EXPECT_EQ(run({.command = {"relative"}}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(run({.command = {}}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(run({.command = {"/bin/true", std::string("a\0b", 3)}}).error().kind,
            ErrorKind::kInvalid);
  EXPECT_EQ(run({.command = {"/bin/true"}, .environment = {{"A=B", "c"}}}).error().kind,
            ErrorKind::kInvalid);
  const auto absent = run({.command = {"/nowhere/at/all"}});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(absent.error().message, HasSubstr("/nowhere/at/all"));
}

TEST_F(SubprocessTest, NoCallAfterTheHandleWent) {
  int called = 0;
  const auto count = [&](const Result<SubprocessEnd>&) { ++called; };
  Subprocess::start(loop_, shell("sleep 1000"), count).reset();
  Subprocess::start(loop_, {.command = {"relative"}}, count).reset();
  ASSERT_TRUE(run(shell("exit 0")));
  EXPECT_EQ(called, 0);
}

TEST_F(SubprocessTest, TheCallBackMayEndItsHandle) {
  std::unique_ptr<Subprocess> handle;
  handle = Subprocess::start(loop_, shell("exit 3"), [&](const Result<SubprocessEnd>& end) {
    handle.reset();
    ASSERT_TRUE(end);
    EXPECT_EQ(end->exit_code, 3);
    loop_.stop();
  });
  loop_.run();
}

}  // namespace
}  // namespace meridian
