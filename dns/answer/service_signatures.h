// ServiceSignatures: what services answer, with signatures that were made ahead: for each name that
// has records of its own, each eZone that it may answer with, each type. A lookup is an index, and
// RRset and signatures lie together, so that a signed answer costs what its bytes cost.
//
// Endpoints of pools go out in combinations, which are signed when they are asked for
// (dns/answer/online_answer.h). Immutable. Threads: any; lookups without allocation.
#pragma once

#include <cstddef>
#include <cstdint>
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

  // Whether the name lies in a zone whose answers are signed.
  bool inSignedZone(std::size_t node) const noexcept { return first_of_node_[node] != kUnsigned; }
  // Whether the name has records that are signed ahead.
  bool covers(std::size_t node) const noexcept { return first_of_node_[node] < kOnline; }
  // The RRset `index` that `services` has for the eZone, and behind its records their RRSIGs: type
  // and TTL are the RRset's, the count is of both. `prepared` as for ServiceSet::rrsets().
  // REQUIRES: covers(node).
  RrsetView of(std::size_t node, partition::EZoneIx ezone, std::size_t index,
               bool prepared) const noexcept;
  std::size_t count() const { return signatures_.size() / 2; }  // of RRsets
  std::size_t made() const { return made_; }                    // that were not kept

 private:
  class Maker;
  static constexpr std::uint32_t kUnsigned = 0xffff'ffff;
  static constexpr std::uint32_t kOnline = 0xffff'fffe;  // signed when it is asked for

  std::vector<std::uint32_t> first_of_node_;  // in signatures_, or one of these
  std::vector<std::uint32_t> service_of_node_;
  // By service: where each eZone's begin, counted from the node's first.
  std::vector<std::vector<std::uint32_t>> first_of_ezone_;
  // One for each RRset with the service's TTL, then with the prepared one.
  std::vector<RrsetView> signatures_;
  std::vector<std::vector<std::uint8_t>> rendered_;  // what these point into
  std::vector<RrsetView> alone_;                     // the RRSIGs, with the service's TTL
  // What was signed, for the next of these: owner and RRset.
  std::vector<std::vector<std::uint8_t>> signed_;
  std::size_t made_ = 0;
};

}  // namespace meridian::dns
