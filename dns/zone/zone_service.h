// ZoneService: the only writer of the DNS zones that are served. Checks, stores (synced) what no
// file says, publishes, in this order.
//
// A zone is its file's until it is edited; from then on the store has it, and wins over the file,
// until the edits are given up. A zone that is signed here is in the store in any case, so that its
// serial and its steps go on over a restart; what is edited, and read from its file, is the zone
// without what signing makes. Threads: the control thread. Crash: before the store's sync the old
// zone stands; after it, the new one is what a start serves.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/result.h"
#include "dns/zone/catalog.h"
#include "dns/zone/zone_edit.h"
#include "dns/zone/zone_policy.h"
#include "dns/zone/zone_set.h"
#include "dns/zone/zone_signing.h"
#include "dns/zone/zone_store.h"

namespace meridian::dns {

// A refusal that an operator can act on.
struct ZoneError {
  Error error;                // kNotFound: no such zone; kConflict: the serial is another
  Diagnostics problems = {};  // of a file, a text or an edit
};
template <class T>
using ZoneResult = tl::expected<T, ZoneError>;

struct ZoneEdit {
  Name apex;  // lower-cased
  std::vector<RrsetEdit> rrsets;
  std::optional<std::uint32_t> expected_serial = {};  // kConflict when it is another
  std::optional<SerialPolicy> serials = {};           // nullopt: as the policy of the zone says
};

struct ZoneChanged {
  std::uint32_t before = 0, after = 0;  // serials; the same: nothing changed
};

// What is to be done with a zone's edits when its file is read.
enum class Edits : std::uint8_t { kKeep, kDiscard };

class ZoneService {
 public:
  // Checks what only outer layers can (services in the zones), and prepares the serving state. The
  // function it returns publishes, and cannot fail.
  using Prepare =
      std::function<Checked<std::function<void()>>(const std::shared_ptr<const ZoneSet>&)>;

  static std::vector<std::string> families() { return ZoneStore::families(); }
  // `files` as loaded from `folder`; zones of the store are put over them, and those that
  // `signing` signs are signed. Nothing is published. kIo, kCorrupt; kInvalid: a zone cannot be
  // signed. `signing`, nullptr for none, outlives this.
  static Result<ZoneService> open(const std::shared_ptr<KvStore>& store, const Clock& clock,
                                  std::filesystem::path folder,
                                  const std::shared_ptr<const ZoneSet>& files,
                                  ZoneSigning* signing = nullptr);

  // Of what edits do to serials. As they are until the first call: by one.
  void setPolicies(std::shared_ptr<const ZonePolicies> policies) {
    policies_ = std::move(policies);
  }
  // Until the first call nothing is checked or published: changes are to the first state.
  void onChange(Prepare prepare) { prepare_ = std::move(prepare); }
  // Is told each zone that is new or has changed, once it is served.
  void onPublished(std::function<void(const LoadedZone&)> observer) {
    observer_ = std::move(observer);
  }
  // Is called when zones have come or gone, after all else; it may change zones.
  void onApexes(std::function<void()> observer) { apexes_observer_ = std::move(observer); }
  const std::shared_ptr<const ZoneSet>& zones() const { return zones_; }

  // Reads every file of the folder again. Zones of the store stay as they are.
  ZoneResult<void> reloadAll();
  // Reads one zone's file again. kRefused: the zone has edits, which are to be kept.
  ZoneResult<ZoneChanged> reload(NameView apex, Edits edits);
  ZoneResult<ZoneChanged> edit(const ZoneEdit& edit);
  // Takes one step. kNotFound; kRefused: the zone is signed, and no key of it is here; kInvalid: it
  // is not what the step begins with, or would be none. So is edit().
  ZoneResult<ZoneChanged> take(NameView apex, const ZoneDifference& step);
  // Puts `next` in the place of the zone of its apex, whose serial must be older unless nothing
  // changes; or adds it. The store has it from then on.
  ZoneResult<ZoneChanged> replace(std::shared_ptr<const Zone> next);
  // Makes the signatures that are due, and what its keys ask for, of a zone that is signed here.
  ZoneResult<ZoneChanged> resign(NameView apex);
  // Takes a zone away that has no file. kRefused: it has one.
  ZoneResult<void> remove(NameView apex);

