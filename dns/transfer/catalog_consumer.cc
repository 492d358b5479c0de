#include "dns/transfer/catalog_consumer.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/byte_reader.h"
#include "base/log.h"

namespace meridian::dns {
namespace {

// Of members that are refused, in the log for each content of a catalog.
constexpr std::size_t kMaxToldRefusals = 20;

std::string wireOf(NameView name) {
  return std::string(asText(name.wire()));
}
NameView nameOfWire(const std::string& wire) {
  return NameView({reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()});
}

// The first whose group the member has; of a member of no such group, the one without. nullptr:
// there is none.
const MemberTemplate* templateFor(const ZonePolicy& catalog,
                                  const std::vector<std::string>& groups) {
  const MemberTemplate* other = nullptr;
  for (const MemberTemplate& each : catalog.members) {
    if (each.group.empty()) other = &each;
    if (!each.group.empty() && std::binary_search(groups.begin(), groups.end(), each.group)) {
      return &each;
    }
  }
  return other;
}

std::string textOf(const ZoneError& error) {
  std::string out = error.error.message;
  if (!error.problems.empty()) out += ": " + error.problems.entries().front().text();
  return out;
}

}  // namespace

struct CatalogConsumer::Catalog {
  explicit Catalog(const ZonePolicy& by) : policy(by), name(by.name.text()) {}

  const ZonePolicy& policy;
  std::string name;
  std::shared_ptr<const Zone> seen = {};               // looked at last
  std::unordered_map<std::string, Name> leaving = {};  // zones in wire form → whose they may become
  std::string fault = {};
  std::size_t refused = 0;
  bool due = true;
};

// What a catalog changes.
struct CatalogConsumer::Plan {
  ZoneService::MemberChange change;
  MemberZones next;
  std::vector<Name> again;  // zones whose primaries, or whose data, are others now
  std::vector<std::pair<Name, std::string>> refused;
  std::unordered_map<std::string, Name> leaving;
  ServicePlaces services;

