// StatePublisher: makes the next serving state from a committed map or changed zones, and
// publishes it (R5).
//
// The expensive part (compiling) comes first and may fail; publishing is one pointer and cannot.
// Threads: the control thread; published() may be observed by any.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/published.h"
#include "dns/answer/serving_state.h"
#include "partition/good_sites.h"
#include "partition/map_service.h"
#include "server/world.h"

namespace meridian::server {

class StatePublisher {
 public:
  StatePublisher(const World& world, const Clock& clock);  // both must outlive this

  // Holds nothing until MapService::open() published the first state; workers start after that.
  const Published<dns::ServingState>& published() const { return published_; }

  // The first state starts from what is remembered, and what is good is kept whenever a state is
  // published. To be called before the first; must outlive this.
  void remember(partition::GoodSites& good) { good_ = &good; }

  // For MapService::onPublish.
  Checked<partition::PreparedState> prepare(const partition::MapSnapshot& next);

  // Serves this health: the decisions of the zones that it touches are made again. Nothing happens
  // when it is served already. REQUIRES: it is of the served topology. A new topology keeps the
  // health of the datacenters that it has in common with the old one; new ones are UP until told.
  // Of the first topology's all are UNKNOWN until then.
  void setHealth(const partition::SiteHealth& health);

  // Serves these copies of global zones (ReadWatch::look()): the decisions of the zones that are
  // touched are made again, and each copy that became fresh or stale is logged. As setHealth().
  // REQUIRES: they are of the served topology.
  void setReads(const std::vector<partition::ReadCopies>& reads);

  // Serves this load: which part of its clients each eZone of a stateless zone sends away. As
  // setHealth(). REQUIRES: `spill` is empty, or has every eZone of the served topology. A new
  // topology keeps it for the eZones that it has in common with the old one.
  void setLoad(const partition::SiteLoad& load);

  // The secrets that cookies are made and checked with from now on. nullptr: none are.
  void setCookies(std::shared_ptr<const dns::CookieSecrets> cookies);

  // The keys that messages are checked with and signed from now on.
  void setTsigKeys(std::shared_ptr<const dns::TsigKeys> keys);

  // Who may have which zones from now on.
  void setZonePolicies(std::shared_ptr<const dns::ZonePolicies> policies);

  // What the configuration says to those who answer.
  const dns::AnswerSettings& settings() const { return *settings_; }
  // Of the first state. To be called before it.
  void setZones(std::shared_ptr<const dns::ZoneSet> zones) { zones_ = std::move(zones); }
  // For ZoneService::onChange.
  Checked<std::function<void()>> prepareZones(const std::shared_ptr<const dns::ZoneSet>& next);

 private:
  // Makes the decisions of the zones again that `touched` says.
  template <class Touched>
  void decideAgain(dns::ServingState& state, const Touched& touched) const;
  static void decidePoolsAgain(dns::ServingState& state);
  void publishSettings(const dns::AnswerSettings& settings);
  void publish(const std::shared_ptr<const dns::ServingState>& state);
  std::shared_ptr<const dns::ServingState> withTable(const partition::MapSnapshot& next) const;

  // What the services of a state answer, signed where their zones are.
  void signServices(dns::ServingState& state) const;

  const Clock& clock_;
  std::shared_ptr<const dns::AnswerSettings> settings_;
  std::shared_ptr<const dns::ZoneSet> zones_;
  std::shared_ptr<const partition::GeoSources> sources_;
  Published<dns::ServingState> published_;
  partition::GoodSites* good_ = nullptr;
};

}  // namespace meridian::server
