// Prometheus text exposition (format 0.0.4) of plain Metric values (admin/context.h).
#pragma once

#include <string>
#include <vector>

#include "admin/context.h"
#include "admin/router.h"
#include "partition/map_service.h"

namespace meridian::admin {

std::string prometheusText(const std::vector<Metric>& metrics);

// What admin/ itself counts: replies by status, refused credentials, the table's rev.
std::vector<Metric> adminMetrics(const partition::MapSnapshot& map,
                                 const Router::Counters& counters);

// Sites, checks and overrides.
std::vector<Metric> healthMetrics(const partition::HealthService& health,
                                  const partition::Topology& topology);

// Endpoints with ids: which are up, and the part of each site's weight that is.
std::vector<Metric> poolMetrics(const ServingView& view);

}  // namespace meridian::admin
