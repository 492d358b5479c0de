// Health of endpoints that have an id (docs/topology.md "Endpoints inside a site"): by the check
// that each names, and by overrides of "endpoint/SERVICE/EZONE/ID". Pure.
//
// A check that an endpoint names speaks for that endpoint and no longer for its site: one endpoint
// of many does not take its site down. Several endpoints may name the same check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "partition/health/override_book.h"
#include "partition/health/site_health.h"
#include "partition/model.h"

namespace meridian::partition {

struct EndpointReading {
  Health health = Health::kUp;  // of the override, else of the check
  std::optional<std::uint64_t> override_id = {};
};

// By the board's numbers: whether an endpoint of this topology names the check.
std::vector<bool> endpointChecks(const Topology& topology, const CheckBoard& board);

// By EndpointIx. An endpoint without a check, or with one that this server does not have, is UP
// until an override says otherwise.
std::vector<EndpointReading> readEndpoints(const Topology& topology, const CheckBoard& board,
                                           const OverrideBook& overrides);
// SiteHealth::endpoints_down: empty when none is.
std::vector<bool> downOf(const std::vector<EndpointReading>& endpoints);
// SiteHealth::endpoints_unknown: the same.
std::vector<bool> unknownOf(const std::vector<EndpointReading>& endpoints);

// Ids of checks that endpoints name and the server does not have, at most `most`.
std::vector<std::string> unknownChecks(const Topology& topology, const CheckBoard& board,
                                       std::size_t most);

// How many endpoints a glob matches.
std::size_t countEndpoints(std::string_view glob, const Topology& topology);

}  // namespace meridian::partition
