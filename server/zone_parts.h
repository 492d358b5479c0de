// What has to do with DNS zones that change, among the parts of the server: who signs them, writes
// them, brings them from primaries, one by one and by catalogs, tells others of them, and changes
// them for clients.
//
// Threads: the control thread, but for the desk's (dns/net/request_desk.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/kv_store.h"
#include "dns/net/request_desk.h"
#include "dns/transfer/catalog_consumer.h"
#include "dns/transfer/catalog_producer.h"
#include "dns/transfer/notifier.h"
#include "dns/transfer/secondary_service.h"
#include "dns/update/challenge_book.h"
#include "dns/update/update_service.h"
#include "dns/zone/zone_service.h"
#include "server/config.h"
#include "server/signing_watch.h"
#include "server/state_publisher.h"

namespace meridian::server {

// Members stand in the order of construction, so that destruction is the stopping order.
class ZoneParts {
 public:
  static std::vector<std::string> families();
  // What the store has of the zones comes over `files`, and what is to be signed is; the publisher
  // has them for its first state. All that is given must outlive this. kIo, kCorrupt, kInvalid.
  static Result<std::unique_ptr<ZoneParts>> open(EventLoop& loop, const Clock& clock,
                                                 const std::shared_ptr<KvStore>& store,
                                                 const Config& config, StatePublisher& publisher,
                                                 const std::shared_ptr<const dns::ZoneSet>& files);
  ~ZoneParts() = default;
  ZoneParts(const ZoneParts&) = delete;
  ZoneParts& operator=(const ZoneParts&) = delete;

  // To be called when the first state is served: zones may change from now on.
  void start();
  // Tells other servers of every zone: they may have missed changes.
  void announceAll() const;
  // For those who receive messages; nullptr: nobody may update anything and no zone comes from
  // elsewhere, and no stranger's message needs to reach the control thread.
  dns::RequestDesk* takers();

  dns::ZoneService& zones() { return *zones_; }
  dns::KeyService& keys() { return signing_->keys(); }
  const dns::Notifier& notifier() const { return *notifier_; }
  dns::SecondaryService& secondaries() { return *secondaries_; }
  const dns::CatalogConsumer& catalogs() const { return *catalogs_; }
  const dns::CatalogProducer& madeCatalogs() const { return *producer_; }
  const dns::UpdateService& updates() const { return *updates_; }
  const dns::RequestDesk& desk() const { return *desk_; }
  dns::ChallengeBook& challenges() { return *challenges_; }

 private:
  ZoneParts(EventLoop& loop, StatePublisher& publisher) : loop_(loop), publisher_(publisher) {}
  Status openZones(const Clock& clock, const std::shared_ptr<KvStore>& store, const Config& config,
                   const std::shared_ptr<const dns::ZoneSet>& files);
  Status openSecondaries(const Clock& clock, const Config& config);
  dns::ServicePlaces servicePlaces() const;
  void announce(const dns::LoadedZone& zone) const;
  // What the configuration says of zones, and catalogs add to it, from now on.
  void setPolicies(const std::shared_ptr<const dns::ZonePolicies>& policies);

  EventLoop& loop_;
  StatePublisher& publisher_;
  std::unique_ptr<SigningWatch> signing_;
  std::optional<dns::ZoneService> zones_;
  std::optional<dns::CatalogProducer> producer_;
  std::unique_ptr<dns::Notifier> notifier_;
  std::unique_ptr<dns::SecondaryService> secondaries_;
  std::unique_ptr<dns::CatalogConsumer> catalogs_;
  std::unique_ptr<dns::UpdateService> updates_;
  std::unique_ptr<dns::RequestDesk> desk_;
  std::optional<dns::ChallengeBook> challenges_;
  std::unique_ptr<EventLoop::Timer> challenge_tick_;
};

}  // namespace meridian::server
