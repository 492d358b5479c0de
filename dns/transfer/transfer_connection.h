// TransferConnection: one TCP connection to a primary: one request out, and the messages that come
// back (RFC 1035 §4.2.2), until somebody has heard enough, or a limit is reached.
//
// Not more than some 256 KiB are read at a time, so that others on the loop have their turn.
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/ip.h"
#include "base/socket.h"
#include "dns/transfer/secondary_limits.h"

namespace meridian::dns {

class TransferConnection {
 public:
  // Gets each message; returns whether more are wanted. Must not end the connection.
  using OnMessage = std::function<bool(std::span<const std::uint8_t> message)>;
  // Called once, as the last thing, and not before the constructor has returned: `failure` says why
  // it ended early; empty: no more messages were wanted. May end the connection.
  using OnEnd = std::function<void(const std::string& failure)>;

  // The loop must outlive this.
  TransferConnection(EventLoop& loop, const IpEndpoint& server,
                     std::span<const std::uint8_t> request, const TransferTimeouts& timeouts,
                     OnMessage on_message, OnEnd on_end);
  ~TransferConnection() = default;
  TransferConnection(const TransferConnection&) = delete;
  TransferConnection& operator=(const TransferConnection&) = delete;

 private:
  void connect(const IpEndpoint& server);
  void write();
  void read();
  bool takeMessages();
  void waitForMessage();
  void end(const std::string& failure);

  EventLoop& loop_;
  TransferTimeouts timeouts_;
  OnMessage on_message_;
  OnEnd on_end_;
  Socket socket_;
  std::vector<std::uint8_t> outgoing_;  // with its length before it
  std::size_t sent_ = 0;
  std::vector<std::uint8_t> incoming_;
  // Behind the socket, which they watch.
  std::unique_ptr<EventLoop::Timer> writable_, readable_, idle_, late_;
};

}  // namespace meridian::dns
