// What is wrong with the signing of a zone that is served as it is (docs/dnssec.md): such a zone is
// loaded, because to refuse it would take it away from everybody, and told about in the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

struct SigningFaults {
  // Anything of DNSSEC at the apex: DNSKEY, NSEC, NSEC3PARAM, an RRSIG. Without it there is nothing
  // to be wrong, and all else is zero.
  bool begun = false;
  bool is_signed = false;  // Zone::denial() is not nullptr
  // Counts. RRsets: those the zone has the say on; not NS at a cut, nor what lies below one.
  std::size_t unsigned_rrsets = 0;
  std::size_t expired = 0;         // RRSIGs
  std::size_t not_yet_valid = 0;   // RRSIGs
  std::size_t undenied_names = 0;  // in an NSEC chain: names with data that have no NSEC
  std::size_t broken_links = 0;    // records of the chain that do not lead to the one that follows
  std::string first;               // the owner of the first fault

  bool any() const {
    return begun &&
           (!is_signed ||
            unsigned_rrsets + expired + not_yet_valid + undenied_names + broken_links != 0);
  }
};

// One line in the log, "zone_signing_faults", where there are any. `file` is where the zone stands,
// or came from.
void logSigningFaults(const Zone& zone, const std::string& file, WallTime now);

}  // namespace meridian::dns
