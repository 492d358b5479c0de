// UdpWorker: one thread, one socket; batches in with recvmmsg, answers out with sendmmsg (Q1 and
// Q8).
//
// Freshness: the serving state is read after a batch was received, so a query that was sent after
// publish() returned is never answered from an older state (docs/ARCHITECTURE.md). Threads: start()
// and stop() from the owner's thread; counters may be read by any.
#pragma once

#include <atomic>
#include <thread>

#include "base/counter.h"
#include "base/published.h"
#include "dns/answer/answer_counters.h"
#include "dns/answer/serving_state.h"
#include "dns/net/socket.h"

namespace meridian::dns {

struct UdpCounters {
  AnswerCounters answers;
  Counter batches;
  Counter send_failures;  // answers the kernel would not take
  Counter receive_failures;
};

class UdpWorker {
 public:
  // `state` must outlive the worker.
  UdpWorker(Socket socket, const Published<ServingState>& state);
  ~UdpWorker();
  UdpWorker(const UdpWorker&) = delete;
  UdpWorker& operator=(const UdpWorker&) = delete;

  void start();
  // Answers what was received, then ends the thread; at most kReceiveTimeout later.
  void stop();
  const UdpCounters& counters() const { return counters_; }

 private:
  class Batch;
  void run();

  Socket socket_;
  const Published<ServingState>& state_;
  UdpCounters counters_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace meridian::dns
