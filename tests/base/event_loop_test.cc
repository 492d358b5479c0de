#include "base/event_loop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>
#include <vector>

namespace meridian {
namespace {

using std::chrono::milliseconds;

TEST(EventLoop, RunsPostedTasksInOrderAndStops) {
  EventLoop loop;
  std::vector<int> order;
  loop.post([&] { order.push_back(1); });
  loop.post([&] {
    order.push_back(2);
    loop.post([&] {
      order.push_back(3);
      loop.stop();
    });
  });
  loop.run();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(EventLoop, PostFromAnotherThreadRunsOnTheLoopsThread) {
  EventLoop loop;
  constexpr int kTasks = 1000;
  int ran = 0;
  bool elsewhere = false;
  const std::thread::id here = std::this_thread::get_id();
  std::thread other([&] {
    for (int i = 0; i < kTasks; ++i) {
      loop.post([&] {
        ++ran;
        elsewhere = elsewhere || std::this_thread::get_id() != here;
      });
    }
    loop.stop();
  });
  loop.run();
  other.join();
  EXPECT_EQ(ran, kTasks);  // stop() stands behind them in the queue
  EXPECT_FALSE(elsewhere);
}

TEST(EventLoop, AfterCallsOnceAndEveryCallsAgain) {
  EventLoop loop;
  int once = 0;
  int repeated = 0;
  const auto single = loop.after(milliseconds(1), [&] { ++once; });
  const auto each = loop.every(milliseconds(1), [&] {
    if (++repeated == 5) loop.stop();
  });
  loop.run();
  EXPECT_EQ(once, 1);
  EXPECT_EQ(repeated, 5);
}

TEST(EventLoop, ATimerWhoseHandleIsGoneNeverCalls) {
  EventLoop loop;
  bool called = false;
  auto cancelled = loop.after(milliseconds(1), [&] { called = true; });
  cancelled.reset();
  // Due after the cancelled one would have been.
  const auto end = loop.after(milliseconds(20), [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(called);
}

TEST(EventLoop, ATimerThatPostsItsEndCallsNoMore) {
  EventLoop loop;
  int calls = 0;
  std::unique_ptr<EventLoop::Timer> timer;
  timer = loop.every(milliseconds(1), [&] {
    ++calls;
    loop.post([&] {
      timer.reset();
      loop.stop();
    });
  });
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, RunsAgainAfterAStop) {
  EventLoop loop;
  int runs = 0;
  for (int i = 0; i < 3; ++i) {
    loop.post([&] {
      ++runs;
      loop.stop();
    });
    loop.run();
  }
  EXPECT_EQ(runs, 3);
}

TEST(EventLoop, DeliversSignalsOnItsThread) {
  EventLoop loop;
  int signals = 0;
  const auto handle = loop.onSignal(SIGUSR1, [&] {
    if (++signals == 2) {
      loop.stop();
    } else {
      ASSERT_EQ(std::raise(SIGUSR1), 0);
    }
  });
  loop.post([] { ASSERT_EQ(std::raise(SIGUSR1), 0); });
  loop.run();
  EXPECT_EQ(signals, 2);
}

}  // namespace
}  // namespace meridian
