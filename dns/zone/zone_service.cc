#include "dns/zone/zone_service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/byte_reader.h"
#include "base/digest.h"
#include "base/log.h"
#include "dns/zone/loader.h"
#include "dns/zone/serial.h"
#include "dns/zone/unsigned_part.h"
#include "dns/zone/zone_cursor.h"

namespace meridian::dns {
namespace {

// Small zones may have a history that is longer than they are.
constexpr std::size_t kMinHistoryBytes = std::size_t{64} << 10;

std::size_t historyBytes(const Zone& zone) {
  return std::max(zone.bytes(), kMinHistoryBytes);
}

tl::unexpected<ZoneError> refuse(ErrorKind kind, std::string message) {
  return tl::unexpected(ZoneError{{kind, std::move(message)}});
}
tl::unexpected<ZoneError> refuse(std::string message, Diagnostics problems) {
  return tl::unexpected(ZoneError{{ErrorKind::kInvalid, std::move(message)}, std::move(problems)});
}
tl::unexpected<ZoneError> noSuchZone(NameView apex) {
  return refuse(ErrorKind::kNotFound, "no zone " + apex.text());
}

// Of all records, in the order of the file.
std::string digestOf(const Zone& zone) {
  RecordList records;
  for (ZoneCursor at(zone); !at.atEnd();) records.add(at.next());
  return hex(sha256(asText(records.wire())));
}

// The store's zone is served; what its file says meanwhile is told.
void compareWithFile(const StoredZone& stored, const LoadedZone* file) {
  const std::string name = stored.zone->apex().text();
  const auto warn = [&](const std::string& why) {
    logWarn("zone_file_not_served", {{"zone", name},
                                     {"why", why + ", and the zone has edits, which win"},
                                     {"next", "meridianctl zones reload " + name +
                                                  " --discard-edits, or export the zone"}});
  };
  if (file == nullptr) {
    if (!stored.facts.file.empty()) warn("its file is gone: " + stored.facts.file);
    return;
  }
  if (digestOf(*file->zone) != stored.facts.file_sha256) {
    warn("its file has changed: " + file->file);
  }
}

LoadedZone loadedFrom(const StoredZone& stored, const LoadedZone* file) {
  LoadedZone out;
  out.zone = stored.zone;
  out.file = file == nullptr ? "" : file->file;
  out.loaded_at = stored.facts.changed;
  out.source = stored.facts.edited ? ZoneSource::kStore : ZoneSource::kFile;
  out.history = std::make_shared<const ZoneHistory>(stored.steps, historyBytes(*stored.zone));
  return out;
}

std::shared_ptr<const Zone> withSerialOf(const std::shared_ptr<const Zone>& zone,
                                         std::uint32_t serial) {
  if (zone->serial() == serial) return zone;
  const RrsetView soa = zone->rrset(zone->apexNode(), RrType::kSoa);
  ZoneDifference step;
  step.removed.add({zone->apex(), RrType::kSoa, soa.ttl, soa.firstRdata()});
  step.added.add({zone->apex(), RrType::kSoa, soa.ttl, withSerial(soa.firstRdata(), serial)});
  return *apply(*zone, step, "serial");  // nothing but a number of the SOA is another
}

// Whether anything but the serial is another.
bool differBesideSerial(const std::shared_ptr<const Zone>& a, const Zone& b) {
  return differenceOf(*withSerialOf(a, b.serial()), b) != nullptr;
}

LoadedZone unsignedFile(const LoadedZone& file) {
  LoadedZone out = file;
  out.zone = unsignedPart(file.zone);
  return out;
}

// Of a zone that is in the store for its signatures alone.
StoredZoneFacts factsOfFile(const LoadedZone& file) {
  return {.file = file.file, .file_sha256 = digestOf(*file.zone), .edited = false};
}

std::shared_ptr<const ZoneHistory> noHistory() {
  return std::make_shared<const ZoneHistory>(std::vector<ZoneHistory::Step>{}, std::size_t{0});
}

Error flattened(const ZoneError& error) {
  Error out = error.error;
  if (!error.problems.empty()) out.message += ": " + error.problems.text();
  return out;
}

}  // namespace

Result<ZoneService> ZoneService::open(const std::shared_ptr<KvStore>& store, const Clock& clock,
                                      std::filesystem::path folder,
                                      const std::shared_ptr<const ZoneSet>& files,
                                      ZoneSigning* signing) {
  ZoneStore kept(store);
  const auto stored = kept.load();
  if (!stored) return tl::unexpected(stored.error());
  ZoneService out(std::move(kept), clock, std::move(folder), files, signing);
  // All at once: a set made anew for each of them would take an hour for 100,000.
  std::vector<LoadedZone> zones;
  for (const StoredZone& each : *stored) {
    auto zone = out.started(each, files->at(each.zone->apex()));
    if (!zone) return tl::unexpected(flattened(zone.error()));
    if (*zone) zones.push_back(std::move(**zone));
  }
  for (std::size_t i = 0; i < files->size(); ++i) {
    const LoadedZone& file = (*files)[i];
    const NameView apex = file.zone->apex();
    if (out.store_.factsOf(apex) != nullptr) continue;
    if (!out.signs(apex)) {
      zones.push_back(file);
      continue;
    }
    auto zone = out.signedAtStart(file, unsignedFile(file), factsOfFile(file));
    if (!zone) return tl::unexpected(flattened(zone.error()));
    zones.push_back(std::move(*zone));
  }
  out.zones_ = std::make_shared<const ZoneSet>(std::move(zones));
  return out;
}

ZoneResult<std::optional<LoadedZone>> ZoneService::started(const StoredZone& stored,
                                                           const LoadedZone* file) {
  const NameView apex = stored.zone->apex();
  const auto fileAlone = [&]() -> ZoneResult<std::optional<LoadedZone>> {
    const Status gone = store_.forget(apex);
    if (!gone) return tl::unexpected(ZoneError{gone.error()});
    return std::nullopt;
  };
  if (stored.facts.member && file != nullptr) {
    logWarn("member_has_file", {{"zone", apex.text()},
                                {"catalog", stored.facts.member->catalog},
                                {"file", file->file},
                                {"next", "the file is served; what came from primaries is gone"}});
    return fileAlone();
  }
  const bool to_sign = !stored.facts.member && signs(apex);
  if (stored.facts.edited) compareWithFile(stored, file);
  if (stored.facts.signed_here && !to_sign) {
    logWarn("zone_no_longer_signed",
            {{"zone", apex.text()},
             {"why", "no policy says that it shall be"},
             {"next",
              "if its parent has a DS, validators take it for bogus until that is gone: "
              "mend [[dns.zones]]"}});
  }
  // Its file has the say, and has changed its mind or is gone.
  if (!stored.facts.edited && (!to_sign || file == nullptr)) return fileAlone();
  LoadedZone before = loadedFrom(stored, file);
  if (stored.facts.signed_here) before.unsigned_zone = unsignedPart(stored.zone);
  if (!to_sign && !stored.facts.signed_here) return before;
  if (!stored.facts.edited) return signedAtStart(before, unsignedFile(*file), factsOfFile(*file));
  LoadedZone next = before;
  next.zone = before.editable();
  return signedAtStart(before, std::move(next), stored.facts);
}

ZoneResult<LoadedZone> ZoneService::signedAtStart(const LoadedZone& before, LoadedZone next,
                                                  StoredZoneFacts facts) {
  auto loaded = signedAfter(&before, std::move(next));
  if (!loaded || loaded->zone == before.zone) return loaded;
  facts.signed_here = loaded->unsigned_zone != nullptr;
  facts.changed = clock_->wallNow();
  LoadedZone settled = after(&before, std::move(*loaded));
  if (!settled.history) settled.history = noHistory();
  if (const Status kept = store_.keep(*settled.zone, *settled.history, facts); !kept) {
    return tl::unexpected(ZoneError{kept.error()});
  }
  return settled;
}

// Zones of the store stay, and so do those that are signed here: their files are taken one by one.
std::shared_ptr<const ZoneSet> ZoneService::withFiles(const ZoneSet& files) const {
  std::vector<LoadedZone> next;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const LoadedZone* before = zones_->at(files[i].zone->apex());
    if (before != nullptr && before->source == ZoneSource::kStore) continue;
    if (!signs(files[i].zone->apex())) {
      next.push_back(after(before, files[i]));
    } else if (before != nullptr) {
      next.push_back(*before);
    }
  }
  for (std::size_t i = 0; i < zones_->size(); ++i) {
    const LoadedZone& before = (*zones_)[i];
    if (before.source == ZoneSource::kFile) continue;
    LoadedZone kept = before;
    const LoadedZone* file = files.at(before.zone->apex());
    kept.file = file == nullptr ? "" : file->file;
    next.push_back(std::move(kept));
  }
  return std::make_shared<const ZoneSet>(std::move(next));
}

