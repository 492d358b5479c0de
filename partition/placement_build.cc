// Placement::build() and buildPlacements(): what all zones share, and then each zone's compiler.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <thread>
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

// Feeds the compilers first, first + step, … with all evidence, and finishes them into the same
// places of `out`.
Status compileSome(std::vector<PlacementCompiler>& compilers, std::size_t first, std::size_t step,
                   const geo::AddressEvidence* addresses, PlacementSet& out) {
  const auto each = [&](const auto& work) {
    for (std::size_t i = first; i < compilers.size(); i += step) work(i);
  };
  if (addresses != nullptr) {
    Status walked = addresses->forEach([&](std::uint32_t, const geo::Evidence& evidence) {
      each([&](std::size_t i) { compilers[i].addEvidence(evidence); });
    });
    if (!walked) return walked;
  }
  each([&](std::size_t i) { out[i] = compilers[i].finish(); });
  return {};
}

// Zones are dealt out to the cores. Each core decodes the evidence once for all of its zones:
// decoding twice at the same time is sooner done than once for everybody.
Status compileAll(std::vector<PlacementCompiler>& compilers, const geo::AddressEvidence* addresses,
                  PlacementSet& out) {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t step = std::min(cores, compilers.size());
  std::vector<Status> done(step);
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < step; ++i) {
    threads.emplace_back([&, i] { done[i] = compileSome(compilers, i, step, addresses, out); });
  }
  if (step > 0) done[0] = compileSome(compilers, 0, step, addresses, out);
  for (std::thread& thread : threads) thread.join();
  for (const Status& status : done) {
    if (!status) return status;
  }
  return {};
}

Checked<PlacementSet> buildZones(const Topology& topology, const std::vector<ZoneIx>& zones,
                                 const GeoSources& sources) {
  Diagnostics problems;
  checkSources(topology, sources, problems);
  std::vector<PlacementCompiler> compilers;
  compilers.reserve(zones.size());
  for (const ZoneIx zone : zones) compilers.emplace_back(topology, zone, sources, problems);
  if (!problems.empty()) return tl::unexpected(problems);
  PlacementSet placements(compilers.size());
  if (const Status done = compileAll(compilers, sources.addresses.get(), placements); !done) {
    problems.add({}, "", "", done.error().message);
    return tl::unexpected(problems);
  }
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
