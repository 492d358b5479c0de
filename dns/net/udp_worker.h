// UdpWorker: one thread, one socket; batches in with recvmmsg, answers out with sendmmsg (Q1 and
// Q8).
//
// Freshness: the serving state is read after a batch was received, so a query that was sent after
// publish() returned is never answered from an older state (docs/ARCHITECTURE.md). Threads: start()
// and stop() from the owner's thread; counters may be read by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>

#include "base/counter.h"
#include "base/published.h"
#include "dns/answer/answer_counters.h"
#include "dns/answer/answerer.h"
#include "dns/answer/serving_state.h"
#include "dns/net/rate_limiter.h"
#include "dns/net/request_desk.h"
#include "dns/net/socket.h"
#include "dns/tap/query_tap.h"

namespace meridian::dns {

struct UdpCounters {
  AnswerCounters answers;
  Counter batches;
  Counter send_failures;  // answers the kernel would not take
  Counter receive_failures;
};

class UdpWorker {
 public:
  // `state`, `desk` and `tap` must outlive the worker. Without a limiter nothing is limited;
  // without a desk NOTIFY and UPDATE are answered as not implemented; without a tap nobody is told
  // of queries.
  UdpWorker(Socket socket, const Published<ServingState>& state,
            std::unique_ptr<RateLimiter> limiter = nullptr, RequestDesk* desk = nullptr,
            QueryTap* tap = nullptr);
  ~UdpWorker();
  UdpWorker(const UdpWorker&) = delete;
  UdpWorker& operator=(const UdpWorker&) = delete;

  void start();
  // Answers what was received, then ends the thread; at most kReceiveTimeout later.
  void stop();
  const UdpCounters& counters() const { return counters_; }
  const RateLimiter* limiter() const { return limiter_.get(); }
  RateLimiter* limiter() { return limiter_.get(); }  // for its takeNotice()

 private:
  class Batch;
  void run();
  // Whether query `i` was one for the desk.
  bool takenToDesk(const Batch& batch, std::size_t i, const Client& client) const;
  // The size of the response to send, 0: none.
  std::size_t answerOne(Batch& batch, std::size_t i, const Client& client,
                        const ServingState& state, std::uint64_t now_ms);
  // The same where rates are limited. REQUIRES: `facts` are new.
  std::size_t answerLimited(std::span<const std::uint8_t> query, const Client& client,
                            const ServingState& state, std::span<std::uint8_t> out,
                            std::uint64_t now_ms, AnswerFacts& facts);
  // The same, and tells of it.
  std::size_t answerTapped(Batch& batch, std::size_t i, const Client& client,
                           const ServingState& state, std::uint64_t now_ms, TapWish wish);

  Socket socket_;
  const Published<ServingState>& state_;
  std::unique_ptr<RateLimiter> limiter_;
  RequestDesk* desk_;
  QueryTap* tap_;
  IpEndpoint bound_;
  UdpCounters counters_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace meridian::dns
