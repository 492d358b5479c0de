// RequestDesk: NOTIFY and UPDATE (RFC 1996, RFC 2136), from those who receive messages to the
// thread that may change zones, and their answers back.
//
// The receiving threads answer queries and nothing else; what changes zones has one writer, on the
// control thread. At most kMaxWaiting messages wait for it; what comes beyond is counted, and gets
// no answer over UDP, SERVFAIL over connections. Threads: take() and the counts from any; all else
// on the control thread. Must outlive the workers, and the loop must outlive this.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/event_loop.h"
#include "dns/answer/answerer.h"

namespace meridian::dns {

class RequestDesk {
 public:
  static constexpr std::size_t kMaxWaiting = 1000;

  // The response to a message; empty: none. Called on the loop.
  using Handler = std::function<std::vector<std::uint8_t>(std::span<const std::uint8_t> message,
                                                          const Client&)>;
  // Gets the response, on the loop.
  using Reply = std::function<void(std::span<const std::uint8_t> response)>;

  RequestDesk(EventLoop& control, Handler handler)
      : control_(control), handler_(std::move(handler)) {}

  // Whether a message is one for the desk. Costs a look at a byte.
  static bool wants(std::span<const std::uint8_t> message);
  // False: too many wait already. REQUIRES: wants(message).
  bool take(std::span<const std::uint8_t> message, const Client& client, Reply reply);

  std::uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  EventLoop& control_;
  Handler handler_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace meridian::dns
