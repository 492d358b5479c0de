// NoHooks: the runner of a server without hooks. Every phase is allowed, soon.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/event_loop.h"
#include "partition/hooks/hook.h"

namespace meridian::server {

class NoHooks final : public partition::HookRunner {
 public:
  explicit NoHooks(EventLoop& loop) : loop_(loop) {}

  void run(const partition::HookCall&, std::function<void(partition::HookOutcome)> done) override {
    loop_.post([done = std::move(done)] { done({}); });
  }
  void cancel(const std::string&, partition::HookPhase) override {}

 private:
  EventLoop& loop_;
};

}  // namespace meridian::server
