// One attempt of one hook: signed HTTP request or program, and what came of it.
//
// Threads: the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/http_client.h"
#include "partition/hooks/hook_config.h"
#include "partition/hooks/hook_reply.h"

namespace meridian::partition {

class HookSender {
 public:
  // Ends the attempt when it goes; `done` is then never called.
  class Sending {
   public:
    virtual ~Sending() = default;
  };
  using Done = std::function<void(HookReply)>;

  HookSender(EventLoop& loop, const Clock& clock);

  // `done` is called once unless the result goes first, and never from inside send(). `hook` and
  // `call` need not outlive it.
  std::unique_ptr<Sending> send(const HookConfig& hook, const HookCall& call, unsigned attempt,
                                std::chrono::milliseconds timeout, Done done);

 private:
  EventLoop& loop_;
  const Clock& clock_;
  HttpClient http_;
};

}  // namespace meridian::partition
