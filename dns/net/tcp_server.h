// TcpServer: DNS over TCP (RFC 7766) on one thread: framing, pipelining, limits and time-outs.
//
// A connection ends when no complete query came for the idle time-out (bytes that complete nothing
// do not count), when the client does not take its answers, on a malformed frame, or when the
// client closed and has its answers. After stop() nobody is answered; sockets are closed when the
// server goes. Threads: start() and stop() from the owner's thread; counters may be read by any.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/counter.h"
#include "base/event_loop.h"
#include "base/published.h"
#include "dns/answer/answer_counters.h"
#include "dns/answer/serving_state.h"
#include "dns/net/socket.h"

struct evconnlistener;

namespace meridian::dns {

struct TcpLimits {
  std::size_t max_connections = 1024;
  std::size_t max_per_client = 128;
  std::chrono::milliseconds idle_timeout{10'000};
  std::chrono::milliseconds write_timeout{5'000};
};

struct TcpCounters {
  AnswerCounters answers;
  Counter accepted;
  Counter refused;  // over a limit
  Counter timed_out;
  Counter malformed;
  Counter accept_failures;  // the system had no descriptor or memory for a connection
};

class TcpServer {
 public:
  // `state` must outlive the server.
  TcpServer(std::vector<Socket> listeners, const Published<ServingState>& state,
            const TcpLimits& limits);
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  void start();
  void stop();
  const TcpCounters& counters() const { return counters_; }

 private:
  struct Listener;
  class Connection;
  struct AddressHash {
    std::size_t operator()(const IpAddress& address) const noexcept;
  };

  void pauseAccepting(evconnlistener* listener);
  void accept(int descriptor, const IpAddress& peer);
  void drop(Connection& connection);
  bool answerAll(Connection& connection);
  bool answerOne(Connection& connection, std::size_t size);

  EventLoop loop_;
  TcpLimits limits_;
  TcpCounters counters_;
  const Published<ServingState>& published_;
  std::unique_ptr<Published<ServingState>::Observer> observer_;  // belongs to the loop's thread
  std::vector<std::uint8_t> response_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unique_ptr<EventLoop::Timer> resume_accepting_;
  std::unordered_map<const Connection*, std::unique_ptr<Connection>> connections_;
  std::unordered_map<IpAddress, std::size_t, AddressHash> per_client_;
  std::thread thread_;
};

}  // namespace meridian::dns
