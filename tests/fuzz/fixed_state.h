// A small serving state for targets that answer queries: one DNS zone with every construct, one
// service of each model.
#pragma once

#include <memory>

#include "dns/answer/serving_state.h"

namespace meridian::fuzz {

const dns::ServingState& fixedState();

}  // namespace meridian::fuzz
