// Probe: one run of one check, from its start to a result. Each kind has its own file.
//
// Threads: the loop's thread. The time-out is the prober's: it ends the probe.
#pragma once

#include <functional>
#include <memory>

#include "base/event_loop.h"
#include "base/http_client.h"
#include "partition/health/check_config.h"
#include "partition/health/check_state.h"

namespace meridian::partition {

class Probe {
 public:
  // Called at most once, never from inside the start; the probe may be destroyed in it. `took` is
  // left to the caller.
  using Done = std::function<void(ProbeResult)>;

  virtual ~Probe() = default;  // gives up: `done` is then never called
};

// REQUIRES: the check is of that kind. The configuration must outlive the probe.
std::unique_ptr<Probe> startTcpProbe(EventLoop& loop, const CheckConfig& check, Probe::Done done);
std::unique_ptr<Probe> startDnsProbe(EventLoop& loop, const CheckConfig& check, Probe::Done done);
// http and https. `wall_now`: what certificates are measured against, s since 1970.
std::unique_ptr<Probe> startHttpProbe(HttpClient& client, const CheckConfig& check,
                                      std::int64_t wall_now, Probe::Done done);
std::unique_ptr<Probe> startExecProbe(EventLoop& loop, const CheckConfig& check, Probe::Done done);

}  // namespace meridian::partition
