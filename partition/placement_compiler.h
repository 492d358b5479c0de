// PlacementCompiler: makes the placement of one zone of the model, fed with one evidence after the
// other, so that all zones of a topology share one pass over the databases. Internal to
// partition/placement.
#pragma once

#include <memory>
#include <vector>

#include "base/diagnostics.h"
#include "partition/placement.h"

namespace meridian::partition {

class PlacementCompiler {
 public:
  // Compiles fences, rules, anchors and site orders, and reports what is wrong with them. All
  // arguments must outlive the compiler.
  PlacementCompiler(const Topology& topology, ZoneIx zone, const GeoSources& sources,
                    Diagnostics& problems);

  // The evidence of the next id, from 0.
  void addEvidence(const geo::Evidence& evidence);
  // REQUIRES: no problems were reported, all evidence was added.
  std::shared_ptr<const Placement> finish();

 private:
  void compilePartitions(Diagnostics& problems);
  void addFences(const Partition& partition, std::size_t number, Locus locus,
                 Diagnostics& problems);
  void reportOverlaps(Diagnostics& problems) const;
  Locus locusOf(const geo::Evidence& evidence);
  Placement::LabelMap compileCatalogue(const std::vector<geo::CatalogueEntry>& entries);
  void compileTable();

  const Topology& topology_;
  ZoneIx zone_ix_;
  const Zone& zone_;
  const GeoSources& sources_;
  std::shared_ptr<Placement> out_;
  std::vector<const geo::Fence*> fences_;  // of all partitions
  std::vector<FenceRef> fence_refs_;       // of fences_
  std::vector<Locus> loci_;                // by evidence id
};

}  // namespace meridian::partition
