#include "partition/placement_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/config_reader.h"

namespace meridian::partition {
namespace {

constexpr double kMetresPerKilometre = 1000;

// The ranges with each value replaced by loci[value]; neighbours that became equal are joined.
// Private networks of which nothing is known become `no_place`.
template <class Range>
class RangeMapper {
 public:
  using Address = decltype(Range::first);

  RangeMapper(IpFamily family, const std::vector<Locus>& loci, std::uint32_t no_place)
      : loci_(loci), no_place_(no_place) {
    for (const IpPrefix& network : privateNetworks()) {
      if (network.address.family() != family) continue;
      const auto first = static_cast<Address>(network.address.bits());
      private_.push_back({first, static_cast<Address>(first | (~Address{0} >> network.length))});
    }
  }

  std::vector<Range> map(std::span<const Range> ranges) {
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const Address last =
          i + 1 < ranges.size() ? static_cast<Address>(ranges[i + 1].first - 1) : ~Address{0};
      put(ranges[i].first, loci_[ranges[i].value].value);
      if (ranges[i].value == kNothingKnown) cutPrivate(ranges[i].first, last);
    }
    return std::move(out_);
  }

 private:
  static constexpr std::uint32_t kNothingKnown = 0;  // of AddressEvidence
  struct Block {
    Address first, last;
  };

  void cutPrivate(Address first, Address last) {
    for (const Block& block : private_) {
      if (block.last < first || block.first > last) continue;
      put(std::max(first, block.first), no_place_);
      if (block.last < last) put(static_cast<Address>(block.last + 1), loci_[kNothingKnown].value);
    }
  }
  void put(Address first, std::uint32_t value) {
    if (!out_.empty() && out_.back().first == first) out_.pop_back();
    if (out_.empty() || out_.back().value != value) out_.push_back({first, value});
  }

  const std::vector<Locus>& loci_;
  std::uint32_t no_place_;
  std::vector<Block> private_;
  std::vector<Range> out_;
};

Locus locusNumber(std::size_t number) {
  return Locus(static_cast<Locus::Representation>(number));
}

std::string unknownFence(const std::vector<geo::Fence>& fences, const std::string& id) {
  std::vector<std::string_view> known;
  known.reserve(fences.size());
  for (const geo::Fence& fence : fences) known.push_back(fence.id);
  const std::string nearest = nearestName(id, known);
  return nearest.empty() ? "there is no such fence"
                         : fmt::format("there is no such fence; did you mean {}?", nearest);
}

}  // namespace

PlacementCompiler::PlacementCompiler(const Topology& topology, ZoneIx zone,
                                     const GeoSources& sources, Diagnostics& problems)
    : topology_(topology),
      zone_ix_(zone),
      zone_(topology.zones[zone.index()]),
      sources_(sources),
      out_(new Placement) {
  out_->kind_ = zone_.kind;
  if (zone_.kind == ZoneKind::kSharding) {
    compilePartitions(problems);
  } else {
    out_->sites_ = SiteOrders(topology, zone_);
    out_->fallback_ = SiteOrders::kUnknownPlace;
  }
}

void PlacementCompiler::compilePartitions(Diagnostics& problems) {
  std::vector<PlaceRules::Entry> rules;
  std::vector<geo::GeoPoint> anchors;
  for (std::size_t i = 0; i < zone_.partition_count; ++i) {
    const Partition& partition = topology_.partitions[zone_.first_partition.index() + i];
    const Locus locus = locusNumber(i);
    out_->partitions_.push_back(partition.id);
    out_->partition_loci_.emplace(partition.id, locus);
    for (const PlaceRule& rule : partition.rules) rules.push_back({rule, locus});
    for (const geo::GeoPoint& anchor : partition.anchors) {
      anchors.push_back(anchor);
      out_->anchor_loci_.push_back(locus);
    }
    addFences(partition, i, locus, problems);
  }
  out_->rules_ = PlaceRules(std::move(rules));
  out_->anchors_ = geo::NearestPoints(std::move(anchors));
  if (zone_.placement.default_partition) {
    out_->fallback_ =
        locusNumber(zone_.placement.default_partition->index() - zone_.first_partition.index());
  }
  reportOverlaps(problems);
  out_->fences_ = geo::CellIndex(fences_);
  if (zone_.placement.fence_snap_km > 0) {
    out_->borders_ = geo::BorderIndex(fences_, zone_.placement.fence_snap_km * kMetresPerKilometre);
  }
}

