#include "partition/model.h"

#include <algorithm>

namespace meridian::partition {
namespace {

template <class Ix, class T>
std::optional<Ix> findById(const std::vector<T>& items, std::string_view id) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const T& item) { return item.id == id; });
  if (found == items.end()) return std::nullopt;
  return Ix(static_cast<typename Ix::Representation>(found - items.begin()));
}

}  // namespace

std::string_view adminStateName(AdminState state) {
  switch (state) {
    case AdminState::kInService:
      return "IN_SERVICE";
    case AdminState::kDraining:
      return "DRAINING";
    case AdminState::kOutOfService:
      return "OUT_OF_SERVICE";
  }
  return "OUT_OF_SERVICE";
}

std::string_view healthName(Health health) {
  switch (health) {
    case Health::kUp:
      return "UP";
    case Health::kDegraded:
      return "DEGRADED";
    case Health::kDown:
      return "DOWN";
    case Health::kUnknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

std::string_view zoneKindName(ZoneKind kind) {
  switch (kind) {
    case ZoneKind::kSharding:
      return "sharding";
    case ZoneKind::kGlobal:
      return "global";
    case ZoneKind::kStateless:
      return "stateless";
  }
  return "stateless";
}

std::string_view readFallbackName(ReadFallback fallback) {
  return fallback == ReadFallback::kLeastStale ? "least_stale" : "primary";
}

std::string_view allDownName(AllDown policy) {
  switch (policy) {
    case AllDown::kAsIfUp:
      return "as-if-up";
    case AllDown::kNearest:
      return "nearest";
    case AllDown::kFallback:
      return "fallback";
    case AllDown::kLastGood:
      return "last-good";
  }
  return "as-if-up";
}

bool Service::pooled() const {
  return std::any_of(endpoints.begin(), endpoints.end(),
                     [](const Endpoint& each) { return !each.pool.empty(); });
}

std::optional<DcIx> Topology::findDatacenter(std::string_view id) const {
  return findById<DcIx>(datacenters, id);
}

std::optional<EZoneIx> Topology::findEZone(std::string_view id) const {
  return findById<EZoneIx>(ezones, id);
}

std::string Topology::dcIdOf(std::string_view ezone) const {
  const auto found = findEZone(ezone);
  return found ? dcOf(*found).id : std::string();
}

std::optional<ZoneIx> Topology::findZone(std::string_view id) const {
  return findById<ZoneIx>(zones, id);
}

std::optional<PartitionIx> Topology::findPartition(std::string_view id) const {
  return findById<PartitionIx>(partitions, id);
}

}  // namespace meridian::partition
