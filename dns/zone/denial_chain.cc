#include "dns/zone/denial_chain.h"

#include <algorithm>
#include <utility>

#include "dns/zone/canonical_order.h"
#include "dns/zone/zone_state.h"

namespace meridian::dns {

Sha1 nsec3Hash(NameView lowered, std::uint16_t iterations, std::span<const std::uint8_t> salt) {
  Sha1 out = sha1(lowered.wire(), salt);
  for (std::uint16_t i = 0; i < iterations; ++i) out = sha1(out, salt);
  return out;
}

DenialChain::DenialChain(const Zone::State& zone, std::vector<NodeIx> nodes)
    : zone_(zone), nodes_(std::move(nodes)) {
  // "\000.APEX", and no more names than the zone has room for otherwise.
  const auto rdata = rrset(DenialIx(0)).firstRdata();
  const auto apex = zone.apex.view().wire();
  is_compact_ = rdata.size() > apex.size() + 2 && rdata[0] == 1 && rdata[1] == 0 &&
                std::equal(apex.begin(), apex.end(), rdata.begin() + 2) &&
                zone.probe(NameView(rdata.first(apex.size() + 2))) == kNoIndex;
}

DenialChain::DenialChain(const Zone::State& zone, Nsec3Parameters parameters,
                         std::vector<Hashed> hashed)
    : zone_(zone), parameters_(std::move(parameters)), hashed_(std::move(hashed)) {}

std::size_t DenialChain::bytes() const {
  return sizeof(DenialChain) + nodes_.capacity() * sizeof(NodeIx) +
         hashed_.capacity() * sizeof(Hashed) + parameters_.salt.capacity();
}

DenialIx DenialChain::find(NameView name) const noexcept {
  const auto after =
      std::upper_bound(nodes_.begin(), nodes_.end(), name, [&](NameView wanted, NodeIx node) {
        return canonicalOrder(wanted, zone_.nameOf(zone_.nodes[node.index()])) < 0;
      });
  // The apex is before all names of the zone.
  return DenialIx(static_cast<std::uint32_t>(after - nodes_.begin() - 1));
}

Sha1 DenialChain::hash(NameView lowered) const {
  return nsec3Hash(lowered, parameters_.iterations, parameters_.salt);
}

DenialIx DenialChain::find(const Sha1& hash) const noexcept {
  const auto after =
      std::upper_bound(hashed_.begin(), hashed_.end(), hash,
                       [](const Sha1& wanted, const Hashed& each) { return wanted < each.hash; });
  // What is before the first is covered by the last, which leads back to it.
  const std::size_t at = after == hashed_.begin()
                             ? hashed_.size() - 1
                             : static_cast<std::size_t>(after - hashed_.begin()) - 1;
  return DenialIx(static_cast<std::uint32_t>(at));
}

NameView DenialChain::owner(DenialIx record) const noexcept {
  const NodeIx node = isHashed() ? hashed_[record.index()].node : nodes_[record.index()];
  return zone_.nameOf(zone_.nodes[node.index()]);
}

RrsetView DenialChain::rrset(DenialIx record) const noexcept {
  if (isHashed()) return zone_.view(zone_.rrsets[hashed_[record.index()].record]);
  return zone_.view(*zone_.rrsetOf(zone_.nodes[nodes_[record.index()].index()], RrType::kNsec));
}

RrsetView DenialChain::signatures(DenialIx record) const noexcept {
  if (isHashed()) {
    const std::uint32_t found = hashed_[record.index()].signatures;
    return found == kNoIndex ? RrsetView{} : zone_.view(zone_.rrsets[found]);
  }
  const ZoneRrset* found =
      zone_.signaturesOf(zone_.nodes[nodes_[record.index()].index()], RrType::kNsec);
  return found == nullptr ? RrsetView{} : zone_.view(*found);
}

}  // namespace meridian::dns
