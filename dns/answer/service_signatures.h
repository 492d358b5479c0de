// ServiceSignatures: what services answer, with signatures that were made ahead: for each name that
// has records of its own, each eZone that it may answer with, each type; and for each name what
// denies the types that a client is not given. A lookup of records is an index, and RRset and
// signatures lie together, so that a signed answer costs what its bytes cost.
//
// Endpoints of pools go out in combinations, which are signed when they are asked for
// (dns/answer/online_answer.h). Immutable. Threads: any; lookups without allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "dns/answer/service_set.h"
#include "dns/wire/rrset_view.h"
#include "dns/zone/zone_set.h"

namespace meridian::dns {

class ServiceSignatures {
 public:
  // Of the services that lie in zones with LoadedZone::online; nullptr: there is none. Signatures
  // of `before` are kept while what they sign is the same, and they last: until the zone is signed
  // again (dns/sign/signing_service.h), when this is made anew. Long: 20 µs a signature, on all
  // cores.
  static std::shared_ptr<const ServiceSignatures> make(const ServiceSet& services,
                                                       const ZoneSet& zones,
                                                       const ServiceSignatures* before,
                                                       WallTime now);

  // Where the signatures of a name are. Any other value: they were made ahead.
  enum class Place : std::int64_t {
    kUnsigned = std::numeric_limits<std::int64_t>::min(),  // its zone is not signed
    kOnline,                                               // they are made when they are asked for
  };
  static constexpr bool isAhead(Place place) { return place > Place::kOnline; }

  // `node` as ServiceSet::indexOf() counts.
  Place placeOf(std::size_t node) const noexcept { return places_[node]; }
  // An RRset of the service whose node has this place (ServiceSet::indexOf()), and behind its
  // records their RRSIGs: type and TTL are the RRset's, the count is of both. REQUIRES:
  // isAhead(place).
  const RrsetView& at(Place place, std::size_t rrset) const noexcept {
    return signatures_[static_cast<std::size_t>(static_cast<std::int64_t>(place) +
                                                static_cast<std::int64_t>(rrset))];
  }
  // The compact denial of a type at the node's name, with its RRSIGs, as at() gives records: an
  // NSEC of all that any eZone has there but this type, since a resolver may use it for the next
  // client, who gets another eZone's. REQUIRES: placeOf(node) is not kUnsigned.
  const RrsetView& denialOf(std::size_t node, RrType asked) const noexcept;
  std::size_t count() const { return signatures_.size() / 2 + denials_.size(); }  // of RRsets
  std::size_t made() const { return made_; }  // that were not kept

 private:
  class Maker;
  struct Denial {
    RrType asked{};
    RrsetView rrset;
  };
  std::vector<Place>
      places_;  // by node: what leads from an index in ServiceSet to one in signatures_
  std::vector<RrsetView> signatures_;  // for each node its service's RRsets, in their order
  // Of node n those from first_denial_[n] on: of a type that no eZone has, then of each that one
  // has.
  std::vector<Denial> denials_;
  std::vector<std::uint32_t> first_denial_;          // by node, and the end
  std::vector<std::vector<std::uint8_t>> rendered_;  // what all these point into
  std::vector<RrsetView> alone_;                     // the RRSIGs, with the service's TTL
  // What was signed, for the next of these: owner and RRset.
  std::vector<std::vector<std::uint8_t>> signed_;
  std::size_t made_ = 0;
};

}  // namespace meridian::dns
