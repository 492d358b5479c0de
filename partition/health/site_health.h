// From checks to sites: one CheckState a check, the whole node's sight, and the rule by which
// checks and overrides become the health of a datacenter. Pure; the caller brings results and time.
//
//   DOWN      a critical check is DOWN
//   UNKNOWN   else, a critical check is UNKNOWN
//   DEGRADED  else, a check is DEGRADED (only an override says that), or one that is not critical
//   is
//             DOWN
//   UP        else; also a site that no check watches: nothing speaks against it
//
// Checks that endpoints of a pool name say nothing about their site (endpoint_health.h).
//
// An override of a check stands in for its state, one of the datacenter for the outcome.
//
// Blindness: when all checks that this node runs itself, of two or more sites, fail, and all of
// these rows of failures began within one round (the longest interval and its time-out), then it is
// this node that lost its view, not every site at once. All of them are frozen as they were before,
// until one succeeds. What the answers would be is the same either way (all down counts as all up),
// but a site's state is not made up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "partition/decision.h"
#include "partition/health/check_config.h"
#include "partition/health/check_state.h"
#include "partition/health/override_book.h"
#include "partition/model.h"

namespace meridian::partition {

// "UP", "DEGRADED", "DOWN", "UNKNOWN", in either case.
std::optional<Health> healthOf(std::string_view name);

// What overrides match: "check/ID", "datacenter/ID".
std::string checkSubject(std::string_view id);
std::string datacenterSubject(std::string_view id);

class CheckBoard {
 public:
  CheckBoard(std::vector<CheckConfig> checks, MonotonicTime now);

  const std::vector<CheckConfig>& checks() const { return checks_; }
  const CheckState& state(std::size_t check) const { return states_[check]; }
  std::optional<std::size_t> find(std::string_view id) const;
  bool blind() const { return blind_; }

  // REQUIRES: check < checks().size().
  void observe(std::size_t check, ProbeResult result, MonotonicTime now, WallTime wall);

 private:
  bool allFailTogether() const;

  std::vector<CheckConfig> checks_;
  std::vector<CheckState> states_;
  bool blind_ = false;
};

struct SiteReading {
  Health health = Health::kUp;    // what decisions use
  Health measured = Health::kUp;  // by the checks and their overrides
  bool watched = false;           // some check is of this site
  bool stasis = false;            // some check of it keeps a state that nobody measures now
  std::optional<std::uint64_t> override_id = {};
};

// The datacenter a check is of; nullopt: this topology does not have it.
std::optional<DcIx> siteOf(const Topology& topology, const CheckConfig& check);

// By DcIx.
std::vector<SiteReading> readSites(const Topology& topology, const CheckBoard& board,
                                   const OverrideBook& overrides, MonotonicTime now);
SiteHealth healthOf(const std::vector<SiteReading>& sites);

// How many checks, datacenters and endpoints a glob matches.
struct MatchCount {
  std::size_t datacenters = 0, checks = 0, endpoints = 0;
  bool none() const { return datacenters + checks + endpoints == 0; }
};
MatchCount countMatches(std::string_view glob, const Topology& topology, const CheckBoard& board);

}  // namespace meridian::partition
