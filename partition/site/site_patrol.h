// SitePatrol: looks at every datacenter once a second; evacuates what is lost and brings home what
// it evacuated (domain.md §3c, §3f).
//
// Only partitions are moved by it, never the primary of a global zone. `advise` says what it would
// do and does nothing. The way home is a gradual change: the safety rules see to it that data is
// there again. Threads: the control thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "partition/site/evacuation_watch.h"
#include "partition/site/site_mover.h"

namespace meridian::partition {

enum class PatrolMode : std::uint8_t { kOff, kAdvise, kAuto };
std::string_view patrolModeName(PatrolMode mode);  // "off", …
std::optional<PatrolMode> patrolModeOf(std::string_view name);

struct PatrolPolicy {
  PatrolMode evacuate = PatrolMode::kAuto;
  PatrolMode bring_home = PatrolMode::kAdvise;
  EvacuationPolicy watch = {};
};

// All must outlive the patrol.
struct PatrolSeams {
  const Clock& clock;
  const MapService& map;
  const LinkSource& links;
  SiteMover& mover;
  std::function<std::shared_ptr<const SiteHealth>()> health;  // never null
  // What the HA framework says: the site has failed or is isolated. May be empty.
  std::function<bool(std::string_view datacenter)> failed = {};
};

class SitePatrol {
 public:
  // A site that is lost and still owns something is tried again after so long.
  static constexpr std::chrono::seconds kRetry{60};

  SitePatrol(PatrolPolicy policy, PatrolSeams seams)
      : policy_(policy), seams_(std::move(seams)), watch_(policy.watch) {}

  void tick();

  const PatrolPolicy& policy() const { return policy_; }
  const EvacuationWatch& watch() const { return watch_; }
  MonotonicTime now() const { return seams_.clock.monotonicNow(); }
  // What was done or would be, newest of each site; empty: nothing yet.
  std::string lastAct(std::string_view datacenter) const;

 private:
  void evacuate(const std::string& datacenter, const SiteSignals& signals);
  void bringHome(const std::string& datacenter);
  bool owns(std::string_view datacenter) const;
  bool due(const std::string& datacenter);
  void note(const std::string& datacenter, std::string what);

  PatrolPolicy policy_;
  PatrolSeams seams_;
  EvacuationWatch watch_;
  std::map<std::string, MonotonicTime, std::less<>> tried_;
  std::map<std::string, std::string, std::less<>> acts_;
};

}  // namespace meridian::partition
