// Spill: which part of its clients each eZone of a stateless zone sends away because it is full
// (docs/topology.md "Stateless zones"). Nothing here moves data: who is sent away goes where
// partition/shares.h says.
//
// An eZone begins to spill above `start` of its capacity and aims at the middle between `start` and
// `stop`; between the two nothing changes; below `stop` it takes its clients back. The aim supposes
// that its load follows its clients, which is not so for data that it owns: each period corrects a
// third of what is left, and load is smoothed, so what it does is seen before much more is done.
//
// Unknown load neither attracts nor repels: such an eZone sends nobody away, and its room does not
// count. What is sent away is bounded by the known room of those who may take it; where there is
// none, spilling would only pass the fault on.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "partition/decision.h"
#include "partition/load/load_view.h"
#include "partition/model.h"
#include "partition/table.h"

namespace meridian::partition {

struct SpillPolicy {
  bool enabled = true;
  // Shares of an eZone's capacity, 1 is full.
  double start = 0.85;
  double stop = 0.75;
  double max = 0.8;        // of its clients, that an eZone may send away
  double max_step = 0.05;  // of its clients, by which that may change in one period
  std::chrono::seconds period{30};
};
// Why these do not fit together, or empty.
std::string spillPolicyProblem(const SpillPolicy& policy);

// Smaller steps are not made, so that small changes of load publish nothing.
inline constexpr int kLeastSpillStep = 100;  // basis points

// All of one published state; `load` belongs to the topology.
struct SpillView {
  const Topology& topology;
  const SiteHealth& health;
  const LoadPicture& load;
  const SiteLoad& served;
};
// What to serve for the next period. Pure. Empty `spill` when nobody sends anybody away.
SiteLoad nextSpill(const SpillView& view, const SpillPolicy& policy);

// Looks once a period, and serves what changed. Threads: the control thread.
class SpillService {
 public:
  struct Served {
    std::shared_ptr<const Topology> topology;
    std::shared_ptr<const AssignmentTable> table;
    std::shared_ptr<const SiteHealth> health;
    SiteLoad load;
  };
  using ServedNow = std::function<Served()>;
  using Serve = std::function<void(const SiteLoad&)>;

  // `load` must outlive it.
  SpillService(const SpillPolicy& policy, const LoadSource& load, ServedNow served, Serve serve)
      : policy_(policy), load_(load), served_(std::move(served)), serve_(std::move(serve)) {}

  std::chrono::seconds period() const { return policy_.period; }  // call tick() so often
  void tick();

 private:
  SpillPolicy policy_;
  const LoadSource& load_;
  ServedNow served_;
  Serve serve_;
};

}  // namespace meridian::partition