// Those that are in the store for their signatures alone, and whose files are gone.
Status ZoneService::forgetGone(const ZoneSet& zones, const ZoneSet& files) {
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const NameView apex = zones[i].zone->apex();
    const bool signed_file =
        zones[i].source == ZoneSource::kFile && zones[i].unsigned_zone != nullptr;
    if (!signed_file || files.at(apex) != nullptr) continue;
    if (Status gone = store_.forget(apex); !gone) return gone;
  }
  return {};
}

ZoneResult<void> ZoneService::reloadAll() {
  auto files = loadZones(folder_, clock_->wallNow());
  if (!files) {
    return refuse("the zone files have errors; the old zones go on serving", files.error());
  }
  const std::shared_ptr<const ZoneSet> before = zones_;
  auto done = publish(withFiles(**files), [&] { return forgetGone(*before, **files); });
  // One after the other: each is a change of its own, of the store too.
  for (std::size_t i = 0; done && i < (*files)->size(); ++i) {
    const LoadedZone& file = (**files)[i];
    const LoadedZone* now = zones_->at(file.zone->apex());
    const bool edited = now != nullptr && now->source == ZoneSource::kStore;
    if (edited || !signs(file.zone->apex())) continue;
    const auto taken = takeFile(now, file);
    if (!taken) done = tl::unexpected(taken.error());
  }
  return done;
}

