// What rules and the balancer see of load (domain.md §3e): plain values of one moment.
//
// Units are the operator's own (requests a second, orders a minute), the same for load and
// capacity. DNS answers are no load: one answer may stand for one client or for thousands.
// Unknown is nullopt and never 0: who compares must first ask whether there is a number.
#pragma once

#include <optional>
#include <vector>

#include "partition/model.h"
#include "partition/table.h"

namespace meridian::partition {

struct EZoneLoad {
  std::optional<double> units;     // smoothed, ≥ 0; nullopt: nobody reported it in the last 60 s
  std::optional<double> capacity;  // > 0; nullopt: neither a report nor the topology says
  // Share of the capacity, 1 is full; nullopt when either is unknown.
  std::optional<double> utilisation() const {
    if (!units || !capacity) return std::nullopt;
    return *units / *capacity;
  }
};

struct PartitionLoad {
  std::optional<double> units;  // nullopt: neither reported, nor is its owner's load known
  bool measured = false;        // reported; else its owner's load by weight
};

struct LoadPicture {
  bool reported = false;                  // somebody has reported a load since the start
  std::vector<EZoneLoad> ezones;          // by EZoneIx
  std::vector<PartitionLoad> partitions;  // by PartitionIx
};

// Threads: the control thread.
class LoadSource {
 public:
  virtual ~LoadSource() = default;
  // REQUIRES: `table` belongs to `topology`.
  virtual LoadPicture picture(const Topology& topology, const AssignmentTable& table) const = 0;
};

}  // namespace meridian::partition
