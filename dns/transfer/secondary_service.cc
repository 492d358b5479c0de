#include "dns/transfer/secondary_service.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_reader.h"
#include "base/digest.h"
#include "base/log.h"
#include "dns/transfer/incoming_transfer.h"
#include "dns/transfer/refresh_plan.h"
#include "dns/zone/serial.h"
#include "dns/zone/signing_faults.h"

namespace meridian::dns {

using std::chrono::milliseconds;

namespace {

std::uint16_t randomNumber() {
  std::array<std::uint8_t, 2> bytes{};
  // Where the system has no random bytes, zeros do: TCP does not stand on them.
  if (const Status filled = fillRandom(bytes); !filled) bytes = {};
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}
double chance() {
  return randomNumber() / 65535.0;
}

RefreshTimes timesOf(const Zone& zone) {
  return RefreshTimes::of(soaTimesOf(zone.rrset(zone.apexNode(), RrType::kSoa).firstRdata()));
}

std::string errorText(const ZoneError& error) {
  std::string out = error.error.message;
  if (!error.problems.empty()) out += ": " + error.problems.entries().front().text();
  return out;
}

}  // namespace

struct SecondaryService::Secondary : std::enable_shared_from_this<Secondary> {
  Secondary(NameView name, std::shared_ptr<const ZonePolicy> by, const RefreshPlan& first)
      : apex(name), policy(std::move(by)), plan(first) {}

  Name apex;
  std::shared_ptr<const ZonePolicy> policy;
  RefreshPlan plan;
  std::optional<WallTime> refreshed = {};
  std::string last_error = {};
  bool queued = false;
  bool whole = false;  // asked for by an operator, whatever the serial
  std::unique_ptr<EventLoop::Timer> due = {};
  std::unique_ptr<EventLoop::Timer> expiry = {};
  // Of the round that is under way.
  MonotonicTime begun = {};
  RrType asked = RrType::kSoa;
  std::unique_ptr<IncomingTransfer> transfer = {};
  IncomingTransfer::Progress progress = IncomingTransfer::Progress::kMore;
  std::unique_ptr<TransferConnection> connection = {};