ZoneResult<ZoneChanged> ZoneService::reload(NameView apex, Edits edits) {
  const LoadedZone* before = zones_->at(apex);
  if (before == nullptr) return noSuchZone(apex);
  const bool stored = before->source == ZoneSource::kStore;
  if (auto no = madeElsewhere(apex)) return tl::unexpected(std::move(*no));
  if (before->file.empty()) {
    return refuse(ErrorKind::kRefused, "the zone has no file: it is in the store alone");
  }
  if (stored && edits == Edits::kKeep) {
    return refuse(ErrorKind::kRefused,
                  "the zone has edits that its file lacks; reload it with discard_edits to give "
                  "them up, or export it to the file first");
  }
  auto file = readFile(before->file, apex);
  if (!file) return tl::unexpected(file.error());
  if (signs(apex)) return takeFile(before, *file);
  const ZoneChanged changed{before->zone->serial(), file->zone->serial()};
  const auto forget = [&] { return stored ? store_.forget(apex) : Status(); };
  if (auto done = publish(zones_->with(after(before, std::move(*file))), forget); !done) {
    return tl::unexpected(done.error());
  }
  return changed;
}

ZoneResult<ZoneChanged> ZoneService::takeFile(const LoadedZone* before, const LoadedZone& file) {
  return commit(before, unsignedFile(file), factsOfFile(file));
}

ZoneResult<LoadedZone> ZoneService::readFile(const std::string& file, NameView apex) const {
  auto zone = loadZone(file);
  if (!zone) return refuse("the zone file has errors; the old zone goes on serving", zone.error());
  if ((*zone)->apex() != apex) {
    return refuse(ErrorKind::kInvalid,
                  file + " has another zone now: " + (*zone)->apex().text() + "; reload all zones");
  }
  return LoadedZone{std::move(*zone), file, clock_->wallNow()};
}

// Beside what it may share with the one before: the same content is the same zone, and a newer
// serial adds a step to what is known.
LoadedZone ZoneService::after(const LoadedZone* before, LoadedZone next) const {
  if (before == nullptr) return next;
  auto step = differenceOf(*before->zone, *next.zone);
  if (step == nullptr) {
    next.zone = before->zone;
    next.history = before->history;
  } else if (isNewerSerial(next.zone->serial(), before->zone->serial())) {
    const ZoneHistory known = before->history ? *before->history : ZoneHistory({}, 0);
    next.history =
        std::make_shared<const ZoneHistory>(known.with(std::move(step), historyBytes(*next.zone)));
  } else {
    logWarn("zone_serial_not_raised",
            {{"zone", next.zone->apex().text()},
             {"before", std::to_string(before->zone->serial())},
             {"after", std::to_string(next.zone->serial())},
             {"next", "secondary servers will not notice the change: raise the SOA's serial"}});
  }
  return next;
}

