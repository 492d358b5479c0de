// Impact: what a change will touch, told before it starts: queries that will go elsewhere, how many
// resolvers ask them, how full its targets will be, and how long it takes until hardly anybody has
// the old answer. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "partition/change/change.h"
#include "partition/load/load_view.h"
#include "partition/model.h"
#include "partition/traffic/query_rates.h"
#include "partition/traffic/resolver_counts.h"

namespace meridian::partition {

struct Impact {
  // What a target will carry when all waves have arrived. Global zones bring no load of their own.
  struct Target {
    std::string ezone;
    std::optional<double> utilisation, utilisation_after;  // 1 is full; nullopt: unknown
  };

  std::optional<double> queries_per_s;     // of its subjects together; nullopt: of none it is known
  std::optional<double> query_share;       // of all queries to subjects, 0 to 1
  std::optional<ResolverCount> resolvers;  // that asked for any of its subjects
  std::vector<Target> targets;             // each eZone once, in the order of the waves
  // Of one wave, without what waits for hooks, replication or people.
  std::chrono::milliseconds until_moved{};    // from PREPARED on; 0: nothing is prepared
  std::chrono::milliseconds until_drained{};  // after COMMIT
};

// What DNS has seen of the subjects; nullptr: nobody looks.
struct SeenTraffic {
  const QueryRates* rates = nullptr;
  const ResolverCounts* resolvers = nullptr;
};

Impact impactOf(const Change& change, const Topology& topology, const LoadPicture& load,
                const SeenTraffic& traffic, const ChangePolicy& policy);

}  // namespace meridian::partition
