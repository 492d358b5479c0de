// EventLoop: one libevent base, owned, with callbacks as std::function instead of void*.
//
// Threads: run() occupies one thread; post() and stop() from any thread; all else on the loop's
// thread or before run().
#pragma once

#include <chrono>
#include <functional>
#include <memory>

struct event_base;

namespace meridian {

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs until stop().
  void run();
  void stop();
  // Runs `task` on the loop's thread, soon, in the order of posting.
  void post(std::function<void()> task);
  // Calls back after `delay`, once, or each `delay` when repeating. Cancelled when the handle goes;
  // a task may end its own handle.
  class Timer;
  std::unique_ptr<Timer> every(std::chrono::milliseconds period, std::function<void()> task);
  std::unique_ptr<Timer> after(std::chrono::milliseconds delay, std::function<void()> task);
  // Calls back whenever the descriptor can be read (written) without waiting, or has an error. The
  // descriptor is the caller's, and must outlive the handle.
  std::unique_ptr<Timer> onReadable(int descriptor, std::function<void()> task);
  std::unique_ptr<Timer> onWritable(int descriptor, std::function<void()> task);
  // Calls back on a signal, on the loop's thread.
  std::unique_ptr<Timer> onSignal(int signal, std::function<void()> task);

  // For the folders that may use libevent (tests/lint/layers.txt).
  event_base* raw() { return base_; }

 private:
  struct Inbox;
  event_base* base_;
  std::unique_ptr<Inbox> inbox_;
};

class EventLoop::Timer {
 public:
  virtual ~Timer() = default;
};

}  // namespace meridian
