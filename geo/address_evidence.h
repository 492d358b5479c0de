// AddressEvidence: what is known about every address, from all databases and the operator's
// overrides together.
//
// Built once for all placements: one walk of each database, one sweep over the sorted ranges. A
// field (point, country, subdivision, city, ASN) comes from the first database, in configured
// order, that has it for the address; an override with coordinates replaces the whole location, an
// override to a partition stands beside what it covers. Evidence is interned: addresses with the
// same records share an id; id 0 means nothing is known.
//
// Threads: immutable after build().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "geo/location.h"
#include "geo/mmdb.h"
#include "geo/network_list.h"
#include "geo/prefix_table.h"

namespace meridian::geo {

struct Evidence {
  std::string partition;  // of an override; empty = none
  Location location;
};

struct AddressFinding {
  Evidence evidence;
  IpPrefix network;    // the override's or the database's network that matched
  std::string source;  // "override FILE:LINE", "database FILE (ATTRIBUTION)", or "nothing"
};

class AddressEvidence {
 public:
  static Result<AddressEvidence> build(std::vector<std::shared_ptr<const Mmdb>> databases,
                                       std::vector<NetworkOverride> overrides);

  // Ascending ranges from 0 over the whole address space; values are evidence ids. Aliases as in
  // geo/prefix_table.h.
  std::span<const V4Range> v4() const { return v4_; }
  std::span<const V6Range> v6() const { return v6_; }
  std::size_t count() const { return findings_.size(); }  // ids are 0 .. count()-1

  // All overrides, sorted by prefix.
  std::span<const NetworkOverride> overrides() const { return overrides_; }

  // Each evidence once, ids ascending; decodes as it goes. kCorrupt when a record does not decode.
  Status forEach(
      const std::function<void(std::uint32_t id, const Evidence& evidence)>& visit) const;

  // One address, looked up the plain way (longest prefix in the overrides, then the databases): for
  // explain and tests.
  Result<AddressFinding> find(const IpAddress& address) const;

 private:
  // What one layer (a database, or all overrides) adds to the evidence below it. Evidence `id` is
  // findings_[id]; entry 0 stands for "nothing".
  struct Finding {
    std::uint32_t below = 0;   // id of the evidence of the layers before
    std::uint32_t layer = 0;   // index in databases_, or databases_.size() for overrides
    std::uint32_t record = 0;  // a record's number, or an index in overrides_
  };
  template <class Range>
  class Builder;

  void findLocating();
  Result<Evidence> evidence(std::uint32_t id) const;
  void applyOverride(std::uint32_t index, Evidence& evidence) const;
  std::optional<std::uint32_t> overrideFor(const IpAddress& address) const;

  std::vector<std::shared_ptr<const Mmdb>> databases_;
  std::vector<NetworkOverride> overrides_;  // sorted by prefix
  // For each override the nearest one around it, or itself, that sets a location.
  std::vector<std::optional<std::uint32_t>> locating_;
  std::vector<Finding> findings_;
  std::vector<V4Range> v4_;
  std::vector<V6Range> v6_;
};

}  // namespace meridian::geo
