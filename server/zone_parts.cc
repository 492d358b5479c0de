#include "server/zone_parts.h"

#include <chrono>
#include <utility>

#include "base/byte_reader.h"

namespace meridian::server {

std::vector<std::string> ZoneParts::families() {
  std::vector<std::string> out = dns::ZoneService::families();
  for (std::string& family : SigningWatch::families()) out.push_back(std::move(family));
  for (std::string& family : dns::ChallengeBook::families()) out.push_back(std::move(family));
  return out;
}

Result<std::unique_ptr<ZoneParts>> ZoneParts::open(
    EventLoop& loop, const Clock& clock, const std::shared_ptr<KvStore>& store,
    const Config& config, StatePublisher& publisher,
    const std::shared_ptr<const dns::ZoneSet>& files) {
  std::unique_ptr<ZoneParts> out(new ZoneParts(loop, publisher));
  if (Status opened = out->openZones(clock, store, config, files); !opened) {
    return tl::unexpected(opened.error());
  }
  const auto settings = [&publisher]() -> const dns::AnswerSettings& {
    return publisher.settings();
  };
  if (Status opened = out->openSecondaries(clock, config); !opened) {
    return tl::unexpected(opened.error());
  }
  ZoneParts& parts = *out;
  out->updates_ = std::make_unique<dns::UpdateService>(
      *out->zones_, clock, settings, [&parts](auto zone, auto& client, auto* key) {
        return parts.secondaries_->notified(zone, client, key);
      });
  out->desk_ = std::make_unique<dns::RequestDesk>(
      loop, [&parts](std::span<const std::uint8_t> message, const dns::Client& client) {
        return parts.updates_->answer(message, client);
      });
  auto challenges = dns::ChallengeBook::open(store, clock, *out->zones_);
  if (!challenges) return tl::unexpected(challenges.error());
  out->challenges_ = std::move(*challenges);
  out->zones_->onPublished([&parts](const dns::LoadedZone& zone) {
    parts.signing_->zoneServed(zone);
    parts.announce(zone);
    parts.catalogs_->zoneServed(zone);
  });
  out->zones_->onApexes([&parts] {
    parts.producer_->update();
    parts.catalogs_->apexesChanged();
  });
  return out;
}

Status ZoneParts::openZones(const Clock& clock, const std::shared_ptr<KvStore>& store,
                            const Config& config,
                            const std::shared_ptr<const dns::ZoneSet>& files) {
  auto signing = SigningWatch::open(clock, store, config, publisher_.settings());
  if (!signing) return tl::unexpected(signing.error());
  signing_ = std::move(*signing);
  auto zones = dns::ZoneService::open(store, clock, config.zones_dir, files, &signing_->signing());
  if (!zones) return tl::unexpected(zones.error());
  zones_ = std::move(*zones);
  producer_.emplace(*zones_);
  setPolicies(publisher_.settings().zone_policies);
  return zones_->addSecondaries();
}

Status ZoneParts::openSecondaries(const Clock& clock, const Config& config) {
  const auto keys = [this] { return publisher_.settings().tsig_keys; };
  const auto configured = publisher_.settings().zone_policies;
  notifier_ = std::make_unique<dns::Notifier>(loop_, clock, keys);
  secondaries_ = std::make_unique<dns::SecondaryService>(loop_, clock, *zones_, configured, keys,
                                                         config.transfers_in);
  catalogs_ = std::make_unique<dns::CatalogConsumer>(
      dns::CatalogConsumer::Seams{loop_, clock, *zones_, *secondaries_,
                                  [this](const auto& policies) { setPolicies(policies); },
                                  [this] { return servicePlaces(); }},
      configured);
  if (Status restored = catalogs_->restore(); !restored) return restored;
  zones_->onChange([this](const auto& next) { return publisher_.prepareZones(next); });
  publisher_.setZones(zones_->zones());
  return {};
}

void ZoneParts::setPolicies(const std::shared_ptr<const dns::ZonePolicies>& policies) {
  publisher_.setZonePolicies(policies);
  zones_->setPolicies(policies);
  signing_->setPolicies(policies);
  producer_->setPolicies(policies);
}

void ZoneParts::start() {
  secondaries_->start();
  catalogs_->start();
  producer_->update();
  signing_->start(loop_, *zones_);
  challenge_tick_ = loop_.every(std::chrono::seconds(1), [this] { challenges_->tick(); });
}

dns::ServicePlaces ZoneParts::servicePlaces() const {
  dns::ServicePlaces out;
  const auto wireOf = [](dns::NameView name) { return std::string(asText(name.wire())); };
  const auto state = publisher_.published().current();
  for (std::size_t i = 0; i < state->map.topology->services.size(); ++i) {
    dns::NameView name =
        state->services->nameOf(partition::ServiceIx(static_cast<std::uint32_t>(i)));
    const dns::LoadedZone* zone = state->zones->covering(name);
    if (zone == nullptr) continue;
    out.within.insert(wireOf(zone->zone->apex()));
    for (; name.size() > zone->zone->apex().size(); name = name.parent()) {
      out.below.insert(wireOf(name));
    }
  }
  return out;
}

dns::RequestDesk* ZoneParts::takers() {
  const dns::ZonePolicies& policies = *publisher_.settings().zone_policies;
  const bool any = policies.allowUpdates() || !policies.secondaries().empty();
  return any ? desk_.get() : nullptr;
}

void ZoneParts::announce(const dns::LoadedZone& zone) const {
  if (zone.availability != dns::Availability::kServed) return;
  notifier_->notify(zone.zone, publisher_.settings().zone_policies->of(zone.zone->apex()).notify);
}

void ZoneParts::announceAll() const {
  const dns::ZoneSet& zones = *zones_->zones();
  for (std::size_t i = 0; i < zones.size(); ++i) announce(zones[i]);
}

}  // namespace meridian::server
