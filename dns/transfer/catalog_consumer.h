// CatalogConsumer: the members of catalogs that come from primaries (ZonePolicy::members; RFC 9432)
// are secondary zones of this server, as long as their catalog lists them.
//
// A catalog that is broken, has expired or never came changes nothing (§5.1). Who has a zone keeps
// it: the configuration, a file, an edit, another catalog, unless that one hands it over (coo,
// §4.3.1). What came from primaries goes with its membership, and is forgotten when the member's
// label changes (§5.4). Catalogs are looked at a step of the loop after they came, all of one at
// once. Threads: the control thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "base/event_loop.h"
#include "dns/transfer/secondary_service.h"
#include "dns/zone/catalog.h"
#include "dns/zone/zone_policy.h"
#include "dns/zone/zone_service.h"

namespace meridian::dns {

struct CatalogCounters {
  Counter taken;    // contents of catalogs whose members are here
  Counter broken;   // that changed nothing
  Counter failed;   // that could not be taken, and are tried again
  Counter refused;  // members that are not here although a catalog lists them
};

struct CatalogStatus {
  Name name;
  std::size_t members = 0;  // that are here
  std::size_t refused = 0;  // that are not
  std::string fault = {};   // why the newest content is broken; empty: it is not
};

// Where services of the topology stand among the zones; all in wire form.
struct ServicePlaces {
  std::unordered_set<std::string> below;   // a zone of this name would take one from its zone
  std::unordered_set<std::string> within;  // zones in which they are
};

class CatalogConsumer {
 public:
  struct Seams {
    EventLoop& loop;
    const Clock& clock;
    ZoneService& zones;
    SecondaryService& secondaries;
    // Has these be in force for everybody.
    std::function<void(const std::shared_ptr<const ZonePolicies>&)> set_policies;
    std::function<ServicePlaces()> services;
  };
  static constexpr std::chrono::milliseconds kRetry{60'000};

  // `configured` has no members. All must outlive this.
  CatalogConsumer(Seams seams, std::shared_ptr<const ZonePolicies> configured);
  ~CatalogConsumer();
  CatalogConsumer(const CatalogConsumer&) = delete;
  CatalogConsumer& operator=(const CatalogConsumer&) = delete;

  // The members that the store has are members again, before anything is published; those of a
  // catalog that the configuration does not know any more are forgotten. kIo.
  Status restore();
  // To be called once, after SecondaryService::start(). Each catalog is looked at.
  void start();
  // For ZoneService::onPublished and ::onApexes.
  void zoneServed(const LoadedZone& zone);
  void apexesChanged();

  const CatalogCounters& counters() const { return counters_; }
  std::vector<CatalogStatus> statuses() const;
  // The catalog that brought the zone, in presentation form; empty: none did.
  std::string catalogOf(NameView apex) const;

 private:
  struct Catalog;
  struct Plan;

  Catalog* find(const std::string& name) const;
  void wake();
  void run();
  // `updated`: there may be something new of it; else only zones that were not free.
  void look(Catalog& catalog, bool updated);
  Plan planOf(const Catalog& catalog, const std::vector<CatalogMember>& members,
              bool updated) const;
  void addTo(Plan& plan, const Catalog& catalog, const CatalogMember& member, bool updated) const;
  // Empty: the zone is nobody's, and may be `catalog`'s.
  std::string whyNotFree(const Plan& plan, const Name& zone) const;
  bool handsOver(const std::string& from, const std::string& zone, const Name& to) const;
  Status carryOut(Plan& plan);
  void tellBroken(Catalog& catalog, const Diagnostics& faults);

  Seams seams_;
  std::shared_ptr<const ZonePolicies> configured_;
  std::shared_ptr<const MemberZones> members_ = std::make_shared<const MemberZones>();
  std::vector<std::unique_ptr<Catalog>> catalogs_;
  CatalogCounters counters_;
  bool awake_ = false;
  bool freed_ = false;  // zones have come or gone
  std::unique_ptr<EventLoop::Timer> retry_;
};

}  // namespace meridian::dns