  // Zones that come from primaries (ZonePolicy::primaries; dns/zone/secondary_zones.cc): nothing
  // above changes them. They are in the store from their first transfer on.
  //
  // Those that never came yet are zones from now on, and kNeverLoaded. To be called once, after
  // setPolicies() and before anything is published. Zones that are catalogs are known as such from
  // then on. kInvalid: such a zone, or a catalog that is made here, has a file.
  Status addSecondaries();
  // What came is served from now on, however it was signed. Steps: as take(), the first must begin
  // with the serial that is served. A whole zone: its serial is newer, or `any_serial`. kNotFound:
  // it is no zone with primaries.
  ZoneResult<ZoneChanged> takeFromPrimary(NameView apex, std::span<const ZoneDifference> steps);
  ZoneResult<ZoneChanged> takeFromPrimary(std::shared_ptr<const Zone> next, bool any_serial);
  // The primary has nothing newer: the zone is served, if it had expired, and refreshedAt() is now,
  // in the store where that is worth a write. kIo: in the store it is not.
  ZoneResult<void> confirm(NameView apex);
  // It is kExpired from now on.
  ZoneResult<void> expire(NameView apex);
  // When the store's copy was last known to be what a primary has, or not later than that by more
  // than a tenth of its EXPIRE; nullopt: never.
  std::optional<WallTime> refreshedAt(NameView apex) const;

  // Catalogs (dns/zone/catalog.h; dns/zone/catalog_zones.cc). Zones that the store has because a
  // catalog brought them, whatever the policies say of them now.
  std::vector<std::pair<Name, CatalogMembership>> storedMembers() const;
  // Zones come to this server by a catalog, and go, in one step.
  struct MemberChange {
    std::vector<Name> gone;  // taken away, and what the store has of them
    std::vector<Name>
        fresh;  // zones from now on, kNeverLoaded; what was there of them is forgotten
    std::vector<std::pair<Name, CatalogMembership>> moved;  // stay as they are, for another reason
  };
  ZoneResult<void> changeMembers(const MemberChange& change);
  // `members` are what the catalog lists from now on, that is made here, with the next serial; the
  // labels of those who are new are made. kNotFound: it is none.
  ZoneResult<ZoneChanged> listMembers(NameView catalog, const std::vector<CatalogMember>& members);

 private:
  ZoneService(ZoneStore store, const Clock& clock, std::filesystem::path folder,
              std::shared_ptr<const ZoneSet> zones, ZoneSigning* signing)
      : store_(std::move(store)),
        clock_(&clock),
        folder_(std::move(folder)),
        zones_(std::move(zones)),
        signing_(signing) {}

  // At a start: a zone of the store, over what its file says (nullopt: the file says it); and one
  // that is to be signed.
  ZoneResult<std::optional<LoadedZone>> started(const StoredZone& stored, const LoadedZone* file);
  ZoneResult<LoadedZone> signedAtStart(const LoadedZone& before, LoadedZone next,
                                       StoredZoneFacts facts);
  std::shared_ptr<const ZoneSet> withFiles(const ZoneSet& files) const;
  Status forgetGone(const ZoneSet& zones, const ZoneSet& files);
  bool signs(NameView apex) const { return signing_ != nullptr && signing_->signs(apex); }
  ZoneResult<LoadedZone> readFile(const std::string& file, NameView apex) const;
  // The store's; of a zone that shall get its first edit its file, which must be what is served.
  ZoneResult<StoredZoneFacts> factsOf(const LoadedZone& before) const;
  LoadedZone after(const LoadedZone* before, LoadedZone next) const;
  // `next`, which is not signed, as it is to be served after `before`; the very zone of `before`
  // where nothing is to be changed.
  ZoneResult<LoadedZone> signedAfter(const LoadedZone* before, LoadedZone next) const;
  // Of a file, in the place of a zone that is signed here.
  ZoneResult<ZoneChanged> takeFile(const LoadedZone* before, const LoadedZone& file);
  ZoneResult<ZoneChanged> commitEdit(const LoadedZone* before, std::shared_ptr<const Zone> next);
  ZoneResult<ZoneChanged> commit(const LoadedZone* before, LoadedZone next, StoredZoneFacts facts);
  // Whether zones have come or gone.
  bool tellChanges(const ZoneSet& before) const;
  // Why nobody may edit the zone; nullopt: it may be.
  std::optional<ZoneError> madeElsewhere(NameView apex) const;
  // What stands for a zone of which nothing is known but its apex. Nobody is answered from it.
  LoadedZone placeholder(NameView apex) const;
  ZoneResult<void> setAvailability(const LoadedZone& zone, Availability availability);
  ZoneResult<void> publish(std::shared_ptr<const ZoneSet> next,
                           const std::function<Status()>& store);

  ZoneStore store_;
  const Clock* clock_;
  std::filesystem::path folder_;
  std::shared_ptr<const ZoneSet> zones_;
  ZoneSigning* signing_;
  Prepare prepare_ = [](const auto&) -> Checked<std::function<void()>> { return [] {}; };
  std::function<void(const LoadedZone&)> observer_ = [](const LoadedZone&) {};
  std::function<void()> apexes_observer_ = [] {};
  std::shared_ptr<const ZonePolicies> policies_ = std::make_shared<const ZonePolicies>();
};

}  // namespace meridian::dns
