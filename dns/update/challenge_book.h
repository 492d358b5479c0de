// ChallengeBook: tokens of ACME's DNS-01 challenge (RFC 8555 §8.4), which stand in a zone as TXT
// records for a while, and go when they are taken back or their time is over.
//
// Each is an edit of its zone (dns/zone/zone_service), and an entry of family "acme", as
// ExpiringList keeps it: written before the record comes and forgotten after it has gone, so that
// no crash leaves a record without an end. Threads: the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "dns/wire/name.h"
#include "dns/zone/zone_service.h"
#include "partition/expiring_list.h"

namespace meridian::dns {

struct Challenge {
  std::uint64_t id = 0;
  std::string owner;  // "_acme-challenge.www.example.", lower-cased
  std::string value;  // of the TXT record
  std::string actor;
  WallTime created{}, expires{};
};

class ChallengeBook {
 public:
  static constexpr std::string_view kLabel = "_acme-challenge";
  static constexpr std::chrono::seconds kDefaultLife{3600};
  static constexpr std::chrono::seconds kMaxLife{7 * 24 * 3600};
  static constexpr std::size_t kMaxChallenges = 10'000;
  static constexpr std::size_t kMaxValueBytes = 255;  // one character-string
  static constexpr std::uint32_t kTtl = 60;

  static std::vector<std::string> families();
  // `zones` outlives this. kCorrupt: an entry cannot be read.
  static Result<ChallengeBook> open(std::shared_ptr<KvStore> store, const Clock& clock,
                                    ZoneService& zones);

  // The record is served when this returns; one that is there already lives as long as the later of
  // both ends says. kInvalid: the name's first label is another, or the value is no token (RFC 8555
  // §8.1: base64url); kNotFound: no zone here has the name; kRefused: it is delegated, or there are
  // too many; and what an edit can be refused for.
  ZoneResult<Challenge> present(NameView owner, const std::string& value, std::chrono::seconds life,
                                const std::string& actor);
  // The record is gone when this returns. kNotFound: there is no such entry.
  ZoneResult<void> cleanUp(NameView owner, const std::string& value);
  // Takes away what has ended. To be called about every second. What cannot be taken away now is
  // tried again.
  void tick();
  // Oldest first.
  const std::vector<Challenge>& all() const { return list_.all(); }

 private:
  using List = partition::ExpiringList<Challenge>;

  ChallengeBook(List list, const Clock& clock, ZoneService& zones)
      : list_(std::move(list)), clock_(&clock), zones_(&zones) {}

  ZoneResult<void> edit(NameView owner, const std::string& value, bool there);
  ZoneResult<void> end(const Challenge& challenge);

  List list_;
  const Clock* clock_;
  ZoneService* zones_;
};

}  // namespace meridian::dns
