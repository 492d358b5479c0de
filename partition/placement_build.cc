// Placement::build() and buildPlacements(): what all zones share, and then each zone's compiler.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "base/config_reader.h"
#include "partition/placement.h"
#include "partition/placement_compiler.h"

namespace meridian::partition {
namespace {

// Partition names outside the topology: whoever wrote one that no zone has meant another.
class PartitionNames {
 public:
  PartitionNames(const Topology& topology, Diagnostics& problems) : problems_(problems) {
    for (const Partition& partition : topology.partitions) known_.push_back(partition.id);
    std::sort(known_.begin(), known_.end());
  }

  void check(const SourcePlace& place, const std::string& name) {
    if (name.empty() || std::binary_search(known_.begin(), known_.end(), name)) return;
    const std::string nearest = nearestName(name, known_);
    problems_.add(place, "partition", name,
                  nearest.empty()
                      ? "no zone has this partition"
                      : fmt::format("no zone has this partition; did you mean {}?", nearest));
  }

 private:
  std::vector<std::string_view> known_;  // sorted
  Diagnostics& problems_;
};

void checkCatalogue(const std::vector<geo::CatalogueEntry>& entries, PartitionNames& names,
                    Diagnostics& problems) {
  std::map<std::string_view, const geo::CatalogueEntry*> seen;
  for (const geo::CatalogueEntry& entry : entries) {
    names.check(entry.place, entry.partition);
    const auto [first, fresh] = seen.emplace(entry.id, &entry);
    if (fresh) continue;
    problems.add(entry.place, "id", entry.id,
                 fmt::format("stands already at {}", first->second->place.text()));
  }
}

void checkSources(const Topology& topology, const GeoSources& sources, Diagnostics& problems) {
  PartitionNames names(topology, problems);
  checkCatalogue(sources.pois, names, problems);
  checkCatalogue(sources.cities, names, problems);
  std::set<std::string_view> fences;
  for (const geo::Fence& fence : sources.fences) {
    if (!fences.insert(fence.id).second) {
      problems.add(fence.place, "id", fence.id, "stands already in another fence file of this id");
    }
  }
  if (sources.addresses == nullptr) return;
  for (const geo::NetworkOverride& entry : sources.addresses->overrides()) {
    const auto* name = std::get_if<std::string>(&entry.target);
    if (name != nullptr) names.check(entry.place, *name);
  }
}

Checked<PlacementSet> buildZones(const Topology& topology, const std::vector<ZoneIx>& zones,
                                 const GeoSources& sources) {
  Diagnostics problems;
  checkSources(topology, sources, problems);
  std::vector<PlacementCompiler> compilers;
  compilers.reserve(zones.size());
  for (const ZoneIx zone : zones) compilers.emplace_back(topology, zone, sources, problems);
  if (!problems.empty()) return tl::unexpected(problems);
  if (sources.addresses != nullptr) {
    const Status walked =
        sources.addresses->forEach([&](std::uint32_t, const geo::Evidence& evidence) {
          for (PlacementCompiler& compiler : compilers) compiler.addEvidence(evidence);
        });
    if (!walked) {
      problems.add({}, "", "", walked.error().message);
      return tl::unexpected(problems);
    }
  }
  PlacementSet placements;
  for (PlacementCompiler& compiler : compilers) placements.push_back(compiler.finish());
  return placements;
}

}  // namespace

Checked<std::shared_ptr<const Placement>> Placement::build(const Topology& topology, ZoneIx zone,
                                                           const GeoSources& sources) {
  auto placements = buildZones(topology, {zone}, sources);
  if (!placements) return tl::unexpected(placements.error());
  return placements->front();
}

Checked<PlacementSet> buildPlacements(const Topology& topology, const GeoSources& sources) {
  std::vector<ZoneIx> zones;
  for (std::size_t i = 0; i < topology.zones.size(); ++i) {
    zones.emplace_back(static_cast<ZoneIx::Representation>(i));
  }
  return buildZones(topology, zones, sources);
}

}  // namespace meridian::partition
