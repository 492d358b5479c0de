#include "partition/site/evacuation_watch.h"

#include <algorithm>
#include <array>
#include <utility>

namespace meridian::partition {
namespace {

constexpr std::array kVerdicts = {
    std::pair{SiteVerdict::kWell, std::string_view("well")},
    std::pair{SiteVerdict::kSuspect, std::string_view("suspect")},
    std::pair{SiteVerdict::kLost, std::string_view("lost")},
    std::pair{SiteVerdict::kRecovering, std::string_view("recovering")}};

bool isBroken(const LinkView& link) {
  if (link.freshness == Freshness::kUnknown) return true;
  return link.state == LinkState::kBroken || link.state == LinkState::kStalled;
}

// Somebody reported the link at some time.
bool isKnown(const LinkView& link) {
  return link.freshness != Freshness::kUnknown || link.effective_lag_ms.has_value() ||
         !link.src_pos.empty() || !link.applied_pos.empty();
}

// No peer that is itself well gets anything from it, and there is at least one that used to.
bool cutOff(const Topology& topology, const SiteHealth& health, const LinkSource& links,
            std::size_t site) {
  bool known = false;
  for (std::size_t peer = 0; peer < topology.datacenters.size(); ++peer) {
    if (peer == site || health.datacenters[peer] == Health::kDown) continue;
    const LinkView link = links.link(topology.datacenters[site].id, topology.datacenters[peer].id);
    if (!isKnown(link)) continue;
    known = true;
    if (!isBroken(link)) return false;
  }
  return known;
}

}  // namespace

std::string_view siteVerdictName(SiteVerdict verdict) {
  for (const auto& [known, name] : kVerdicts) {
    if (known == verdict) return name;
  }
  return "unknown";
}

std::vector<SiteSignals> readSignals(const Topology& topology, const SiteHealth& health,
                                     const LinkSource& links) {
  std::vector<SiteSignals> all(topology.datacenters.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].probes = health.datacenters[i] == Health::kDown;
    all[i].links = cutOff(topology, health, links, i);
  }
  return all;
}

void EvacuationWatch::look(const Topology& topology, const std::vector<SiteSignals>& signals,
                           MonotonicTime now) {
  std::map<std::string, Site, std::less<>> next;
  for (std::size_t i = 0; i < topology.datacenters.size(); ++i) {
    const std::string& id = topology.datacenters[i].id;
    const auto known = sites_.find(id);
    Site site = known == sites_.end() ? Site{} : known->second;
    site.signals = signals[i];
    if (site.signals.count() > 0) {
      site.well_since.reset();
    } else if (!site.well_since) {
      site.well_since = now;
    }
    bool peers_well = false;
    for (std::size_t peer = 0; peer < signals.size(); ++peer) {
      const bool in_service = topology.datacenters[peer].admin_state == AdminState::kInService;
      if (peer != i && in_service && signals[peer].count() == 0) peers_well = true;
    }
    judge(site, peers_well, now);
    next.emplace(id, site);
  }
  sites_ = std::move(next);
}

void EvacuationWatch::judge(Site& site, bool peers_well, MonotonicTime now) const {
  const bool bad = site.signals.count() >= 2 && peers_well;
  switch (site.verdict) {
    case SiteVerdict::kWell:
    case SiteVerdict::kSuspect:
      if (!bad) {
        site.verdict = SiteVerdict::kWell;
        site.since.reset();
        return;
      }
      if (!site.since) site.since = now;
      site.verdict =
          now - *site.since >= policy_.hold_down ? SiteVerdict::kLost : SiteVerdict::kSuspect;
      return;
    case SiteVerdict::kLost:
    case SiteVerdict::kRecovering:
      if (site.signals.count() > 0) {
        site.verdict = SiteVerdict::kLost;
        site.since.reset();
        return;
      }
      if (site.verdict == SiteVerdict::kLost) site.since = now;
      site.verdict = now - site.since.value_or(now) >= policy_.return_hold_down
                         ? SiteVerdict::kWell
                         : SiteVerdict::kRecovering;
      if (site.verdict == SiteVerdict::kWell) site.since.reset();
      return;
  }
}

std::chrono::milliseconds EvacuationWatch::holdDown(const Site& site, MonotonicTime now) const {
  if (!site.since) return {};
  const auto whole =
      site.verdict == SiteVerdict::kSuspect ? policy_.hold_down : policy_.return_hold_down;
  return std::max(std::chrono::milliseconds(0), whole - (now - *site.since));
}

}  // namespace meridian::partition