  const ZonePrimary& primary() const { return policy->primaries[plan.primary()]; }
};

SecondaryService::SecondaryService(EventLoop& loop, const Clock& clock, ZoneService& zones,
                                   std::shared_ptr<const ZonePolicies> policies, Keys keys,
                                   const SecondaryLimits& limits)
    : loop_(loop),
      clock_(clock),
      zones_(zones),
      policies_(std::move(policies)),
      keys_(std::move(keys)),
      limits_(limits) {}

SecondaryService::~SecondaryService() = default;

std::uint64_t SecondaryService::unixTime() const {
  return static_cast<std::uint64_t>(unixMillis(clock_.wallNow()) / 1000);
}

SecondaryService::Secondary* SecondaryService::find(NameView apex) const {
  const auto found = zones_by_apex_.find(asText(apex.wire()));
  return found == zones_by_apex_.end() ? nullptr : found->second.get();
}

Availability SecondaryService::availabilityOf(const Secondary& zone) const {
  const LoadedZone* loaded = zones_.zones()->at(zone.apex);
  return loaded == nullptr ? Availability::kNeverLoaded : loaded->availability;
}

void SecondaryService::start() {
  for (const ZonePolicy* policy : policies_->secondaries()) {
    add(policy->name, std::shared_ptr<const ZonePolicy>(policies_, policy));
  }
}

void SecondaryService::add(NameView apex, std::shared_ptr<const ZonePolicy> policy) {
  const MonotonicTime now = clock_.monotonicNow();
  const std::size_t primaries = policy->primaries.size();
  const LoadedZone* loaded = zones_.zones()->at(apex);
  const bool is_here = loaded != nullptr && loaded->availability != Availability::kNeverLoaded;
  auto zone = std::make_shared<Secondary>(apex, std::move(policy), RefreshPlan(primaries, now));
  if (is_here) {
    // What was here before it had primaries is as old as its last change.
    zone->refreshed = zones_.refreshedAt(apex).value_or(loaded->loaded_at);
    zone->plan =
        RefreshPlan(primaries, now, timesOf(*loaded->zone), clock_.wallNow() - *zone->refreshed);
  }
  zones_by_apex_[std::string(asText(apex.wire()))] = zone;
  expireIfDue(*zone);
  watchExpiry(*zone);
  schedule(*zone);
}

void SecondaryService::remove(NameView apex) {
  const auto found = zones_by_apex_.find(asText(apex.wire()));
  if (found == zones_by_apex_.end()) return;
  if (found->second->plan.underWay()) --under_way_;
  zones_by_apex_.erase(found);
  startNext();
}

void SecondaryService::schedule(Secondary& zone) {
  const auto wait = std::max(zone.plan.due() - clock_.monotonicNow(), milliseconds(0));
  zone.due = loop_.after(wait, [this, &zone] { enqueue(zone); });
}

void SecondaryService::enqueue(Secondary& zone) {
  if (zone.queued || zone.plan.underWay()) return;
  zone.queued = true;
  waiting_.push_back(zone.weak_from_this());
  startNext();
}

void SecondaryService::startNext() {
  while (!waiting_.empty() && under_way_ < limits_.max_transfers) {
    const std::shared_ptr<Secondary> waiting = waiting_.front().lock();
    waiting_.pop_front();
    if (waiting == nullptr) continue;
    Secondary& next = *waiting;
    next.queued = false;
    ++under_way_;
    next.begun = clock_.monotonicNow();
    next.plan.begin(next.begun);
    const bool whole = next.whole || availabilityOf(next) == Availability::kNeverLoaded;
    ask(next, whole ? RrType::kAxfr : RrType::kSoa);
  }
}

// One question to the primary whose turn it is.
void SecondaryService::ask(Secondary& zone, RrType type) {
  const ZonePrimary& primary = zone.primary();
  std::optional<TsigKey> key;
  if (primary.key) {
    const auto keys = keys_();
    const TsigKey* found = keys == nullptr ? nullptr : keys->find(*primary.key);
    // The configuration was checked: its file cannot be read just now.
    if (found == nullptr) {
      // Later, so that many such zones do not call one another.
      return loop_.post([this, waiting = zone.weak_from_this()] {
        const auto failed = waiting.lock();
        if (failed != nullptr) fail(*failed, "the secret of its key cannot be read");
      });
    }
    key = *found;
  }
  TransferQuestion question{zone.apex, type, 0, randomNumber()};
  if (const LoadedZone* loaded = zones_.zones()->at(zone.apex)) {
    question.serial = loaded->zone->serial();
  }
  zone.asked = type;
  zone.progress = IncomingTransfer::Progress::kMore;
  zone.transfer =
      std::make_unique<IncomingTransfer>(question, std::move(key), limits_.max_zone_bytes);
  zone.connection = std::make_unique<TransferConnection>(
      loop_, primary.address, zone.transfer->request(unixTime()), limits_.timeouts,
      [this, &zone](std::span<const std::uint8_t> message) {
        counters_.bytes.add(message.size());
        zone.progress = zone.transfer->take(message, unixTime());
        return zone.progress == IncomingTransfer::Progress::kMore;
      },
      [this, &zone](const std::string& failure) { onEnd(zone, failure); });
}

void SecondaryService::onEnd(Secondary& zone, const std::string& failure) {
  if (!failure.empty()) return fail(zone, failure);
  if (zone.progress == IncomingTransfer::Progress::kDone) return onAnswer(zone);
  // Who does not know IXFR may know AXFR.
  if (zone.asked == RrType::kIxfr && zone.transfer->wasRefused()) return ask(zone, RrType::kAxfr);
  const std::string why = zone.transfer->reason();
  fail(zone, why);
}

void SecondaryService::onAnswer(Secondary& zone) {
  switch (zone.transfer->kind()) {
    case IncomingTransfer::Kind::kSerial:
      return onSerial(zone);
    case IncomingTransfer::Kind::kUpToDate:
      return confirm(zone);
    case IncomingTransfer::Kind::kSteps:
      return takeSteps(zone);
    case IncomingTransfer::Kind::kZone:
      return takeZone(zone);
  }
}

void SecondaryService::onSerial(Secondary& zone) {
  const std::uint32_t theirs = zone.transfer->serial();
  const std::uint32_t ours = zones_.zones()->at(zone.apex)->zone->serial();
  if (isNewerSerial(theirs, ours)) return ask(zone, RrType::kIxfr);
  if (theirs != ours) {
    logWarn("zone_serial_older_at_primary",
            {{"zone", zone.apex.text()},
             {"primary", zone.primary().address.text()},
             {"serial", std::to_string(ours)},
             {"theirs", std::to_string(theirs)},
             {"next", "meridianctl zones refresh " + zone.apex.text() +
                          " --whole takes it as it is there"}});
  }
  confirm(zone);
}

void SecondaryService::takeSteps(Secondary& zone) {
  const auto changed = zones_.takeFromPrimary(zone.apex, zone.transfer->steps());
  if (!changed && changed.error().error.kind == ErrorKind::kInvalid) {
    logWarn("zone_steps_not_taken", {{"zone", zone.apex.text()},
                                     {"primary", zone.primary().address.text()},
                                     {"why", errorText(changed.error())},
                                     {"next", "the zone is asked for as a whole"}});
    return ask(zone, RrType::kAxfr);
  }
  taken(zone, changed, counters_.ixfr, "ixfr");
}

void SecondaryService::takeZone(Secondary& zone) {
  auto next = zoneOfRecords(zone.transfer->zone(), "transfer");
  if (!next) {
    return fail(zone, "what came is no zone: " + next.error().entries().front().text());
  }
  logSigningFaults(**next, zone.primary().address.text(), clock_.wallNow());
  taken(zone, zones_.takeFromPrimary(std::move(*next), zone.whole), counters_.axfr, "axfr");
}

void SecondaryService::taken(Secondary& zone, const ZoneResult<ZoneChanged>& changed,
                             Counter& counter, const char* how) {
  if (!changed) return fail(zone, errorText(changed.error()));
  const IncomingTransfer& transfer = *zone.transfer;
  logInfo("zone_transferred",
          {{"zone", zone.apex.text()},
           {"primary", zone.primary().address.text()},
           {"how", how},
           {"serial_before", std::to_string(changed->before)},
           {"serial", std::to_string(changed->after)},
           {"records", std::to_string(transfer.records())},
           {"messages", std::to_string(transfer.messages())},
           {"bytes", std::to_string(transfer.bytes())},
           {"ms", std::to_string((clock_.monotonicNow() - zone.begun).count())}});
  zone.whole = false;
  succeed(zone, counter);
}

void SecondaryService::confirm(Secondary& zone) {
  if (const auto confirmed = zones_.confirm(zone.apex); !confirmed) {
    // Only a restart would miss it.
    logWarn("zone_refresh_not_stored",
            {{"zone", zone.apex.text()}, {"why", confirmed.error().error.message}});
  }
  succeed(zone, counters_.up_to_date);
}

void SecondaryService::succeed(Secondary& zone, Counter& counter) {
  counter.add();
  zone.refreshed = clock_.wallNow();
  zone.last_error.clear();
  zone.connection.reset();
  zone.transfer.reset();
  zone.plan.succeeded(clock_.monotonicNow(), timesOf(*zones_.zones()->at(zone.apex)->zone),
                      chance());
  --under_way_;
  watchExpiry(zone);
  schedule(zone);
  startNext();
}

void SecondaryService::fail(Secondary& zone, const std::string& why) {
  const std::string primary = zone.primary().address.text();
  zone.last_error = primary + ": " + why;
  zone.connection.reset();
  const bool go_on = zone.plan.failed(clock_.monotonicNow(), chance());
  const auto wait = std::max(zone.plan.due() - clock_.monotonicNow(), milliseconds(0));
  logWarn("zone_refresh_failed",
          {{"zone", zone.apex.text()},
           {"primary", primary},
           {"why", why},
           {"next", go_on ? "another primary is asked"
                          : "asked again in " + std::to_string(wait.count()) + " ms"}});
  if (go_on) {
    const bool whole = zone.whole || availabilityOf(zone) == Availability::kNeverLoaded;
    return ask(zone, whole ? RrType::kAxfr : RrType::kSoa);
  }
  counters_.failed.add();
  zone.transfer.reset();
  --under_way_;
  schedule(zone);
  startNext();
}

void SecondaryService::watchExpiry(Secondary& zone) {
  zone.expiry.reset();
  const auto at = zone.plan.expires();
  if (!at) return;
  const auto wait = std::max(*at - clock_.monotonicNow(), milliseconds(0));
  zone.expiry = loop_.after(wait + milliseconds(1), [this, &zone] {
    expireIfDue(zone);
    watchExpiry(zone);
  });
}

void SecondaryService::expireIfDue(Secondary& zone) {
  if (!zone.plan.expire(clock_.monotonicNow())) return;
  const auto expired = zones_.expire(zone.apex);
  logError("zone_expired", {{"zone", zone.apex.text()},
                            {"refreshed", zone.refreshed ? rfc3339(*zone.refreshed) : "never"},
                            {"why", expired ? zone.last_error : expired.error().error.message},
                            {"next", "it is answered with SERVFAIL until a primary answers"}});
}

Rcode SecondaryService::notified(NameView apex, const Client& client, const TsigKey* key) {
  Secondary* zone = find(apex);
  if (zone == nullptr) {
    const bool is_here = zones_.zones()->at(apex) != nullptr;
    (is_here ? counters_.notices_refused : counters_.notices_unknown).add();
    return is_here ? Rcode::kRefused : Rcode::kNotAuth;
  }
  const std::vector<ZonePrimary>& primaries = zone->policy->primaries;
  const auto teller =
      std::find_if(primaries.begin(), primaries.end(),
                   [&](const ZonePrimary& each) { return each.address.address == client.address; });
  if (teller == primaries.end() && !admits(zone->policy->allow_notify, client.address, key)) {
    counters_.notices_refused.add();
    logDebug("notify_not_taken", {{"zone", apex.text()}, {"from", client.address.text()}});
    return Rcode::kRefused;
  }
  counters_.notices_taken.add();
  const auto index = teller == primaries.end()
                         ? std::nullopt
                         : std::optional(static_cast<std::size_t>(teller - primaries.begin()));
  zone->plan.notified(clock_.monotonicNow(), index);
  if (!zone->plan.underWay() && !zone->queued) schedule(*zone);
  return Rcode::kNoError;
}

bool SecondaryService::refresh(NameView apex, bool whole) {
  Secondary* zone = find(apex);
  if (zone == nullptr) return false;
  zone->whole = zone->whole || whole;
  zone->plan.notified(clock_.monotonicNow(), std::nullopt);
  if (!zone->plan.underWay() && !zone->queued) schedule(*zone);
  return true;
}

std::optional<SecondaryStatus> SecondaryService::statusOf(NameView apex) const {
  const Secondary* zone = find(apex);
  if (zone == nullptr) return std::nullopt;
  const MonotonicTime now = clock_.monotonicNow();
  const auto wallOf = [&](MonotonicTime at) {
    return clock_.wallNow() + std::max(at - now, milliseconds(0));
  };
  SecondaryStatus out;
  out.primaries = zone->policy->primaries;
  out.availability = availabilityOf(*zone);
  out.under_way = zone->plan.underWay() || zone->queued;
  out.refreshed = zone->refreshed;
  if (!out.under_way) out.next = wallOf(zone->plan.due());
  if (const auto at = zone->plan.expires()) out.expires = wallOf(*at);
  out.last_error = zone->last_error;
  return out;
}

double SecondaryService::oldestRefreshSeconds() const {
  const WallTime now = clock_.wallNow();
  milliseconds oldest(0);
  for (const auto& [apex, zone] : zones_by_apex_) {
    if (zone->refreshed) oldest = std::max(oldest, now - *zone->refreshed);
  }
  return static_cast<double>(oldest.count()) / 1000;
}

std::size_t SecondaryService::count(Availability availability) const {
  return static_cast<std::size_t>(std::count_if(
      zones_by_apex_.begin(), zones_by_apex_.end(),
      [&](const auto& each) { return availabilityOf(*each.second) == availability; }));
}

}  // namespace meridian::dns
