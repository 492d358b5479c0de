#include "server/zone_parts.h"

#include <chrono>
#include <utility>

namespace meridian::server {

std::vector<std::string> ZoneParts::families() {
  std::vector<std::string> out = dns::ZoneService::families();
  for (std::string& family : SigningWatch::families()) out.push_back(std::move(family));
  for (std::string& family : dns::ChallengeBook::families()) out.push_back(std::move(family));
  return out;
}

Result<std::unique_ptr<ZoneParts>> ZoneParts::open(EventLoop& loop, const Clock& clock,
                                                   const std::shared_ptr<KvStore>& store,
                                                   const Config& config, StatePublisher& publisher,
                                                   std::shared_ptr<const dns::ZoneSet> files) {
  std::unique_ptr<ZoneParts> out(new ZoneParts(loop, publisher));
  if (Status opened = out->openZones(clock, store, config, std::move(files)); !opened) {
    return tl::unexpected(opened.error());
  }
  const auto settings = [&publisher]() -> const dns::AnswerSettings& {
    return publisher.settings();
  };
  const auto keys = [&publisher] { return publisher.settings().tsig_keys; };
  out->notifier_ = std::make_unique<dns::Notifier>(loop, clock, keys);
  out->secondaries_ = std::make_unique<dns::SecondaryService>(
      loop, clock, *out->zones_, settings().zone_policies, keys, config.transfers_in);
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
  });
  return out;
}

Status ZoneParts::openZones(const Clock& clock, const std::shared_ptr<KvStore>& store,
                            const Config& config, std::shared_ptr<const dns::ZoneSet> files) {
  auto signing = SigningWatch::open(clock, store, config, publisher_.settings());
  if (!signing) return tl::unexpected(signing.error());
  signing_ = std::move(*signing);
  auto zones = dns::ZoneService::open(store, clock, config.zones_dir, std::move(files),
                                      &signing_->signing());
  if (!zones) return tl::unexpected(zones.error());
  zones_ = std::move(*zones);
  zones_->setPolicies(publisher_.settings().zone_policies);
  if (Status added = zones_->addSecondaries(); !added) return added;
  zones_->onChange([this](const auto& next) { return publisher_.prepareZones(next); });
  publisher_.setZones(zones_->zones());
  return {};
}

void ZoneParts::start() {
  secondaries_->start();
  signing_->start(loop_, *zones_);
  challenge_tick_ = loop_.every(std::chrono::seconds(1), [this] { challenges_->tick(); });
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
