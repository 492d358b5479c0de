#include "dns/zone/zone_set.h"

#include <algorithm>
#include <bit>
#include <iterator>
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

bool comesBefore(const LoadedZone& a, const LoadedZone& b) {
  return canonicalLess(a.zone->apex(), b.zone->apex());
}

}  // namespace

ZoneSet::ZoneSet(std::vector<LoadedZone> zones) : size_(zones.size()) {
  // Most are made of another one, in whose order they are, and some behind them.
  const auto others = std::is_sorted_until(zones.begin(), zones.end(), comesBefore);
  std::sort(others, zones.end(), comesBefore);
  std::inplace_merge(zones.begin(), others, zones.end(), comesBefore);
  for (std::size_t i = 0; i < size_; i += kChunk) {
    const auto first = std::make_move_iterator(zones.begin() + static_cast<std::ptrdiff_t>(i));
    const auto count = static_cast<std::ptrdiff_t>(std::min(kChunk, size_ - i));
    chunks_.push_back(std::make_shared<const Chunk>(first, first + count));
  }
  by_apex_.reset(std::bit_ceil(2 * size_ + 2));
  for (std::size_t i = 0; i < size_; ++i) {
    const NameView apex = (*this)[i].zone->apex();
    depths_.set(apex.labelCount());
    by_apex_.insert(hashName(apex), static_cast<std::uint32_t>(i));
  }
}

std::string_view zoneSourceName(ZoneSource source) {
  return source == ZoneSource::kFile ? "file" : "store";
}

std::string_view availabilityName(Availability availability) {
  constexpr std::string_view kNames[] = {"served", "never_loaded", "expired"};
  return kNames[static_cast<std::size_t>(availability)];
}

std::vector<LoadedZone> ZoneSet::copied() const {
  std::vector<LoadedZone> out;
  out.reserve(size_ + 1);
  for (const auto& chunk : chunks_) out.insert(out.end(), chunk->begin(), chunk->end());
  return out;
}

std::shared_ptr<const ZoneSet> ZoneSet::with(LoadedZone zone) const {
  const std::uint32_t same = indexOf(zone.zone->apex());
  if (same == kNoIndex) {
    std::vector<LoadedZone> zones = copied();
    zones.push_back(std::move(zone));
    return std::make_shared<const ZoneSet>(std::move(zones));
  }
  auto out = std::make_shared<ZoneSet>(*this);
  auto chunk = std::make_shared<Chunk>(*chunks_[same / kChunk]);
  (*chunk)[same % kChunk] = std::move(zone);
  out->chunks_[same / kChunk] = std::move(chunk);
  return out;
}

std::shared_ptr<const ZoneSet> ZoneSet::without(NameView apex) const {
  std::vector<LoadedZone> zones = copied();
  std::erase_if(zones, [&](const LoadedZone& each) { return each.zone->apex() == apex; });
  return std::make_shared<const ZoneSet>(std::move(zones));
}

std::uint32_t ZoneSet::indexOf(NameView apex) const noexcept {
  return by_apex_.find(hashName(apex), [&](std::uint32_t candidate) {
    return (*this)[candidate].zone->apex() == apex;
  });
}

const LoadedZone* ZoneSet::at(NameView apex) const noexcept {
  const std::uint32_t found = indexOf(apex);
  return found == kNoIndex ? nullptr : &(*this)[found];
}

const Zone* ZoneSet::find(NameView name) const noexcept {
  const LoadedZone* zone = covering(name);
  const bool open =
      zone != nullptr && zone->availability == Availability::kServed && !zone->catalog;
  return open ? zone->zone.get() : nullptr;
}

const LoadedZone* ZoneSet::covering(NameView name) const noexcept {
  if (size_ == 0) return nullptr;
  std::size_t labels = name.labelCount();
  for (NameView rest = name;; rest = rest.parent(), --labels) {
    if (depths_[labels]) {
      const std::uint32_t found = by_apex_.find(hashName(rest), [&](std::uint32_t candidate) {
        return (*this)[candidate].zone->apex() == rest;
      });
      if (found != kNoIndex) return &(*this)[found];
    }
    if (rest.isRoot()) return nullptr;
  }
}

}  // namespace meridian::dns