  bool changesNothing() const {
    return change.gone.empty() && change.fresh.empty() && change.moved.empty();
  }
};

CatalogConsumer::CatalogConsumer(Seams seams, std::shared_ptr<const ZonePolicies> configured)
    : seams_(std::move(seams)), configured_(std::move(configured)) {
  for (const ZonePolicy& policy : configured_->configured()) {
    if (!policy.members.empty()) catalogs_.push_back(std::make_unique<Catalog>(policy));
  }
}

CatalogConsumer::~CatalogConsumer() = default;

CatalogConsumer::Catalog* CatalogConsumer::find(const std::string& name) const {
  const auto found = std::find_if(catalogs_.begin(), catalogs_.end(),
                                  [&](const auto& each) { return each->name == name; });
  return found == catalogs_.end() ? nullptr : found->get();
}

Status CatalogConsumer::restore() {
  ZoneService::MemberChange change;
  MemberZones members;
  for (const auto& [apex, membership] : seams_.zones.storedMembers()) {
    if (configured_->isSecondary(apex)) continue;  // the configuration's from now on
    const Catalog* catalog = find(membership.catalog);
    const MemberTemplate* by =
        catalog == nullptr ? nullptr : templateFor(catalog->policy, {membership.group});
    if (by == nullptr || configured_->isCatalog(apex)) {
      logWarn("member_without_catalog",
              {{"zone", apex.text()},
               {"catalog", membership.catalog},
               {"why", "the configuration has no such catalog, or another use for the name"},
               {"next", "the zone and its data are gone"}});
      change.gone.push_back(apex);
      continue;
    }
    members.insert_or_assign(wireOf(apex), MemberZone{membership, by->policy});
  }
  if (catalogs_.empty() && change.gone.empty()) return {};
  members_ = std::make_shared<const MemberZones>(std::move(members));
  seams_.set_policies(configured_->withMembers(members_));
  const auto done = seams_.zones.changeMembers(change);
  return done ? Status{} : fail(done.error().error.kind, textOf(done.error()));
}

void CatalogConsumer::start() {
  for (const auto& [zone, member] : *members_)
    seams_.secondaries.add(nameOfWire(zone), member.policy);
  // Who hands over what must be known before anybody takes it.
  for (const auto& catalog : catalogs_) {
    const LoadedZone* loaded = seams_.zones.zones()->at(catalog->policy.name);
    if (loaded == nullptr || loaded->availability != Availability::kServed) continue;
    const auto members = readCatalog(*loaded->zone, catalog->policy.max_members);
    if (!members) continue;
    for (const CatalogMember& each : *members) {
      if (each.new_owner) catalog->leaving.emplace(wireOf(each.zone), *each.new_owner);
    }
  }
  run();
}

void CatalogConsumer::zoneServed(const LoadedZone& zone) {
  if (!zone.catalog) return;
  Catalog* catalog = find(zone.zone->apex().text());
  if (catalog == nullptr) return;
  catalog->due = true;
  wake();
}

void CatalogConsumer::apexesChanged() {
  freed_ = true;
  if (!catalogs_.empty()) wake();
}

// Not within what ZoneService or SecondaryService are doing.
void CatalogConsumer::wake() {
  if (awake_) return;
  awake_ = true;
  seams_.loop.post([this] { run(); });
}

void CatalogConsumer::run() {
  awake_ = false;
  for (const auto& catalog : catalogs_) {
    if (std::exchange(catalog->due, false)) look(*catalog, true);
  }
  // Each that changes something comes here once more.
  if (!std::exchange(freed_, false)) return;
  for (const auto& catalog : catalogs_) {
    if (catalog->refused != 0 && catalog->fault.empty()) look(*catalog, false);
  }
}

void CatalogConsumer::look(Catalog& catalog, bool updated) {
  const LoadedZone* loaded = seams_.zones.zones()->at(catalog.policy.name);
  if (loaded == nullptr || loaded->availability != Availability::kServed) return;
  if (updated && loaded->zone == catalog.seen) return;
  catalog.seen = loaded->zone;
  const MonotonicTime begun = seams_.clock.monotonicNow();
  const auto members = readCatalog(*catalog.seen, catalog.policy.max_members);
  if (!members) return tellBroken(catalog, members.error());
  catalog.fault.clear();
  Plan plan = planOf(catalog, *members, updated);
  if (const Status done = carryOut(plan); !done) {
    counters_.failed.add();
    logError("catalog_not_taken", {{"catalog", catalog.name},
                                   {"serial", std::to_string(catalog.seen->serial())},
                                   {"why", done.error().message},
                                   {"next", "its members stay as they are; it is tried again in " +
                                                std::to_string(kRetry.count() / 1000) + " s"}});
    catalog.seen = nullptr;
    catalog.due = true;
    retry_ = seams_.loop.after(kRetry, [this] { wake(); });
    return;
  }
  catalog.leaving = std::move(plan.leaving);
  catalog.refused = plan.refused.size();
  if (!updated && plan.changesNothing()) return;
  counters_.taken.add();
  counters_.refused.add(plan.refused.size());
  for (std::size_t i = 0; i < std::min(plan.refused.size(), kMaxToldRefusals); ++i) {
    logError("catalog_member_refused", {{"catalog", catalog.name},
                                        {"zone", plan.refused[i].first.text()},
                                        {"why", plan.refused[i].second}});
  }
  logInfo("catalog_taken", {{"catalog", catalog.name},
                            {"serial", std::to_string(catalog.seen->serial())},
                            {"new", std::to_string(plan.change.fresh.size())},
                            {"gone", std::to_string(plan.change.gone.size())},
                            {"moved", std::to_string(plan.change.moved.size())},
                            {"refused", std::to_string(plan.refused.size())},
                            {"ms", std::to_string((seams_.clock.monotonicNow() - begun).count())}});
}

void CatalogConsumer::tellBroken(Catalog& catalog, const Diagnostics& faults) {
  catalog.fault = faults.entries().front().text();
  counters_.broken.add();
  logError("catalog_broken", {{"catalog", catalog.name},
                              {"serial", std::to_string(catalog.seen->serial())},
                              {"why", catalog.fault},
                              {"faults", std::to_string(faults.size())},
                              {"next", "its members stay as they are until it is mended"}});
}

CatalogConsumer::Plan CatalogConsumer::planOf(const Catalog& catalog,
                                              const std::vector<CatalogMember>& members,
                                              bool updated) const {
  Plan plan;
  plan.services = seams_.services();
  plan.next = *members_;
  std::unordered_set<std::string> listed;
  for (const CatalogMember& member : members) {
    if (member.new_owner) plan.leaving.emplace(wireOf(member.zone), *member.new_owner);
    if (templateFor(catalog.policy, member.groups) == nullptr) {
      plan.refused.emplace_back(member.zone, "no template is for its groups");
      continue;
    }
    listed.insert(wireOf(member.zone));
    addTo(plan, catalog, member, updated);
  }
  for (const auto& [zone, member] : *members_) {
    if (member.membership.catalog != catalog.name || listed.contains(zone)) continue;
    if (plan.services.within.contains(zone)) {
      plan.refused.emplace_back(nameOfWire(zone), "it stays: services of the topology are in it");
      continue;
    }
    plan.change.gone.emplace_back(nameOfWire(zone));
    plan.next.erase(zone);
  }
  return plan;
}

void CatalogConsumer::addTo(Plan& plan, const Catalog& catalog, const CatalogMember& member,
                            bool updated) const {
  const std::string zone = wireOf(member.zone);
  const MemberTemplate& by = *templateFor(catalog.policy, member.groups);
  const MemberZone next{{catalog.name, member.label, by.group}, by.policy};
  const auto known = members_->find(zone);
  if (known == members_->end()) {
    std::string why = whyNotFree(plan, member.zone);
    if (!why.empty()) {
      plan.refused.emplace_back(member.zone, std::move(why));
      return;
    }
    plan.change.fresh.push_back(member.zone);
    plan.next.insert_or_assign(zone, next);
    return;
  }
  const CatalogMembership& before = known->second.membership;
  const bool same_catalog = before.catalog == catalog.name;
  if (!same_catalog && !(updated && handsOver(before.catalog, zone, catalog.policy.name))) {
    plan.refused.emplace_back(member.zone, "it is a member of " + before.catalog);
    return;
  }
  if (before == next.membership && known->second.policy == next.policy) return;
  if (before.label == member.label) {
    plan.change.moved.emplace_back(member.zone, next.membership);
  } else {
    plan.change.fresh.push_back(member.zone);
  }
  plan.again.push_back(member.zone);
  plan.next.insert_or_assign(zone, next);
}

std::string CatalogConsumer::whyNotFree(const Plan& plan, const Name& zone) const {
  if (seams_.zones.zones()->at(zone) != nullptr || configured_->isCatalog(zone)) {
    return "a zone of this name is here already";
  }
  if (plan.services.below.contains(wireOf(zone))) {
    return "it would take a service of the topology from the zone it is in";
  }
  return "";
}

bool CatalogConsumer::handsOver(const std::string& from, const std::string& zone,
                                const Name& to) const {
  const Catalog* owner = find(from);
  if (owner == nullptr) return false;
  const auto found = owner->leaving.find(zone);
  return found != owner->leaving.end() && found->second == to;
}

// While a zone is here its policy is, too: a zone that nobody says anything of would be judged by
// that of a zone above it.
Status CatalogConsumer::carryOut(Plan& plan) {
  if (plan.changesNothing()) return {};
  const auto next = std::make_shared<const MemberZones>(std::move(plan.next));
  auto both = next;
  if (!plan.change.gone.empty()) {
    MemberZones with_gone = *next;
    for (const Name& zone : plan.change.gone) with_gone.insert(*members_->find(wireOf(zone)));
    both = std::make_shared<const MemberZones>(std::move(with_gone));
  }
  seams_.set_policies(configured_->withMembers(both));
  if (const auto done = seams_.zones.changeMembers(plan.change); !done) {
    seams_.set_policies(configured_->withMembers(members_));
    return fail(done.error().error.kind, textOf(done.error()));
  }
  members_ = next;
  if (both != next) seams_.set_policies(configured_->withMembers(members_));
  for (const std::vector<Name>* list : {&plan.change.gone, &plan.again}) {
    for (const Name& zone : *list) seams_.secondaries.remove(zone);
  }
  std::unordered_set<std::string> added;
  for (const std::vector<Name>* list : {&plan.again, &plan.change.fresh}) {
    for (const Name& zone : *list) {
      const std::string wire = wireOf(zone);
      if (added.insert(wire).second) seams_.secondaries.add(zone, members_->at(wire).policy);
    }
  }
  return {};
}

std::vector<CatalogStatus> CatalogConsumer::statuses() const {
  std::vector<CatalogStatus> out;
  for (const auto& catalog : catalogs_) {
    out.push_back({catalog->policy.name, 0, catalog->refused, catalog->fault});
  }
  for (const auto& [zone, member] : *members_) {
    for (std::size_t i = 0; i < catalogs_.size(); ++i) {
      if (catalogs_[i]->name == member.membership.catalog) ++out[i].members;
    }
  }
  return out;
}

std::string CatalogConsumer::catalogOf(NameView apex) const {
  const auto found = members_->find(asText(apex.wire()));
  return found == members_->end() ? "" : found->second.membership.catalog;
}

}  // namespace meridian::dns
