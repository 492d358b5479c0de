// SecondaryService: keeps the zones that come from primaries (ZonePolicy::primaries; those that
// catalogs bring come and go) as these have them: asks by the SOA's times and when it is told of a
// change, transfers, expires.
//
// All over TCP, a connection for each question: the SOA, then steps (IXFR) or the zone as a whole
// (AXFR). The SOA is not asked for over UDP: a forged answer would have to be guarded against, and
// a primary that is reached over UDP alone would look well until its zone has changed. At most
// max_transfers zones are asked for at a time. What came is checked and becomes a zone on the
// control thread, as any edit does (dns/zone/zone_service.h). Threads: the control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/counter.h"
#include "base/event_loop.h"
#include "dns/answer/answerer.h"
#include "dns/transfer/transfer_connection.h"
#include "dns/wire/tsig.h"
#include "dns/zone/zone_service.h"

namespace meridian::dns {

struct SecondaryCounters {
  // Rounds, by how they ended.
  Counter up_to_date;
  Counter axfr;
  Counter ixfr;
  Counter failed;
  Counter bytes;  // of all messages that came
  // NOTIFY, by their answers.
  Counter notices_taken;
  Counter notices_refused;  // from somebody who is no primary of the zone
  Counter notices_unknown;  // of a zone that is not here
};

struct SecondaryStatus {
  std::span<const ZonePrimary> primaries = {};  // of the policy
  Availability availability = Availability::kNeverLoaded;
  bool under_way = false;
  std::optional<WallTime> refreshed = {};  // when it was last known to be the primary's
  std::optional<WallTime> next = {};       // when it is asked for next; nullopt: now
  std::optional<WallTime> expires = {};
  std::string last_error = {};  // of the last round; empty: it went well
};

class SecondaryService {
 public:
  using Keys = std::function<std::shared_ptr<const TsigKeys>()>;

  // `keys` gives those of the moment. All must outlive this, and `policies` are those of `zones`.
  SecondaryService(EventLoop& loop, const Clock& clock, ZoneService& zones,
                   std::shared_ptr<const ZonePolicies> policies, Keys keys,
                   const SecondaryLimits& limits);
  ~SecondaryService();
  SecondaryService(const SecondaryService&) = delete;
  SecondaryService& operator=(const SecondaryService&) = delete;

  // Zones that expired while the server was not running are expired before it returns; asking
  // begins. To be called once, when zones can be published.
  void start();
  // A zone that ZoneService::changeMembers() brought comes from primaries by this policy from now
  // on. REQUIRES: start() was called, and the zone is none of these.
  void add(NameView apex, std::shared_ptr<const ZonePolicy> policy);
  // Nobody is asked for the zone any more; what is under way is dropped. Not to be called from what
  // ZoneService tells. A zone that is none of these is no error.
  void remove(NameView apex);
  std::size_t size() const { return zones_by_apex_.size(); }

  // A NOTIFY for `zone`, lower-cased, by who signed with `key` or did not sign (nullptr). The
  // answer's code: NOERROR from a primary's address, and from whom allow_notify admits; else
  // REFUSED, and NOTAUTH of a zone that is not here.
  Rcode notified(NameView zone, const Client& client, const TsigKey* key);
  // Asks now; `whole`: for the whole zone, whatever its serial. False: it is none of these zones.
  bool refresh(NameView apex, bool whole);

  // nullopt: it is none of these zones.
  std::optional<SecondaryStatus> statusOf(NameView apex) const;
  const SecondaryCounters& counters() const { return counters_; }
  // How many zones are in this state.
  std::size_t count(Availability availability) const;
  // Since a primary was last heard for the zone for which that was the longest ago; those that
  // never came are not among them. 0: there are none.
  double oldestRefreshSeconds() const;

 private:
  struct Secondary;

  std::uint64_t unixTime() const;
  Secondary* find(NameView apex) const;
  Availability availabilityOf(const Secondary& zone) const;
  void schedule(Secondary& zone);
  void enqueue(Secondary& zone);
  void startNext();
  void ask(Secondary& zone, RrType type);
  void onEnd(Secondary& zone, const std::string& failure);
  void onAnswer(Secondary& zone);
  void onSerial(Secondary& zone);
  void takeSteps(Secondary& zone);
  void takeZone(Secondary& zone);
  void taken(Secondary& zone, const ZoneResult<ZoneChanged>& changed, Counter& counter,
             const char* how);
  void confirm(Secondary& zone);
  void succeed(Secondary& zone, Counter& counter);
  void fail(Secondary& zone, const std::string& why);
  void expireIfDue(Secondary& zone);
  void watchExpiry(Secondary& zone);

  EventLoop& loop_;
  const Clock& clock_;
  ZoneService& zones_;
  std::shared_ptr<const ZonePolicies> policies_;
  Keys keys_;
  SecondaryLimits limits_;
  SecondaryCounters counters_;
  std::map<std::string, std::shared_ptr<Secondary>, std::less<>> zones_by_apex_;  // in wire form
  std::deque<std::weak_ptr<Secondary>> waiting_;  // those that were removed meanwhile among them
  std::size_t under_way_ = 0;
};

}  // namespace meridian::dns
