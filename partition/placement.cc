#include "partition/placement.h"

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "geo/geohash.h"

namespace meridian::partition {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string_view placedByName(PlacedBy by) {
  switch (by) {
    case PlacedBy::kOverride:
      return "override";
    case PlacedBy::kFence:
      return "fence";
    case PlacedBy::kRule:
      return "rule";
    case PlacedBy::kFenceSnap:
      return "fence-snap";
    case PlacedBy::kAnchor:
      return "anchor";
    case PlacedBy::kDefault:
      return "default";
    case PlacedBy::kDistance:
      return "distance";
  }
  return "unknown";
}

Placement::AddressMatch Placement::ofAddress(const IpAddress& address) const noexcept {
  const geo::PrefixTable::Match match = table_->lookup(address);
  if (match.value == no_place_) return {fallback_, match.scope, false};
  return {Locus(match.value), match.scope, true};
}

std::optional<Locus> Placement::ofGeohash(std::string_view label) const noexcept {
  const std::optional<geo::GeoPoint> centre = geo::geohashCentre(label);
  if (!centre) return std::nullopt;
  return ofPoint(*centre).locus;
}

Placed Placement::ofPoint(geo::GeoPoint point) const noexcept {
  if (kind_ != ZoneKind::kSharding) return bySites(point);
  const std::optional<Placed> fenced = byFence(point);
  return fenced ? *fenced : byNearness(point);
}

Placed Placement::ofEvidence(const geo::Evidence& evidence) const {
  const std::optional<geo::GeoPoint>& point = evidence.location.point;
  if (kind_ != ZoneKind::kSharding) {
    return point ? bySites(*point) : Placed{fallback_, PlacedBy::kDefault};
  }
  if (!evidence.partition.empty()) {
    const auto found = partition_loci_.find(evidence.partition);
    if (found != partition_loci_.end()) return {found->second, PlacedBy::kOverride};
  }
  if (point) {
    if (const std::optional<Placed> fenced = byFence(*point)) return *fenced;
  }
  if (const std::optional<Locus> ruled = rules_.find(evidence.location)) {
    return {*ruled, PlacedBy::kRule};
  }
  return point ? byNearness(*point) : Placed{fallback_, PlacedBy::kDefault};
}

std::optional<Placed> Placement::byFence(geo::GeoPoint point) const noexcept {
  const std::optional<std::uint32_t> fence = fences_.find(point);
  if (!fence) return std::nullopt;
  return Placed{fence_loci_[*fence], PlacedBy::kFence};
}

Placed Placement::byNearness(geo::GeoPoint point) const noexcept {
  if (const auto border = borders_.nearest(point)) {
    return {fence_loci_[border->fence], PlacedBy::kFenceSnap};
  }
  if (!anchors_.empty()) return {anchor_loci_[anchors_.nearest(point)], PlacedBy::kAnchor};
  return {fallback_, PlacedBy::kDefault};
}

Placed Placement::bySites(geo::GeoPoint point) const noexcept {
  return {sites_.find(point), PlacedBy::kDistance};
}

std::optional<Locus> Placement::findLabel(const LabelMap& map, std::string_view label) noexcept {
  std::array<char, 63> buffer{};  // a DNS label's limit
  if (label.size() > buffer.size()) return std::nullopt;
  std::transform(label.begin(), label.end(), buffer.begin(), lower);
  const auto found = map.find(std::string_view(buffer.data(), label.size()));
  if (found == map.end()) return std::nullopt;
  return found->second;
}

std::optional<Locus> Placement::ofPoi(std::string_view label) const noexcept {
  return findLabel(pois_, label);
}

std::optional<Locus> Placement::ofCity(std::string_view label) const noexcept {
  return findLabel(cities_, label);
}

Locus Placement::ofKey(std::string_view key) const {
  std::string text(key.size() + 1, '\0');
  std::transform(key.begin(), key.end(), text.begin(), lower);
  std::size_t best = 0;
  std::uint64_t best_score = 0;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    text.resize(key.size() + 1);
    text += partitions_[i];
    const std::uint64_t score = firstEightBytes(sha256(text));
    const bool wins =
        i == 0 || score > best_score || (score == best_score && partitions_[i] < partitions_[best]);
    if (!wins) continue;
    best = i;
    best_score = score;
  }
  return Locus(static_cast<Locus::Representation>(best));
}

std::size_t Placement::locusCount() const {
  return kind_ == ZoneKind::kSharding ? partitions_.size() : sites_.size();
}

const std::vector<EZoneIx>& Placement::siteOrder(Locus locus) const {
  return sites_.at(locus);
}

}  // namespace meridian::partition
