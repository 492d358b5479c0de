// Indices into a Topology's vectors. They are only good together with the Topology they came from.
#pragma once

#include <cstdint>

#include "base/strong_id.h"

namespace meridian::partition {

using DcIx = StrongId<struct DcTag, std::uint16_t>;
using EZoneIx = StrongId<struct EZoneTag, std::uint16_t>;
using ZoneIx = StrongId<struct ZoneTag, std::uint16_t>;            // a zone of the model
using PartitionIx = StrongId<struct PartitionTag, std::uint32_t>;  // in Topology::partitions
using SubjectIx = StrongId<struct SubjectTag, std::uint32_t>;  // in AssignmentTable::assignments
using ServiceIx = StrongId<struct ServiceTag, std::uint32_t>;
// Of the endpoints that have an id: all pools of all services, in document order.
using EndpointIx = StrongId<struct EndpointTag, std::uint32_t>;

// What a placement yields: in a sharding zone the n-th partition of that zone, elsewhere the n-th
// site order.
using Locus = StrongId<struct LocusTag, std::uint32_t>;

// Fence of one subject (domain.md §3a "Epoch"): epoch mod kEpochSlots is the slot of the owning
// eZone, so the number alone names the owner. High 16 bits: control-plane term. Strictly increasing
// per subject.
using Epoch = std::uint64_t;
inline constexpr std::uint64_t kEpochSlots = 64;

// Revision of the table: +1 with each commit; 1 is the import of the first topology; 0 means none
// yet.
using Rev = std::uint64_t;

}  // namespace meridian::partition
