// EvacuationWatch: is a datacenter lost, and is it back? (domain.md §3c "failure", §3f "DC down")
//
// Pure but for what it remembers. A site counts as lost when at least two signals that do not
// depend on each other have said so for the whole hold-down, without a gap: probes, the links of
// its peers, the HA framework. One signal alone, however long, never is enough: a monitor that
// fails must not move anybody. Nor is anything lost when its peers are not seen to be well: then it
// is we who are cut off. It is back when no signal has been there for the whole of the other
// hold-down.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "partition/decision.h"
#include "partition/drc/link_view.h"
#include "partition/model.h"

namespace meridian::partition {

struct SiteSignals {
  bool probes = false;     // its health is DOWN, by checks or by an operator's override
  bool links = false;      // no peer that is well replicates from it
  bool framework = false;  // the HA framework reports it failed or isolated
  int count() const { return int{probes} + int{links} + int{framework}; }
};

// What checks and links say about each datacenter, by DcIx; `framework` is left false. Datacenters
// that no link and no check knows have no signals.
std::vector<SiteSignals> readSignals(const Topology& topology, const SiteHealth& health,
                                     const LinkSource& links);

struct EvacuationPolicy {
  std::chrono::milliseconds hold_down{60'000};
  std::chrono::milliseconds return_hold_down{1'800'000};
};

enum class SiteVerdict : std::uint8_t {
  kWell,       // fewer than two signals
  kSuspect,    // two or more, not for long enough yet
  kLost,       // evacuate it
  kRecovering  // was lost; signals are gone, not for long enough yet
};
std::string_view siteVerdictName(SiteVerdict verdict);  // "well", …

class EvacuationWatch {
 public:
  struct Site {
    SiteSignals signals = {};
    SiteVerdict verdict = SiteVerdict::kWell;
    std::optional<MonotonicTime> since = {};       // of what kSuspect and kRecovering wait for
    std::optional<MonotonicTime> well_since = {};  // no signal; as far back as this process knows
  };

  explicit EvacuationWatch(EvacuationPolicy policy) : policy_(policy) {}

  // `signals` by DcIx of this topology. Datacenters that are new begin as well.
  void look(const Topology& topology, const std::vector<SiteSignals>& signals, MonotonicTime now);
  // By datacenter id, as of the last look.
  const std::map<std::string, Site, std::less<>>& sites() const { return sites_; }
  std::chrono::milliseconds holdDown(const Site& site, MonotonicTime now) const;  // what is left

 private:
  void judge(Site& site, bool peers_well, MonotonicTime now) const;

  EvacuationPolicy policy_;
  std::map<std::string, Site, std::less<>> sites_;
};

}  // namespace meridian::partition
