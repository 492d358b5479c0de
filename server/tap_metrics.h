// What is told of queries, as metrics.
#pragma once

#include <vector>

#include "admin/context.h"
#include "dns/tap/tap_thread.h"

namespace meridian::server {

// There as zeros, too, without a tap (nullptr): an alert on them is never without its series.
void addTapMetrics(std::vector<admin::Metric>& out, const dns::TapThread* tap);

}  // namespace meridian::server
