// ZoneSet: all DNS zones of the server, immutable; finds the zone a name belongs to.
#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dns/wire/name.h"
#include "dns/zone/name_table.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

struct LoadedZone {
  std::shared_ptr<const Zone> zone;
  std::string file;
  WallTime loaded_at{};
};

class ZoneSet {
 public:
  explicit ZoneSet(std::vector<LoadedZone> zones);  // REQUIRES: no two zones with the same apex

  // The zone with the longest apex that the name is in, or nullptr. REQUIRES: `name` is
  // lower-cased.
  const Zone* find(NameView name) const noexcept;
  const std::vector<LoadedZone>& zones() const { return zones_; }  // by apex, canonical order

 private:
  std::vector<LoadedZone> zones_;
  NameTable by_apex_;                     // → index in zones_
  std::bitset<kMaxName / 2 + 1> depths_;  // label counts that some apex has
};

}  // namespace meridian::dns
