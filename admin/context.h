// What admin/ needs from the rest of the server, as narrow interfaces; server/ implements them.
// Everything is called on the control thread and must outlive the Api.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/event_loop.h"
#include "partition/change/engine.h"
#include "partition/decision.h"
#include "partition/drc/feed_intake.h"
#include "partition/drc/link_view.h"
#include "partition/health/health_service.h"
#include "partition/map_service.h"
#include "partition/placement.h"
#include "partition/pool.h"

namespace meridian::dns {
class CatalogConsumer;
class ChallengeBook;
class KeyService;
class SecondaryService;
class ZoneService;
}  // namespace meridian::dns

namespace meridian::partition {
class ArrivalBook;
class BalanceService;
class Collector;
class ConsumerBook;
class HaService;
class HoldBook;
class LinkHistory;
class LoadSource;
class OutboundHooks;
class QueryRates;
class ResolverCounts;
class SiteMover;
class SitePatrol;
}  // namespace meridian::partition

namespace meridian::admin {

// One published state; its parts belong together. No pointer is null unless it says so.
struct ServingView {
  partition::MapSnapshot map;
  std::shared_ptr<const partition::PlacementSet> placements;
  std::shared_ptr<const partition::GeoSources> sources;
  std::shared_ptr<const partition::SiteHealth> health;
  partition::SiteLoad load = {};
  partition::DecisionSet decisions = {};
  std::shared_ptr<const partition::PoolSet> pools = {};  // null: no service has any
};

// Counters and gauges as plain values; admin/metrics renders them.
struct Metric {
  enum class Type : std::uint8_t { kCounter, kGauge };
  using Labels = std::vector<std::pair<std::string, std::string>>;
  struct Sample {
    Labels labels;
    double value = 0;
  };
  std::string name;  // "meridian_dns_queries_total"
  std::string help;
  Type type = Type::kCounter;
  std::vector<Sample> samples;
};

class MetricsSource {
 public:
  virtual ~MetricsSource() = default;
  virtual std::vector<Metric> collect() const = 0;
};

struct Context {
  EventLoop& loop;
  const Clock& clock;
  partition::MapService& map;
  partition::ChangeEngine& changes;
  const partition::LinkSource& links;
  dns::ZoneService& zones;
  const MetricsSource& metrics;
  partition::FeedIntake& drc;
  partition::HealthService& health;
  std::function<ServingView()> view;
  // Parts that do not serve yet, e.g. "dns udp 127.0.0.1:5300"; empty when ready.
  std::function<std::vector<std::string>()> not_ready;
  partition::OutboundHooks* hooks = nullptr;  // nullptr: no routes for them
  partition::HoldBook* holds = nullptr;       // the same
  partition::SiteMover* mover = nullptr;      // the same, together with patrol
  const partition::SitePatrol* patrol = nullptr;
  partition::HaService* ha = nullptr;               // the same
  partition::BalanceService* balancer = nullptr;    // the same
  partition::LinkHistory* link_history = nullptr;   // the same
  const partition::Collector* collector = nullptr;  // nobody is asked for links
  partition::ConsumerBook* consumers = nullptr;     // nullptr: no routes for them
  // nullptr: queries, or resolvers, that a change touches are not told.
  const partition::QueryRates* rates = nullptr;
  const partition::ResolverCounts* resolvers = nullptr;
  const partition::LoadSource* load = nullptr;     // nullptr: nobody reports any
  partition::ArrivalBook* arrivals = nullptr;      // nullptr: no routes for them
  bool topology_file_invalid = false;              // at the start; the journal's topology is served
  dns::KeyService* keys = nullptr;                 // nullptr: no routes for them
  dns::SecondaryService* secondaries = nullptr;    // nullptr: no zone comes from elsewhere
  const dns::CatalogConsumer* catalogs = nullptr;  // nullptr: no catalog brings any
  dns::ChallengeBook* challenges = nullptr;        // nullptr: no routes for them
};

}  // namespace meridian::admin