void PlacementCompiler::addFences(const Partition& partition, std::size_t number, Locus locus,
                                  Diagnostics& problems) {
  for (std::size_t i = 0; i < partition.fences.size(); ++i) {
    const FenceRef& ref = partition.fences[i];
    const auto report = [&](std::string reason) {
      problems.add(ref.place,
                   fmt::format("zones[{}].partitions[{}].fences[{}]", zone_ix_.index(), number, i),
                   ref.id, std::move(reason));
    };
    const auto fence = std::find_if(sources_.fences.begin(), sources_.fences.end(),
                                    [&](const geo::Fence& each) { return each.id == ref.id; });
    if (fence == sources_.fences.end()) {
      report(unknownFence(sources_.fences, ref.id));
      continue;
    }
    const auto used = std::find(fences_.begin(), fences_.end(), &*fence);
    if (used != fences_.end()) {
      const FenceRef& first = fence_refs_[static_cast<std::size_t>(used - fences_.begin())];
      report(fmt::format("is used already, at {}", first.place.text()));
      continue;
    }
    fences_.push_back(&*fence);
    fence_refs_.push_back(ref);
    out_->fence_loci_.push_back(locus);
  }
}

void PlacementCompiler::reportOverlaps(Diagnostics& problems) const {
  for (const geo::FenceOverlap& overlap : geo::findOverlaps(fences_)) {
    if (out_->fence_loci_[overlap.first] == out_->fence_loci_[overlap.second]) continue;
    const FenceRef& first = fence_refs_[overlap.first];
    const FenceRef& second = fence_refs_[overlap.second];
    problems.add(second.place, fmt::format("zones[{}]", zone_ix_.index()), second.id,
                 fmt::format("overlaps {} by {:.0f} m², at {:.5f},{:.5f} among others", first.id,
                             overlap.area_m2, overlap.example.lat, overlap.example.lon));
  }
}

Locus PlacementCompiler::locusOf(const geo::Evidence& evidence) {
  if (zone_.kind == ZoneKind::kSharding) return out_->ofEvidence(evidence).locus;
  return evidence.location.point ? out_->sites_.intern(*evidence.location.point)
                                 : SiteOrders::kUnknownPlace;
}

void PlacementCompiler::addEvidence(const geo::Evidence& evidence) {
  loci_.push_back(locusOf(evidence));
}

std::shared_ptr<const Placement> PlacementCompiler::finish() {
  out_->pois_ = compileCatalogue(sources_.pois);
  out_->cities_ = compileCatalogue(sources_.cities);
  compileTable();
  return std::move(out_);
}

Placement::LabelMap PlacementCompiler::compileCatalogue(
    const std::vector<geo::CatalogueEntry>& entries) {
  Placement::LabelMap map;
  map.reserve(entries.size());
  for (const geo::CatalogueEntry& entry : entries) {
    geo::Evidence evidence;
    evidence.partition = entry.partition;
    evidence.location.point = entry.point;
    map.emplace(entry.id, locusOf(evidence));
  }
  return map;
}

void PlacementCompiler::compileTable() {
  out_->no_place_ = static_cast<std::uint32_t>(out_->locusCount());
  if (sources_.addresses ==
      nullptr) {  // no address says anything: one answer for all, private or not
    const geo::V4Range v4[] = {{0, out_->fallback_.value}};
    const geo::V6Range v6[] = {{0, out_->fallback_.value}};
    out_->table_ = std::make_shared<const geo::PrefixTable>(v4, v6);
    return;
  }
  RangeMapper<geo::V4Range> v4(IpFamily::kV4, loci_, out_->no_place_);
  RangeMapper<geo::V6Range> v6(IpFamily::kV6, loci_, out_->no_place_);
  out_->table_ = std::make_shared<const geo::PrefixTable>(v4.map(sources_.addresses->v4()),
                                                          v6.map(sources_.addresses->v6()));
}

}  // namespace meridian::partition
