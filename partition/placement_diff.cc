// diffPlacements(): both tables merged leaf by leaf, and both catalogues label by label.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "partition/placement.h"

namespace meridian::partition {

// Gives equal numbers to loci of both placements that mean the same partition or site order.
class PlacementComparer {
 public:
  struct Side {
    const Topology& topology;
    const Zone& zone;
    const Placement& placement;
  };

  PlacementComparer(const Side& before, const Side& after)
      : old_(before.placement),
        new_(after.placement),
        old_names_(numbers(before)),
        new_names_(numbers(after)) {}

  PlacementDiff run() const {
    PlacementDiff diff;
    const std::vector<Leaf> old_leaves = leaves(old_, old_names_);
    const std::vector<Leaf> new_leaves = leaves(new_, new_names_);
    AddressCounter moves;
    AddressCounter placed;
    const std::uint32_t old_fallback = old_names_[old_.fallback().index()];
    const std::uint32_t new_fallback = new_names_[new_.fallback().index()];
    auto next = new_leaves.begin();
    for (const Leaf& leaf : old_leaves) {
      while (next != new_leaves.end() && next->endsBefore(leaf)) ++next;
      for (auto at = next; at != new_leaves.end() && !leaf.endsBefore(*at); ++at) {
        const bool is_moved = at->name != leaf.name;
        if (is_moved) moves.add(leaf, *at);
        const bool is_placed = leaf.name != old_fallback || at->name != new_fallback;
        if (is_moved || is_placed) placed.add(leaf, *at);
      }
    }
    diff.ipv4_addresses = moves.ipv4Addresses();
    diff.ipv6_48s = moves.ipv6Nets();
    diff.ipv6_48s_placed = placed.ipv6Nets();
    compareLabels(old_.pois_, new_.pois_, diff.pois, diff.pois_compared);
    compareLabels(old_.cities_, new_.cities_, diff.cities, diff.cities_compared);
    return diff;
  }

 private:
  struct Leaf {
    IpFamily family = IpFamily::kV4;
    U128 first = 0, last = 0;
    std::uint32_t name = 0;

    // Wholly before the other's first address; all of IPv4 comes before IPv6.
    bool endsBefore(const Leaf& other) const {
      return family != other.family ? family < other.family : last < other.first;
    }
  };

  // What two leaves have in common, added up; leaves come in order.
  class AddressCounter {
   public:
    void add(const Leaf& a, const Leaf& b) {
      const U128 first = std::max(a.first, b.first);
      const U128 last = std::min(a.last, b.last);
      if (a.family == IpFamily::kV4) {
        ipv4_addresses_ += static_cast<std::uint64_t>(last - first) + 1;
        return;
      }
      // Two of these may share a /48: it counts once.
      const auto from = std::max(static_cast<std::uint64_t>(first >> 80U), next_48_);
      const auto to = static_cast<std::uint64_t>(last >> 80U);
      if (to < from) return;
      ipv6_48s_ += to - from + 1;
      next_48_ = to + 1;
    }
    std::uint64_t ipv4Addresses() const { return ipv4_addresses_; }
    std::uint64_t ipv6Nets() const { return ipv6_48s_; }

   private:
    std::uint64_t ipv4_addresses_ = 0, ipv6_48s_ = 0;
    std::uint64_t next_48_ = 0;
  };

  static std::string nameOf(const Side& side, std::size_t locus) {
    if (side.zone.kind == ZoneKind::kSharding) {
      return side.topology.partitions[side.zone.first_partition.index() + locus].id;
    }
    std::string name;
    const Locus at(static_cast<Locus::Representation>(locus));
    for (const EZoneIx ezone : side.placement.siteOrder(at)) {
      name += '/' + side.topology.ezones[ezone.index()].id;
    }
    for (const std::uint8_t reach : side.placement.siteReach(at)) {
      name += ' ' + std::to_string(reach);
    }
    return name;
  }

  std::vector<std::uint32_t> numbers(const Side& side) {
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < side.placement.locusCount(); ++i) {
      const auto fresh = static_cast<std::uint32_t>(numbers_.size());
      out.push_back(numbers_.emplace(nameOf(side, i), fresh).first->second);
    }
    out.push_back(out[side.placement.fallback().index()]);  // Placement::noPlace()
    return out;
  }

  static std::vector<Leaf> leaves(const Placement& placement,
                                  const std::vector<std::uint32_t>& names) {
    std::vector<Leaf> out;
    placement.table().forEachLeaf([&](const IpPrefix& prefix, std::uint32_t value) {
      const IpAddress& address = prefix.address;
      const unsigned host_bits = bitsOf(address.family()) - unsigned{prefix.length};
      const U128 size_less_1 = host_bits == 128 ? ~U128{0} : (U128{1} << host_bits) - 1;
      const U128 last = address.bits() | size_less_1;
      const bool joins = !out.empty() && out.back().family == address.family() &&
                         out.back().name == names[value] && out.back().last + 1 == address.bits();
      if (joins) {
        out.back().last = last;
      } else {
        out.push_back({address.family(), address.bits(), last, names[value]});
      }
    });
    return out;
  }

  void compareLabels(const Placement::LabelMap& before, const Placement::LabelMap& after,
                     std::uint64_t& moved, std::uint64_t& compared) const {
    for (const auto& [label, locus] : before) {
      const auto found = after.find(label);
      if (found == after.end()) continue;
      ++compared;
      if (old_names_[locus.index()] != new_names_[found->second.index()]) ++moved;
    }
  }

  const Placement& old_;
  const Placement& new_;
  std::map<std::string, std::uint32_t> numbers_;
  const std::vector<std::uint32_t> old_names_, new_names_;  // by locus; made by numbers_
};

PlacementDiff diffPlacements(const Topology& before, const Placement& old_placement,
                             const Topology& after, const Placement& new_placement, ZoneIx old_zone,
                             ZoneIx new_zone) {
  return PlacementComparer({before, before.zones[old_zone.index()], old_placement},
                           {after, after.zones[new_zone.index()], new_placement})
      .run();
}

}  // namespace meridian::partition
