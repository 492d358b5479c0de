// Prober: runs the active checks at their pace and hands out results.
//
// The first run of each check starts at once; then one starts each interval, give or take the
// jitter, so that many nodes do not knock in step. At most `max_running` run at a time; the others
// wait in the order of their turn, and a check is never started while its last run goes on.
// Threads: the loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/http_client.h"
#include "partition/health/check_config.h"
#include "partition/health/check_state.h"
#include "partition/health/probe.h"

namespace meridian::partition {

class Prober {
 public:
  // `check`: its index. Never called from inside the constructor.
  using Report = std::function<void(std::size_t check, ProbeResult result)>;

  // The clock, the loop and the checks must outlive this.
  Prober(EventLoop& loop, const Clock& clock, const std::vector<CheckConfig>& checks,
         std::size_t max_running, Report report);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  std::size_t running() const { return running_; }
  std::size_t waiting() const { return turn_.size(); }

 private:
  struct Run;
  void due(std::size_t check);
  void startWaiting();
  void begin(std::size_t check);
  void end(std::size_t check, ProbeResult result);
  std::unique_ptr<Probe> startProbe(std::size_t check);
  std::chrono::milliseconds pause(const CheckConfig& check);

  EventLoop& loop_;
  const Clock& clock_;
  const std::vector<CheckConfig>& checks_;
  std::size_t max_running_;
  Report report_;
  HttpClient http_;
  std::minstd_rand random_;  // for the jitter only
  std::vector<std::unique_ptr<Run>> runs_;
  std::deque<std::size_t> turn_;
  std::size_t running_ = 0;
};

}  // namespace meridian::partition
