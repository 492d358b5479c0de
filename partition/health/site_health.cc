#include "partition/health/site_health.h"

#include <algorithm>
#include <set>
#include <utility>

#include "partition/health/endpoint_health.h"

namespace meridian::partition {
namespace {

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// How a check counts for its site: what is not critical costs no more than DEGRADED.
Health contribution(const CheckConfig& check, Health state) {
  if (check.critical) return state;
  if (state == Health::kDown) return Health::kDegraded;
  return state == Health::kUnknown ? Health::kUp : state;
}

int badness(Health health) {
  switch (health) {
    case Health::kUp:
      return 0;
    case Health::kDegraded:
      return 1;
    case Health::kUnknown:
      return 2;
    case Health::kDown:
      return 3;
  }
  return 0;
}

}  // namespace

std::optional<Health> healthOf(std::string_view name) {
  for (const Health health : {Health::kUp, Health::kDegraded, Health::kDown, Health::kUnknown}) {
    const std::string_view known = healthName(health);
    if (std::equal(name.begin(), name.end(), known.begin(), known.end(),
                   [](char a, char b) { return upper(a) == b; })) {
      return health;
    }
  }
  return std::nullopt;
}

std::string checkSubject(std::string_view id) {
  return "check/" + std::string(id);
}
std::string datacenterSubject(std::string_view id) {
  return "datacenter/" + std::string(id);
}

CheckBoard::CheckBoard(std::vector<CheckConfig> checks, MonotonicTime now)
    : checks_(std::move(checks)) {
  for (const CheckConfig& check : checks_) states_.emplace_back(check, now);
}

std::optional<std::size_t> CheckBoard::find(std::string_view id) const {
  const auto found = std::find_if(checks_.begin(), checks_.end(),
                                  [&](const CheckConfig& each) { return each.id == id; });
  if (found == checks_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - checks_.begin());
}

void CheckBoard::observe(std::size_t check, ProbeResult result, MonotonicTime now, WallTime wall) {
  const bool active = checks_[check].active();
  if (blind_ && active && result.outcome == ProbeOutcome::kUp) {
    blind_ = false;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (checks_[i].active()) states_[i].thaw();
    }
  }
  states_[check].observe(std::move(result), now, wall);
  if (blind_ || !active || !allFailTogether()) return;
  blind_ = true;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (checks_[i].active()) states_[i].freeze(wall);
  }
}

bool CheckBoard::allFailTogether() const {
  std::set<std::string_view> sites;
  std::chrono::milliseconds round{0};
  std::optional<MonotonicTime> first;
  std::optional<MonotonicTime> last;
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    if (!checks_[i].active() || states_[i].unable()) continue;
    const auto since = states_[i].failingSince();
    if (!since) return false;
    first = first ? std::min(*first, *since) : *since;
    last = last ? std::max(*last, *since) : *since;
    round = std::max(round, checks_[i].interval + checks_[i].timeout);
    sites.insert(checks_[i].ezone.empty() ? checks_[i].datacenter : checks_[i].ezone);
  }
  // One site alone may well fail with all its checks: that is what they are for.
  return sites.size() >= 2 && *last - *first <= round;
}

std::optional<DcIx> siteOf(const Topology& topology, const CheckConfig& check) {
  if (check.ezone.empty()) return topology.findDatacenter(check.datacenter);
  const auto ezone = topology.findEZone(check.ezone);
  if (!ezone) return std::nullopt;
  return topology.ezones[ezone->index()].dc;
}

std::vector<SiteReading> readSites(const Topology& topology, const CheckBoard& board,
                                   const OverrideBook& overrides, MonotonicTime now) {
  std::vector<SiteReading> sites(topology.datacenters.size());
  const std::vector<bool> of_endpoints = endpointChecks(topology, board);
  for (std::size_t i = 0; i < board.checks().size(); ++i) {
    const CheckConfig& check = board.checks()[i];
    const auto dc = siteOf(topology, check);
    if (!dc || of_endpoints[i]) continue;
    SiteReading& site = sites[dc->index()];
    const HealthOverride* forced = overrides.winner(checkSubject(check.id));
    const Health state =
        contribution(check, forced != nullptr ? forced->state : board.state(i).state());
    if (badness(state) > badness(site.measured)) site.measured = state;
    site.watched = true;
    site.stasis |= forced == nullptr && board.state(i).stasis(now) != Stasis::kNone;
  }
  for (std::size_t i = 0; i < sites.size(); ++i) {
    sites[i].health = sites[i].measured;
    const HealthOverride* forced = overrides.winner(datacenterSubject(topology.datacenters[i].id));
    if (forced == nullptr) continue;
    sites[i].health = forced->state;
    sites[i].override_id = forced->id;
  }
  return sites;
}

SiteHealth healthOf(const std::vector<SiteReading>& sites) {
  SiteHealth out;
  for (const SiteReading& site : sites) out.datacenters.push_back(site.health);
  return out;
}

MatchCount countMatches(std::string_view glob, const Topology& topology, const CheckBoard& board) {
  MatchCount out;
  for (const Datacenter& dc : topology.datacenters) {
    out.datacenters += globMatches(glob, datacenterSubject(dc.id)) ? 1U : 0U;
  }
  for (const CheckConfig& check : board.checks()) {
    out.checks += globMatches(glob, checkSubject(check.id)) ? 1U : 0U;
  }
  out.endpoints = countEndpoints(glob, topology);
  return out;
}

}  // namespace meridian::partition
