#include "server/key_watch.h"

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

KeyWatch::KeyWatch(EventLoop& loop, dns::KeyService service,
                   std::shared_ptr<const dns::ZonePolicies> policies)
    : service_(std::move(service)), policies_(std::move(policies)) {
  // Nobody signs yet, and so nothing old is served that could be waited for: the signer's report is
  // made here in its place.
  service_.onChange(
      [this](dns::NameView apex) { service_.zoneSigned(apex, *service_.keysOf(apex)); });
  tick_ = loop.every(std::chrono::seconds(1), [this] { service_.tick(); });
}

Result<std::unique_ptr<KeyWatch>> KeyWatch::open(EventLoop& loop, const Clock& clock,
                                                 const std::shared_ptr<KvStore>& store,
                                                 const Config& config,
                                                 const dns::AnswerSettings& settings,
                                                 const dns::ZoneSet& zones) {
  auto service = dns::KeyService::open(store, clock, settings.zone_policies);
  if (!service) return tl::unexpected(service.error());
  std::unique_ptr<KeyWatch> out(new KeyWatch(loop, std::move(*service), settings.zone_policies));
  if (settings.zone_policies->sign()) {
    for (std::size_t i = 0; i < zones.size(); ++i) {
      if (Status seen = out->see(zones[i]); !seen) {
        return tl::unexpected(seen.error().within("keys of zone " + zones[i].zone->apex().text()));
      }
    }
  }
  bool has_keys = false;
  out->service_.forEach([&](const auto&, const auto&) { has_keys = true; });
  if (has_keys) warnOfReaders(config.state_dir);
  return out;
}

void KeyWatch::zoneServed(const dns::LoadedZone& zone) {
  // The service has said in the log what fails, and tries again.
  static_cast<void>(see(zone));
}

Status KeyWatch::see(const dns::LoadedZone& zone) {
  const dns::NameView apex = zone.zone->apex();
  if (!policies_->of(apex).sign) return {};
  return service_.zoneServed(apex, largestTtlOf(*zone.zone));
}

}  // namespace meridian::server
