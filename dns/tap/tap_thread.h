// TapThread: tells collectors of dnstap, and the query log, of queries. One thread for both; those
// that answer put what they tell into rings (dns/tap/query_tap.h), which it looks into every
// kLookEvery: to be woken by the writers would cost them a system call.
//
// Nothing it does can hold up an answer: when it is slow the rings fill up, and what finds no room
// is dropped and counted.
//
// Threads: makeTap(), start() and stop() from the owner's; counters may be read by any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "base/result.h"
#include "dns/tap/collector_link.h"
#include "dns/tap/dnstap_encoder.h"
#include "dns/tap/query_log.h"
#include "dns/tap/query_tap.h"
#include "dns/tap/tap_settings.h"

namespace meridian::dns {

class TapThread {
 public:
  static constexpr std::chrono::milliseconds kLookEvery{5};
  // What the collector has to take the last messages when the server stops.
  static constexpr std::chrono::milliseconds kFarewell{500};

  // `clock` must outlive the thread. REQUIRES: settings.any().
  TapThread(TapSettings settings, const Clock& clock);
  ~TapThread();
  TapThread(const TapThread&) = delete;
  TapThread& operator=(const TapThread&) = delete;

  // One more thread that answers; its end of a ring, which this owns. Before start().
  Result<QueryTap*> makeTap();

  void start();
  // Tells what the rings still have, then ends the thread; some kFarewell later at most. Those that
  // answer must have ended.
  void stop();

  std::uint64_t told() const;     // queries, to this thread
  std::uint64_t dropped() const;  // those that found their ring full
  // nullptr: is not configured.
  const CollectorLink* collector() const { return link_ ? &*link_ : nullptr; }
  const QueryLog* log() const { return log_ ? &*log_ : nullptr; }

 private:
  void run();
  // Whether there may be more.
  bool drain(QueryTap& tap);

  TapSettings settings_;
  const Clock& clock_;
  std::vector<std::unique_ptr<QueryTap>> taps_;
  std::optional<DnstapEncoder> encoder_;
  std::optional<CollectorLink> link_;
  std::optional<QueryLog> log_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace meridian::dns
