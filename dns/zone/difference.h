// ZoneDifference: one zone's step from a serial to a later one, as RFC 1995 §4 writes it.
//
// Immutable once made. Records are compared by owner (any case), type, TTL and RDATA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/diagnostics.h"
#include "base/result.h"
#include "dns/zone/record_list.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

struct ZoneDifference {
  RecordList removed;  // the SOA that was first
  RecordList added;    // the new SOA first

  // REQUIRES: both lists begin with a SOA.
  std::uint32_t from() const;
  std::uint32_t to() const;
  std::size_t bytes() const { return removed.wire().size() + added.wire().size(); }
};

// From one to the other. Where nothing else changed it is the SOA alone; nullptr: not even that.
// REQUIRES: both have the same apex.
std::shared_ptr<const ZoneDifference> differenceOf(const Zone& before, const Zone& after);

// The zone after the step. Refused, with every reason: a record to remove that is not there, one to
// add that is, and what makes no zone (dns/zone/loader.h). `source` says in errors where the step
// came from.
Checked<std::shared_ptr<const Zone>> apply(const Zone& zone, const ZoneDifference& difference,
                                           const std::string& source);

// All records of a zone, without a difference: the zone. Refused as above; duplicates are dropped.
Checked<std::shared_ptr<const Zone>> zoneOfRecords(const RecordList& records,
                                                   const std::string& source);

// The form the store keeps. decode: kCorrupt.
std::string encode(const ZoneDifference& difference);
Result<ZoneDifference> decodeDifference(std::span<const std::uint8_t> bytes);

}  // namespace meridian::dns
