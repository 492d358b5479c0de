// HealthService: health as a running thing: probes, pushed reports, overrides and the clock go in,
// the health of sites comes out.
//
// Threads: the control thread. Nothing here writes the table: health is an observation, and what
// follows from it is the decisions' matter.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "partition/health/check_config.h"
#include "partition/health/endpoint_health.h"
#include "partition/health/override_book.h"
#include "partition/health/prober.h"
#include "partition/health/site_health.h"
#include "partition/model.h"

namespace meridian::partition {

struct OverrideRequest {
  std::string glob;
  Health state = Health::kDown;
  std::string reason, author;
  std::chrono::seconds life = OverrideBook::kDefaultLife;  // 1 s to kMaxLife
};
struct OverrideAdded {
  HealthOverride entry;
  MatchCount matches;
};

class HealthService {
 public:
  // The topology that is served now; health goes by its datacenters.
  using TopologyNow = std::function<std::shared_ptr<const Topology>()>;
  // Serves this health. Called only when it may have changed.
  using Serve = std::function<void(const SiteHealth&)>;

  // The clock must outlive it. kCorrupt, kIo: of the stored overrides.
  static Result<std::unique_ptr<HealthService>> open(const Clock& clock,
                                                     std::shared_ptr<KvStore> store,
                                                     std::vector<CheckConfig> checks,
                                                     TopologyNow topology, Serve serve);

  // Probes from now on, and looks at the clock each second. The loop must outlive this.
  void start(EventLoop& loop, std::size_t max_probes);

  // A result of a check, however it was got. REQUIRES: check < board().checks().size().
  void observe(std::size_t check, ProbeResult result);
  // From outside. kNotFound: no such check; kRefused: it is not a pushed one.
  Status report(const std::string& check, bool up, std::string reason);
  // kRefused: it matches nothing, or there are too many. Served when it returns.
  Result<OverrideAdded> addOverride(OverrideRequest request);
  // kNotFound. Served when it returns.
  Status removeOverride(std::uint64_t id, const std::string& actor);
  // Ends what the clock ends, and serves what follows.
  void tick();
  // Serves what holds now.
  void refresh();

  const CheckBoard& board() const { return board_; }
  const OverrideBook& overrides() const { return overrides_; }
  std::vector<SiteReading> sites() const;
  std::vector<EndpointReading> endpoints() const;  // by EndpointIx
  MatchCount matches(const std::string& glob) const;
  MonotonicTime now() const { return clock_.monotonicNow(); }

 private:
  HealthService(const Clock& clock, OverrideBook overrides, std::vector<CheckConfig> checks,
                TopologyNow topology, Serve serve);

  void warnOfUnknownChecks(std::shared_ptr<const Topology> topology);

  const Clock& clock_;
  TopologyNow topology_;
  Serve serve_;
  CheckBoard board_;
  OverrideBook overrides_;
  std::vector<std::string> names_;  // of the sites in served_
  SiteHealth served_;
  std::shared_ptr<const Topology> warned_of_;
  std::unique_ptr<Prober> prober_;
  std::unique_ptr<EventLoop::Timer> ticking_;
};

}  // namespace meridian::partition
