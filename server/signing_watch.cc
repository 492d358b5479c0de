#include "server/signing_watch.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "dns/zone/zone_cursor.h"

namespace meridian::server {
namespace {

std::chrono::seconds largestTtlOf(const dns::Zone& zone) {
  std::uint32_t ttl = 0;
  for (dns::ZoneCursor at(zone); !at.atEnd();) ttl = std::max(ttl, at.next().ttl);
  return std::chrono::seconds(ttl);
}

// A folder that was there before is left as its owner has it.
void warnOfReaders(const std::filesystem::path& folder) {
  using std::filesystem::perms;
  std::error_code failed;
  const perms mode = std::filesystem::status(folder, failed).permissions();
  if (failed || (mode & (perms::group_all | perms::others_all)) == perms::none) return;
  logWarn("state_dir_open_to_others",
          {{"folder", folder.string()},
           {"why", "it has private keys of zones, and others than its owner may use it"},
           {"next", "chmod 700 " + folder.string()}});
}

}  // namespace

SigningWatch::SigningWatch(const Clock& clock, dns::KeyService keys,
                           std::shared_ptr<const dns::ZonePolicies> policies)
    : keys_(std::move(keys)),
      policies_(std::move(policies)),
      signing_(
          clock, [this](dns::NameView apex) { return policies_->signs(apex); },
          [this](const dns::Zone& data) { return orderFor(data); }) {
  keys_.onChange([this](dns::NameView apex) { signing_.wake(apex); });
}

Result<std::unique_ptr<SigningWatch>> SigningWatch::open(const Clock& clock,
                                                         const std::shared_ptr<KvStore>& store,
                                                         const Config& config,
                                                         const dns::AnswerSettings& settings) {
  auto keys = dns::KeyService::open(store, clock, settings.zone_policies);
  if (!keys) return tl::unexpected(keys.error());
  bool has_keys = settings.zone_policies->sign();
  keys->forEach([&](const auto&, const auto&) { has_keys = true; });
  if (has_keys) warnOfReaders(config.state_dir);
  return std::unique_ptr<SigningWatch>(
      new SigningWatch(clock, std::move(*keys), settings.zone_policies));
}

// A zone that is signed for the first time gets its keys now.
Result<dns::ZoneSigningOrder> SigningWatch::orderFor(const dns::Zone& data) {
  const dns::NameView apex = data.apex();
  if (keys_.keysOf(apex) == nullptr) {
    if (const Status made = keys_.zoneServed(apex, largestTtlOf(data)); !made) {
      return tl::unexpected(made.error().within("keys"));
    }
  }
  auto keys = keys_.keysOf(apex);
  if (keys == nullptr) return fail(ErrorKind::kIo, "the zone has no keys yet");
  return dns::ZoneSigningOrder{std::move(keys), *policies_->of(apex).sign};
}

void SigningWatch::start(EventLoop& loop, dns::ZoneService& zones) {
  const dns::ZoneSet& served = *zones.zones();
  for (std::size_t i = 0; i < served.size(); ++i) zoneServed(served[i]);
  tick_ = loop.every(std::chrono::seconds(1), [this, &zones] { tick(zones); });
}

void SigningWatch::tick(dns::ZoneService& zones) {
  keys_.tick();
  for (const dns::Name& apex : signing_.takeDue()) {
    const auto done = zones.resign(apex);
    if (done) {
      report(apex);
      continue;
    }
    logError("zone_not_signed",
             {{"zone", apex.text()},
              {"why", done.error().error.message + " " + done.error().problems.text()},
              {"next", "what is served stays; it is tried again within a minute"}});
  }
}

void SigningWatch::zoneServed(const dns::LoadedZone& zone) {
  const dns::NameView apex = zone.zone->apex();
  if (!policies_->signs(apex)) return;
  // The service has said in the log what fails, and tries again.
  static_cast<void>(keys_.zoneServed(apex, largestTtlOf(*zone.zone)));
  report(apex);
}

void SigningWatch::report(dns::NameView apex) {
  const dns::SigningStatus* status = signing_.statusOf(apex);
  if (status == nullptr || status->keys == nullptr) return;
  if (status->complete) {
    keys_.zoneSigned(apex, *status->keys);
  } else {
    keys_.keysServed(apex, *status->keys);
  }
}

}  // namespace meridian::server
