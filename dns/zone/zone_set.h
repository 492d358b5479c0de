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

enum class ZoneSource : std::uint8_t {
  kFile,   // what the file says
  kStore,  // edits: the store has the zone, and wins over a file
};
std::string_view zoneSourceName(ZoneSource source);  // "file", "store"

struct LoadedZone {
  std::shared_ptr<const Zone> zone;
  std::string file;  // empty: none
  WallTime loaded_at{};
  ZoneSource source = ZoneSource::kFile;
  std::shared_ptr<const ZoneHistory> history = {};  // nullptr: nothing is known
};

class ZoneSet {
 public:
  explicit ZoneSet(std::vector<LoadedZone> zones);  // REQUIRES: no two zones with the same apex

  // This with `zone` in the place of the one of the same apex, or beside the others; and without.
  std::shared_ptr<const ZoneSet> with(LoadedZone zone) const;
  std::shared_ptr<const ZoneSet> without(NameView apex) const;

  // The zone with the longest apex that the name is in, or nullptr. REQUIRES: `name` is
  // lower-cased.
  const Zone* find(NameView name) const noexcept;
  // The zone of this apex, or nullptr. REQUIRES: `apex` is lower-cased.
  const LoadedZone* at(NameView apex) const noexcept;
  const std::vector<LoadedZone>& zones() const { return zones_; }  // by apex, canonical order

 private:
  void index();
  std::uint32_t indexOf(NameView apex) const noexcept;

  std::vector<LoadedZone> zones_;
  NameTable by_apex_;                     // → index in zones_
  std::bitset<kMaxName / 2 + 1> depths_;  // label counts that some apex has
};

}  // namespace meridian::dns
