// CollectorLink: the connection to a collector of dnstap, over a unix socket or TCP.
//
// It never waits: turn() does what can be done now. A collector that is not there is tried again
// and again, at growing distances. While a connection is made messages wait for it, in memory that
// is bounded; what finds no room there, or comes while nobody listens, is lost, and counted. A
// collector that takes nothing for kPatience, or says what it must not, is left.
//
// Threads: one; counters and up() may be read by any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/counter.h"
#include "base/socket.h"
#include "dns/tap/frame_stream.h"
#include "dns/tap/tap_settings.h"

namespace meridian::dns {

// Each message given to add() ends in one of the first two.
struct CollectorCounters {
  Counter written;    // taken by the system for the collector
  Counter lost;       // never left this process
  Counter connected;  // times that a collector took us
  Counter failures;   // connections that came to nothing, or were lost
};

class CollectorLink {
 public:
  static constexpr std::size_t kMaxPending = std::size_t{4} << 20;
  static constexpr std::chrono::milliseconds kPatience{5'000};
  static constexpr std::chrono::milliseconds kFirstRetry{100};
  static constexpr std::chrono::milliseconds kLastRetry{5'000};

  // `clock` must outlive the link.
  CollectorLink(const DnstapSettings& collector, const Clock& clock);
  ~CollectorLink();
  CollectorLink(const CollectorLink&) = delete;
  CollectorLink& operator=(const CollectorLink&) = delete;

  // Sends, receives, connects: whatever need not be waited for.
  void turn();
  void add(std::span<const std::uint8_t> message);
  // Ends the connection for good, in the protocol's way where the collector does its part before
  // `deadline`.
  void finish(MonotonicTime deadline);

  // To wait on with poll(): -1 while there is no connection.
  int descriptor() const { return stream_ ? socket_.get() : -1; }
  bool wantsToWrite() const;
  bool up() const { return up_.load(std::memory_order_relaxed); }  // a collector has taken us
  const CollectorCounters& counters() const { return counters_; }

 private:
  void connect();
  void onConnected();
  void receive();
  void send();
  void bePatient();
  // Why the connection is over.
  void leave(const std::string& why);
  void close();

  DnstapSettings collector_;
  std::string name_;  // for the log
  const Clock& clock_;
  Socket socket_;
  bool connecting_ = false;
  bool finishing_ = false;
  std::optional<FrameStream> stream_;  // nullopt: no connection
  MonotonicTime patience_ends_{};
  MonotonicTime up_since_{};
  MonotonicTime retry_at_{};
  std::chrono::milliseconds retry_in_ = kFirstRetry;
  bool failure_said_ = false;  // since a collector last took us
  std::atomic<bool> up_{false};
  CollectorCounters counters_;
};

}  // namespace meridian::dns
