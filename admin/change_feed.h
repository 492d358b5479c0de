// ChangeFeed: waits for the next transition of a change, for those who watch it.
//
// Threads: the control thread. It asks the engine to tell it of every transition.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "admin/http_server.h"
#include "base/event_loop.h"
#include "partition/change/engine.h"

namespace meridian::admin {

class ChangeFeed {
 public:
  static constexpr std::chrono::seconds kMaxWait{30};

  // Both must outlive it. `table_changed` is called after each transition: it may have been a
  // commit.
  ChangeFeed(EventLoop& loop, partition::ChangeEngine& engine, std::function<void()> table_changed);
  ~ChangeFeed();
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

  // Replies with `reply()` once the change has made more than `after` steps, `wait` has passed, or
  // the client hangs up. REQUIRES: the change exists.
  void wait(std::uint64_t number, std::uint64_t after, std::chrono::seconds wait,
            const std::shared_ptr<Responder>& responder, std::function<HttpReply()> reply);

 private:
  struct Watcher {
    std::uint64_t number = 0;
    std::shared_ptr<Responder> responder;
    std::function<HttpReply()> reply;
    std::unique_ptr<EventLoop::Timer> timer;
  };

  void finish(const std::weak_ptr<Watcher>& watcher);
  void wake(std::uint64_t number);

  EventLoop& loop_;
  partition::ChangeEngine& engine_;
  std::list<std::shared_ptr<Watcher>> watchers_;
  std::shared_ptr<ChangeFeed*> anchor_ =
      std::make_shared<ChangeFeed*>(this);  // tasks hold it weakly
};

}  // namespace meridian::admin
