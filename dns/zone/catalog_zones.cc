// ZoneService, as far as catalogs are concerned: those that are made here, and the zones that
// others bring.
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "dns/zone/catalog.h"
#include "dns/zone/zone_service.h"

namespace meridian::dns {
namespace {

tl::unexpected<ZoneError> noCatalog(NameView apex) {
  return tl::unexpected(
      ZoneError{{ErrorKind::kNotFound, "no catalog " + apex.text() + " that is made here"}});
}

// The serial of a catalog's first content: newer than what a store had that was lost, unless it was
// changed more than once a second.
std::uint32_t firstSerial(WallTime now) {
  return nextSerial(0, SerialPolicy::kUnixTime, now);
}

}  // namespace

LoadedZone ZoneService::placeholder(NameView apex) const {
  RecordList records;
  const Name root;
  std::vector<std::uint8_t> soa(2, 0);  // no name of a server, no mailbox
  soa.resize(2 + 5 * 4, 0);
  records.add({apex, RrType::kSoa, 0, soa});
  records.add({apex, RrType::kNs, 0, root.view().wire()});
  LoadedZone out;
  out.zone = *zoneOfRecords(records, "placeholder");
  out.loaded_at = clock_->wallNow();
  out.source = ZoneSource::kStore;
  out.availability = Availability::kNeverLoaded;
  out.catalog = policies_->isCatalog(apex);
  return out;
}

std::optional<ZoneError> ZoneService::madeElsewhere(NameView apex) const {
  if (policies_->isSecondary(apex)) {
    return ZoneError{{ErrorKind::kRefused, "the zone comes from its primaries: change it there"}};
  }
  if (policies_->makesCatalog(apex)) {
    return ZoneError{{ErrorKind::kRefused,
                      "the zone is a catalog that is made here: it follows the zones it lists"}};
  }
  return std::nullopt;
}

std::vector<std::pair<Name, CatalogMembership>> ZoneService::storedMembers() const {
  std::vector<std::pair<Name, CatalogMembership>> out;
  for (std::size_t i = 0; i < zones_->size(); ++i) {
    const NameView apex = (*zones_)[i].zone->apex();
    const StoredZoneFacts* facts = store_.factsOf(apex);
    if (facts != nullptr && facts->member) out.emplace_back(Name(apex), *facts->member);
  }
  return out;
}

ZoneResult<void> ZoneService::changeMembers(const MemberChange& change) {
  std::unordered_set<std::string> leaving;
  std::vector<Name> forgotten;
  for (const std::vector<Name>* list : {&change.gone, &change.fresh}) {
    for (const Name& apex : *list) {
      leaving.emplace(asText(apex.view().wire()));
      forgotten.push_back(apex);
    }
  }
  const auto store = [&] { return store_.settleMembers(forgotten, change.moved); };
  if (leaving.empty()) {
    if (const Status stored = store(); !stored) return tl::unexpected(ZoneError{stored.error()});
    return {};
  }
  std::vector<LoadedZone> next;
  next.reserve(zones_->size() + change.fresh.size());
  for (std::size_t i = 0; i < zones_->size(); ++i) {
    const LoadedZone& zone = (*zones_)[i];
    if (!leaving.contains(std::string(asText(zone.zone->apex().wire())))) next.push_back(zone);
  }
  for (const Name& apex : change.fresh) next.push_back(placeholder(apex));
  return publish(std::make_shared<const ZoneSet>(std::move(next)), store);
}

ZoneResult<ZoneChanged> ZoneService::listMembers(NameView catalog,
                                                 const std::vector<CatalogMember>& members) {
  if (!policies_->makesCatalog(catalog)) return noCatalog(catalog);
  const LoadedZone* before = zones_->at(catalog);
  std::vector<CatalogMember> known;
  std::uint32_t serial = firstSerial(clock_->wallNow());
  if (before != nullptr) {
    serial = nextSerial(before->zone->serial(), policies_->of(catalog).serials, clock_->wallNow());
    // What no catalog can be read from is made anew.
    known = readCatalog(*before->zone, members.size() + before->zone->recordCount())
                .value_or(std::vector<CatalogMember>{});
  }
  auto next = nextMembers(known, members, serial);
  if (before != nullptr && next == known) {
    return ZoneChanged{before->zone->serial(), before->zone->serial()};
  }
  auto zone = zoneOfRecords(catalogRecords(catalog, next, serial), "catalog");
  if (!zone) {
    return tl::unexpected(
        ZoneError{{ErrorKind::kInvalid, "the catalog is no zone"}, std::move(zone.error())});
  }
  return commitEdit(before, std::move(*zone));
}

}  // namespace meridian::dns