ZoneResult<LoadedZone> ZoneService::signedAfter(const LoadedZone* before, LoadedZone next) const {
  const NameView apex = next.zone->apex();
  const bool was_signed = before != nullptr && before->unsigned_zone != nullptr;
  const bool to_sign = signs(apex);
  if (!to_sign && !was_signed) return next;
  std::shared_ptr<const Zone> data = next.zone;
  bool same = false;  // but for signatures
  if (before != nullptr && !isNewerSerial(data->serial(), before->zone->serial())) {
    const std::uint32_t serial = before->zone->serial();
    same = was_signed && next.source == before->source &&
           !differBesideSerial(before->unsigned_zone, *data);
    data = withSerialOf(data, nextSerial(serial, policies_->of(apex).serials, clock_->wallNow()));
  }
  next.unsigned_zone = nullptr;
  if (!to_sign) {
    next.zone = std::move(data);
    return next;
  }
  auto outcome = signing_->sign(was_signed ? before->zone.get() : nullptr, *data);
  if (!outcome) return refuse("the zone cannot be signed; nothing was changed", outcome.error());
  if (same && !outcome->changed) {
    LoadedZone kept = *before;
    kept.online = std::move(outcome->online);
    return kept;
  }
  next.zone = std::move(outcome->zone);
  next.unsigned_zone = std::move(data);
  next.online = std::move(outcome->online);
  return next;
}

ZoneResult<ZoneChanged> ZoneService::resign(NameView apex) {
  const LoadedZone* before = zones_->at(apex);
  const StoredZoneFacts* facts = store_.factsOf(apex);
  if (before == nullptr || before->unsigned_zone == nullptr || facts == nullptr) {
    return noSuchZone(apex);
  }
  LoadedZone next = *before;
  next.zone = before->unsigned_zone;
  next.loaded_at = clock_->wallNow();
  return commit(before, std::move(next), *facts);
}

ZoneResult<ZoneChanged> ZoneService::edit(const ZoneEdit& edit) {
  const LoadedZone* before = zones_->at(edit.apex);
  if (before == nullptr) return noSuchZone(edit.apex);
  const std::uint32_t serial = before->zone->serial();
  if (edit.expected_serial && *edit.expected_serial != serial) {
    return refuse(ErrorKind::kConflict, "the serial is " + std::to_string(serial) + ", not " +
                                            std::to_string(*edit.expected_serial));
  }
  const SerialPolicy serials = edit.serials.value_or(policies_->of(edit.apex).serials);
  const auto planned = planEdit(*before->editable(), edit.rrsets, serials, clock_->wallNow());
  if (!planned) return refuse("the edit has errors; nothing was changed", planned.error());
  if (*planned == nullptr) return ZoneChanged{serial, serial};
  return take(edit.apex, **planned);
}

ZoneResult<ZoneChanged> ZoneService::take(NameView apex, const ZoneDifference& step) {
  const LoadedZone* before = zones_->at(apex);
  if (before == nullptr) return noSuchZone(apex);
  if (auto no = madeElsewhere(apex)) return tl::unexpected(std::move(*no));
  if (before->zone->denial() != nullptr && before->unsigned_zone == nullptr) {
    return refuse(
        ErrorKind::kRefused,
        "the zone was signed elsewhere, and what is changed here would be bogus: change it "
        "there, and bring the whole");
  }
  auto next = apply(*before->editable(), step, "edit");
  if (!next) return refuse("the edit makes no zone; nothing was changed", next.error());
  return commitEdit(before, std::move(*next));
}

ZoneResult<ZoneChanged> ZoneService::replace(std::shared_ptr<const Zone> next) {
  if (auto no = madeElsewhere(next->apex())) return tl::unexpected(std::move(*no));
  const LoadedZone* before = zones_->at(next->apex());
  if (signs(next->apex())) next = unsignedPart(next);
  if (before == nullptr) return commitEdit(nullptr, std::move(next));
  const std::uint32_t serial = before->zone->serial();
  if (differenceOf(*before->editable(), *next) == nullptr) return ZoneChanged{serial, serial};
  if (!isNewerSerial(next->serial(), serial)) {
    return refuse(ErrorKind::kConflict, "the serial must be newer than " + std::to_string(serial));
  }
  return commitEdit(before, std::move(next));
}

