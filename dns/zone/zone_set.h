// ZoneSet: all DNS zones of the server, immutable; finds the zone a name belongs to.
#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "dns/wire/name.h"
#include "dns/zone/name_table.h"
#include "dns/zone/zone.h"
#include "dns/zone/zone_history.h"

namespace meridian::dns {

struct OnlineKeys;  // dns/sign/online_signer.h

enum class ZoneSource : std::uint8_t {
  kFile,   // what the file says
  kStore,  // edits: the store has the zone, and wins over a file
};
std::string_view zoneSourceName(ZoneSource source);  // "file", "store"

// Whether a zone is answered from.
enum class Availability : std::uint8_t {
  kServed,
  kNeverLoaded,  // its primary was not heard yet: the zone is a placeholder for its apex
  kExpired,      // its primary was not heard for longer than its SOA's EXPIRE (RFC 1035 §3.3.13)
};
std::string_view availabilityName(
    Availability availability);  // "served", "never_loaded", "expired"

struct LoadedZone {
  std::shared_ptr<const Zone> zone;
  std::string file;  // empty: none
  WallTime loaded_at{};
  ZoneSource source = ZoneSource::kFile;
  std::shared_ptr<const ZoneHistory> history = {};  // nullptr: nothing is known
  Availability availability = Availability::kServed;
  // A catalog (dns/zone/catalog.h): find() leaves it out, for it is not everybody's to see.
  bool catalog = false;
  // Signed here: what it was signed from, with the same serial. nullptr: it was not signed here.
  std::shared_ptr<const Zone> unsigned_zone = {};

  // What its denials are signed with while queries wait; nullptr: none are.
  std::shared_ptr<const OnlineKeys> online = {};

  // What those who may edit it see, and change.
  const std::shared_ptr<const Zone>& editable() const {
    return unsigned_zone == nullptr ? zone : unsigned_zone;
  }
};

class ZoneSet {
 public:
  explicit ZoneSet(std::vector<LoadedZone> zones);  // REQUIRES: no two zones with the same apex

  // This with `zone` in the place of the one of the same apex, or beside the others; and without.
  std::shared_ptr<const ZoneSet> with(LoadedZone zone) const;
  std::shared_ptr<const ZoneSet> without(NameView apex) const;

  // The zone with the longest apex that the name is in; nullptr: there is none, or it is not
  // answered from, or is a catalog. REQUIRES: `name` is lower-cased.
  const Zone* find(NameView name) const noexcept;
  // The same, whether it is answered from or not. REQUIRES: `name` is lower-cased.
  const LoadedZone* covering(NameView name) const noexcept;
  // The zone of this apex, or nullptr. REQUIRES: `apex` is lower-cased.
  const LoadedZone* at(NameView apex) const noexcept;

  // By apex, canonical order.
  std::size_t size() const { return size_; }
  const LoadedZone& operator[](std::size_t i) const { return (*chunks_[i / kChunk])[i % kChunk]; }
  // Whether both have the same apexes, and isSame(this zone, its twin) wherever zones are not the
  // very same. Costs little where the sets share most.
  template <class Same>
  bool equals(const ZoneSet& other, const Same& isSame) const {
    if (size_ != other.size_) return false;
    for (std::size_t i = 0; i < size_; ++i) {
      if (i % kChunk == 0 && chunks_[i / kChunk] == other.chunks_[i / kChunk]) {
        i += kChunk - 1;
        continue;
      }
      const LoadedZone& mine = (*this)[i];
      const LoadedZone& twin = other[i];
      if (mine.zone == twin.zone) continue;
      if (mine.zone->apex() != twin.zone->apex() || !isSame(mine, twin)) return false;
    }
    return true;
  }

 private:
  // Sets that differ in a zone or two share the other chunks: who drops the last of an old set has
  // little to free, were there a hundred thousand zones.
  static constexpr std::size_t kChunk = 256;
  using Chunk = std::vector<LoadedZone>;

  std::vector<LoadedZone> copied() const;
  std::uint32_t indexOf(NameView apex) const noexcept;

  std::vector<std::shared_ptr<const Chunk>> chunks_;  // all full but for the last
  std::size_t size_ = 0;
  NameTable by_apex_;                     // → index of the zone
  std::bitset<kMaxName / 2 + 1> depths_;  // label counts that some apex has
};

}  // namespace meridian::dns
