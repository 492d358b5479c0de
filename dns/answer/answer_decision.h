// AnswerDecision: how one answer came about: which service's records, of which eZone, by which
// place. For those who tell of it (dns/tap).
//
// Indices and pointers into the serving state that answered; good as long as that is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "partition/ids.h"

namespace meridian::dns {

class Zone;

// How the place was known.
enum class PlaceSource : std::uint8_t {
  kLocationOption,
  kClientSubnet,
  kResolver,  // by its address
  kName,      // the question's name says it
  kNone,      // no place mattered
};

struct AnswerDecision {
  static constexpr std::size_t kNoSubject = ~std::size_t{0};

  // The first four are as long as one word, which is how they are written at first.
  partition::ServiceIx service{};  // the last of a chain
  partition::EZoneIx ezone{};
  PlaceSource place = PlaceSource::kNone;
  bool by_service = false;  // else service and ezone mean nothing
  // In the table; past its end where the answer had none.
  std::size_t subject = kNoSubject;
  const Zone* zone = nullptr;  // that was looked into; a service's name needs none

  // A service's answer begins: what an earlier one of the chain noted is over.
  void begin() {
    place = PlaceSource::kNone;
    subject = kNoSubject;
  }
  void served(partition::ServiceIx by, partition::EZoneIx from) {
    by_service = true;
    service = by;
    ezone = from;
  }
};

}  // namespace meridian::dns
