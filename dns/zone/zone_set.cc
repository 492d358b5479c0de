#include "dns/zone/zone_set.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace meridian::dns {
namespace {

// Canonical order (RFC 4034 §6.1): labels compared from the root down, bytewise.
bool canonicalLess(NameView a, NameView b) {
  const std::size_t a_labels = a.labelCount();
  const std::size_t b_labels = b.labelCount();
  const auto suffix = [](NameView name, std::size_t have, std::size_t want) {
    for (; have > want; --have) name = name.parent();
    return name;
  };
  for (std::size_t labels = 1; labels <= std::min(a_labels, b_labels); ++labels) {
    const auto left = suffix(a, a_labels, labels).firstLabel();
    const auto right = suffix(b, b_labels, labels).firstLabel();
    if (std::equal(left.begin(), left.end(), right.begin(), right.end())) continue;
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  }
  return a_labels < b_labels;
}

bool isBefore(const LoadedZone& a, const LoadedZone& b) {
  return canonicalLess(a.zone->apex(), b.zone->apex());
}

}  // namespace

ZoneSet::ZoneSet(std::vector<LoadedZone> zones) : zones_(std::move(zones)) {
  std::sort(zones_.begin(), zones_.end(), isBefore);
  index();
}

void ZoneSet::index() {
  by_apex_.reset(std::bit_ceil(2 * zones_.size() + 2));
  depths_.reset();
  for (std::size_t i = 0; i < zones_.size(); ++i) {
    const NameView apex = zones_[i].zone->apex();
    depths_.set(apex.labelCount());
    by_apex_.insert(hashName(apex), static_cast<std::uint32_t>(i));
  }
}

std::string_view zoneSourceName(ZoneSource source) {
  return source == ZoneSource::kFile ? "file" : "store";
}

// Among a hundred thousand zones sorting and indexing would be most of the time.
std::shared_ptr<const ZoneSet> ZoneSet::with(LoadedZone zone) const {
  auto out = std::make_shared<ZoneSet>(*this);
  if (const std::uint32_t same = indexOf(zone.zone->apex()); same != kNoIndex) {
    out->zones_[same] = std::move(zone);
    return out;
  }
  std::vector<LoadedZone>& zones = out->zones_;
  zones.insert(std::upper_bound(zones.begin(), zones.end(), zone, isBefore), std::move(zone));
  out->index();
  return out;
}

std::shared_ptr<const ZoneSet> ZoneSet::without(NameView apex) const {
  auto out = std::make_shared<ZoneSet>(*this);
  std::erase_if(out->zones_, [&](const LoadedZone& each) { return each.zone->apex() == apex; });
  out->index();
  return out;
}

std::uint32_t ZoneSet::indexOf(NameView apex) const noexcept {
  return by_apex_.find(hashName(apex), [&](std::uint32_t candidate) {
    return zones_[candidate].zone->apex() == apex;
  });
}

const LoadedZone* ZoneSet::at(NameView apex) const noexcept {
  const std::uint32_t found = indexOf(apex);
  return found == kNoIndex ? nullptr : &zones_[found];
}

const Zone* ZoneSet::find(NameView name) const noexcept {
  if (zones_.empty()) return nullptr;
  std::size_t labels = name.labelCount();
  for (NameView rest = name;; rest = rest.parent(), --labels) {
    if (depths_[labels]) {
      const std::uint32_t found = by_apex_.find(hashName(rest), [&](std::uint32_t candidate) {
        return zones_[candidate].zone->apex() == rest;
      });
      if (found != kNoIndex) return zones_[found].zone.get();
    }
    if (rest.isRoot()) return nullptr;
  }
}

}  // namespace meridian::dns
