// ZoneService, as far as zones are concerned that come from primaries.
#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dns/zone/condense.h"
#include "dns/zone/serial.h"
#include "dns/zone/zone_service.h"

namespace meridian::dns {
namespace {

// A write for each refresh would be many where zones are; so the store's time of it may be older
// than it was by this part of EXPIRE.
constexpr std::uint32_t kExpireParts = 10;

tl::unexpected<ZoneError> notSecondary(NameView apex) {
  return tl::unexpected(
      ZoneError{{ErrorKind::kNotFound, "no zone " + apex.text() + " that comes from primaries"}});
}

}  // namespace

Status ZoneService::addSecondaries() {
  std::vector<LoadedZone> zones;
  bool changed = false;
  for (std::size_t i = 0; i < zones_->size(); ++i) {
    LoadedZone& zone = zones.emplace_back((*zones_)[i]);
    const NameView apex = zone.zone->apex();
    zone.catalog = policies_->isCatalog(apex);
    changed = changed || zone.catalog;
    if (zone.source == ZoneSource::kFile && policies_->makesCatalog(apex)) {
      return fail(ErrorKind::kInvalid, "zone " + apex.text() +
                                           " is a catalog in the configuration, and has a file: " +
                                           zone.file + "; take one of them away");
    }
  }
  for (const ZonePolicy* policy : policies_->secondaries()) {
    const LoadedZone* known = zones_->at(policy->name);
    if (known != nullptr && known->source == ZoneSource::kFile) {
      return fail(ErrorKind::kInvalid, "zone " + policy->name.text() +
                                           " has primaries in the configuration, and a file: " +
                                           known->file + "; take one of them away");
    }
    if (known != nullptr) continue;
    zones.push_back(placeholder(policy->name));
    changed = true;
  }
  if (changed) zones_ = std::make_shared<const ZoneSet>(std::move(zones));
  return {};
}

ZoneResult<ZoneChanged> ZoneService::takeFromPrimary(NameView apex,
                                                     std::span<const ZoneDifference> steps) {
  const LoadedZone* before = zones_->at(apex);
  if (before == nullptr || !policies_->isSecondary(apex)) return notSecondary(apex);
  const auto step = condensed(*before->zone, steps);
  if (!step) {
    return tl::unexpected(
        ZoneError{{ErrorKind::kInvalid, "a step takes away what is not there, or brings what is"}});
  }
  auto next = apply(*before->zone, *step, "transfer");
  if (!next) {
    return tl::unexpected(ZoneError{{ErrorKind::kInvalid, "the steps make no zone of the one here"},
                                    std::move(next.error())});
  }
  return commitEdit(before, std::move(*next));
}

ZoneResult<ZoneChanged> ZoneService::takeFromPrimary(std::shared_ptr<const Zone> next,
                                                     bool any_serial) {
  const LoadedZone* before = zones_->at(next->apex());
  if (before == nullptr || !policies_->isSecondary(next->apex())) return notSecondary(next->apex());
  if (before->availability == Availability::kNeverLoaded)
    return commitEdit(nullptr, std::move(next));
  const std::uint32_t serial = before->zone->serial();
  if (differenceOf(*before->zone, *next) == nullptr) {
    auto confirmed = confirm(next->apex());
    if (!confirmed) return tl::unexpected(std::move(confirmed.error()));
    return ZoneChanged{serial, serial};
  }
  if (!any_serial && !isNewerSerial(next->serial(), serial)) {
    return tl::unexpected(ZoneError{
        {ErrorKind::kConflict, "serial " + std::to_string(next->serial()) +
                                   " came, which is not newer than " + std::to_string(serial)}});
  }
  return commitEdit(before, std::move(next));
}

ZoneResult<void> ZoneService::setAvailability(const LoadedZone& zone, Availability availability) {
  if (zone.availability == availability) return {};
  LoadedZone next = zone;
  next.availability = availability;
  return publish(zones_->with(std::move(next)), [] { return Status(); });
}

ZoneResult<void> ZoneService::confirm(NameView apex) {
  const LoadedZone* zone = zones_->at(apex);
  if (zone == nullptr || !policies_->isSecondary(apex) ||
      zone->availability == Availability::kNeverLoaded) {
    return notSecondary(apex);
  }
  if (auto done = setAvailability(*zone, Availability::kServed); !done) return done;
  const StoredZoneFacts* facts = store_.factsOf(apex);
  if (facts == nullptr) return {};
  const WallTime now = clock_->wallNow();
  const Zone& served = *zones_->at(apex)->zone;
  const SoaTimes times = soaTimesOf(served.rrset(served.apexNode(), RrType::kSoa).firstRdata());
  const std::chrono::seconds worth(times.expire / kExpireParts);
  // A clock that was set back would keep the store's time in the future.
  if (facts->refreshed && *facts->refreshed <= now && now - *facts->refreshed < worth) return {};
  StoredZoneFacts next = *facts;
  next.refreshed = now;
  if (Status kept = store_.keepFacts(apex, next); !kept) {
    return tl::unexpected(ZoneError{kept.error()});
  }
  return {};
}

ZoneResult<void> ZoneService::expire(NameView apex) {
  const LoadedZone* zone = zones_->at(apex);
  if (zone == nullptr || zone->availability == Availability::kNeverLoaded) {
    return notSecondary(apex);
  }
  return setAvailability(*zone, Availability::kExpired);
}

std::optional<WallTime> ZoneService::refreshedAt(NameView apex) const {
  const StoredZoneFacts* facts = store_.factsOf(apex);
  return facts == nullptr ? std::nullopt : facts->refreshed;
}

}  // namespace meridian::dns