ZoneResult<StoredZoneFacts> ZoneService::factsOf(const LoadedZone& before) const {
  if (const StoredZoneFacts* known = store_.factsOf(before.zone->apex())) return *known;
  StoredZoneFacts facts;
  facts.file = before.file;
  if (before.file.empty()) return facts;
  const auto file = readFile(before.file, before.zone->apex());
  if (!file || differenceOf(*before.zone, *file->zone) != nullptr) {
    return refuse(ErrorKind::kConflict,
                  before.file + " is not what is served: reload the zone before it is edited");
  }
  facts.file_sha256 = digestOf(*file->zone);
  return facts;
}

ZoneResult<ZoneChanged> ZoneService::commitEdit(const LoadedZone* before,
                                                std::shared_ptr<const Zone> next) {
  StoredZoneFacts facts;
  if (before != nullptr) {
    auto known = factsOf(*before);
    if (!known) return tl::unexpected(known.error());
    facts = std::move(*known);
  }
  facts.edited = true;
  const MemberZone* member = policies_->memberAt(next->apex());
  facts.member = member == nullptr ? std::nullopt : std::optional(member->membership);
  if (policies_->isSecondary(next->apex())) facts.refreshed = clock_->wallNow();
  const std::string file = before == nullptr ? "" : before->file;
  return commit(before, {std::move(next), file, clock_->wallNow(), ZoneSource::kStore}, facts);
}

ZoneResult<ZoneChanged> ZoneService::commit(const LoadedZone* before, LoadedZone next,
                                            StoredZoneFacts facts) {
  auto to_serve = signedAfter(before, std::move(next));
  if (!to_serve) return tl::unexpected(to_serve.error());
  facts.changed = clock_->wallNow();
  facts.signed_here = to_serve->unsigned_zone != nullptr;
  const std::uint32_t serial = before == nullptr ? 0 : before->zone->serial();
  const ZoneChanged changed{serial, to_serve->zone->serial()};
  if (before != nullptr && to_serve->zone == before->zone) return changed;
  LoadedZone loaded = after(before, std::move(*to_serve));
  if (!loaded.history) loaded.history = noHistory();
  loaded.catalog = policies_->isCatalog(loaded.zone->apex());
  const auto keep = [&, zone = loaded.zone, history = loaded.history] {
    return store_.keep(*zone, *history, facts);
  };
  auto done = publish(zones_->with(std::move(loaded)), keep);
  if (!done) return tl::unexpected(done.error());
  return changed;
}

ZoneResult<void> ZoneService::remove(NameView apex) {
  const LoadedZone* before = zones_->at(apex);
  if (before == nullptr) return noSuchZone(apex);
  if (auto no = madeElsewhere(apex)) return tl::unexpected(std::move(*no));
  if (!before->file.empty()) {
    return refuse(ErrorKind::kRefused,
                  "the zone has a file, " + before->file + ": take that away, and reload");
  }
  return publish(zones_->without(apex), [&] { return store_.forget(apex); });
}

ZoneResult<void> ZoneService::publish(std::shared_ptr<const ZoneSet> next,
                                      const std::function<Status()>& store) {
  const auto prepared = prepare_(next);
  if (!prepared) {
    return refuse("the services do not go together with that; nothing was changed",
                  prepared.error());
  }
  if (const Status stored = store(); !stored) return tl::unexpected(ZoneError{stored.error()});
  const std::shared_ptr<const ZoneSet> before = std::exchange(zones_, std::move(next));
  (*prepared)();
  if (tellChanges(*before)) apexes_observer_();
  return {};
}

bool ZoneService::tellChanges(const ZoneSet& before) const {
  const ZoneSet& after = *zones_;
  std::vector<const LoadedZone*> changed;
  const bool same_apexes = after.equals(before, [&](const LoadedZone& zone, const LoadedZone&) {
    changed.push_back(&zone);
    return true;
  });
  if (!same_apexes) {
    changed.clear();
    for (std::size_t i = 0; i < after.size(); ++i) {
      const LoadedZone* old = before.at(after[i].zone->apex());
      if (old == nullptr || old->zone != after[i].zone) changed.push_back(&after[i]);
    }
  }
  for (const LoadedZone* zone : changed) observer_(*zone);
  return !same_apexes;
}

}  // namespace meridian::dns
