#include "dns/zone/zone.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dns/zone/zone_builder.h"
#include "dns/zone/zone_state.h"

namespace meridian::dns {
namespace {

std::uint32_t word(std::span<const std::uint8_t> bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

std::uint8_t lower(std::uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte | 0x20) : byte;
}

bool equalsLowered(NameView written, NameView lowered) {
  const auto a = written.wire();
  const auto b = lowered.wire();
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](std::uint8_t x, std::uint8_t y) { return lower(x) == y; });
}

}  // namespace

RrsetView Zone::State::view(const ZoneRrset& rrset) const {
  const std::span rendered(arena.data() + rrset.offset, rrset.size);
  return {rrset.type, rrset.count, word(rendered.subspan<6, 4>()), rendered};
}

const ZoneRrset* Zone::State::rrsetOf(const ZoneNode& node, RrType type) const {
  for (std::uint32_t at = node.rrsets; at != kNoIndex; at = rrsets[at].next) {
    if (rrsets[at].type == type) return &rrsets[at];
  }
  return nullptr;
}

const ZoneRrset* Zone::State::signaturesOf(const ZoneNode& node, RrType covered) const {
  for (std::uint32_t at = node.rrsets; at != kNoIndex; at = rrsets[at].next) {
    const ZoneRrset& rrset = rrsets[at];
    if (rrset.type == RrType::kRrsig && rrset.additional == static_cast<std::uint32_t>(covered)) {
      return &rrset;
    }
  }
  return nullptr;
}

std::uint32_t Zone::State::probe(NameView lowered, std::uint64_t hash) const {
  return table.find(hash, [&](std::uint32_t candidate) {
    const ZoneNode& node = nodes[candidate];
    if (node.name_size != lowered.size()) return false;
    if ((node.flags & kHasUpperCase) != 0) return equalsLowered(nameOf(node), lowered);
    return nameOf(node) == lowered;
  });
}

std::uint32_t Zone::State::wildcardOf(NameView encloser) const {
  std::array<std::uint8_t, kMaxName + 2> wire{1, '*'};
  std::copy(encloser.wire().begin(), encloser.wire().end(), wire.begin() + 2);
  return probe(NameView(std::span(wire).first(encloser.size() + 2)));
}

Zone::Zone(const Name& apex, const std::vector<ZoneRecord>& records)
    : state_(ZoneBuilder::stateOf(apex, records)) {}

Zone::Zone(std::unique_ptr<const State> state) : state_(std::move(state)) {}

Zone::~Zone() = default;

NameView Zone::apex() const {
  return state_->apex;
}

std::uint32_t Zone::serial() const {
  // SERIAL is the first of the SOA's five final 32-bit fields (RFC 1035 §3.3.13).
  const auto rdata = rrset(NodeIx(state_->apex_node), RrType::kSoa).firstRdata();
  return word(rdata.subspan(rdata.size() - 20));
}

std::size_t Zone::recordCount() const {
  return state_->record_count;
}

std::size_t Zone::bytes() const {
  const auto sizeOf = [](const auto& items) { return items.capacity() * sizeof(items[0]); };
  return sizeof(State) + sizeOf(state_->arena) + sizeOf(state_->nodes) + sizeOf(state_->rrsets) +
         sizeOf(state_->additional_lists) + sizeOf(state_->additional_nodes) +
         sizeOf(state_->negative_soa) + sizeOf(state_->negative_soa_signatures) +
         sizeOf(state_->hashed_rrsets) + state_->table.bytes() +
         (state_->denial == nullptr ? 0 : state_->denial->bytes());
}

Zone::Match Zone::find(NameView name, std::uint64_t hash) const noexcept {
  const State& zone = *state_;
  std::uint32_t found = zone.probe(name, hash);
  NameView encloser = name;
  if (found == kNoIndex || (zone.nodes[found].flags & kIsOccluded) != 0) {
    // Ancestors with more labels than any node cannot exist: a name of 127 labels costs no more
    // than the zone is deep.
    std::size_t labels = name.labelCount();
    do {
      encloser = encloser.parent();
      --labels;
      if (labels > zone.max_labels) continue;
      found = zone.probe(encloser);
    } while (found == kNoIndex || (zone.nodes[found].flags & kIsOccluded) != 0);
  }
  const ZoneNode& node = zone.nodes[found];
  Match match{MatchKind::kExact, NodeIx(found), static_cast<std::uint8_t>(encloser.labelCount())};
  if ((node.flags & kIsCut) != 0) {
    match.kind = MatchKind::kDelegation;
  } else if (encloser.size() == name.size()) {
    match.kind = MatchKind::kExact;
  } else if ((node.flags & kHasDname) != 0) {
    match.kind = MatchKind::kDname;
  } else if ((node.flags & kHasWildcard) != 0) {
    match.kind = MatchKind::kWildcard;
    match.node = NodeIx(zone.wildcardOf(encloser));
  } else {
    match.kind = MatchKind::kNxDomain;
  }
  return match;
}

std::uint32_t Zone::nodeCount() const {
  return static_cast<std::uint32_t>(state_->nodes.size());
}

NodeIx Zone::apexNode() const {
  return NodeIx(state_->apex_node);
}

std::optional<NodeIx> Zone::nodeOf(NameView name) const {
  const std::uint32_t found = state_->probe(name);
  return found == kNoIndex ? std::nullopt : std::optional(NodeIx(found));
}

NameView Zone::nodeName(NodeIx node) const {
  return state_->nameOf(state_->nodes[node.index()]);
}

RrsetView Zone::rrset(NodeIx node, RrType type) const noexcept {
  const ZoneRrset* found = state_->rrsetOf(state_->nodes[node.index()], type);
  return found == nullptr ? RrsetView{} : state_->view(*found);
}

std::vector<RrsetView> Zone::rrsets(NodeIx node) const {
  std::vector<RrsetView> out;
  for (std::uint32_t at = state_->nodes[node.index()].rrsets; at != kNoIndex;
       at = state_->rrsets[at].next) {
    out.push_back(state_->view(state_->rrsets[at]));
  }
  const auto& hashed = state_->hashed_rrsets;
  auto at = std::lower_bound(hashed.begin(), hashed.end(), std::pair(node.value, std::uint32_t{0}));
  if (at == hashed.end() || at->first != node.value) return out;
  for (; at != hashed.end() && at->first == node.value; ++at) {
    out.push_back(state_->view(state_->rrsets[at->second]));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const RrsetView& a, const RrsetView& b) { return a.type < b.type; });
  return out;
}

RrsetView Zone::firstRrset(NodeIx node) const noexcept {
  const std::uint32_t first = state_->nodes[node.index()].rrsets;
  return first == kNoIndex ? RrsetView{} : state_->view(state_->rrsets[first]);
}

std::span<const NodeIx> Zone::additional(NodeIx node, RrType type) const noexcept {
  const ZoneRrset* found = state_->rrsetOf(state_->nodes[node.index()], type);
  if (found == nullptr || found->additional == kNoIndex || type == RrType::kRrsig) return {};
  const State::AdditionalList& list = state_->additional_lists[found->additional];
  return std::span(state_->additional_nodes).subspan(list.first, list.count);
}

RrsetView Zone::negativeSoa() const noexcept {
  const std::span rendered(state_->negative_soa);
  return {RrType::kSoa, 1, word(rendered.subspan(6)), rendered};
}

RrsetView Zone::signatures(NodeIx node, RrType covered) const noexcept {
  const ZoneRrset* found = state_->signaturesOf(state_->nodes[node.index()], covered);
  return found == nullptr ? RrsetView{} : state_->view(*found);
}

RrsetView Zone::signaturesAfter(NodeIx node, RrType covered) const noexcept {
  // The chain ascends by type, and RRSIGs in it by the type they cover.
  for (std::uint32_t at = state_->nodes[node.index()].rrsets; at != kNoIndex;
       at = state_->rrsets[at].next) {
    const ZoneRrset& rrset = state_->rrsets[at];
    if (rrset.type == RrType::kRrsig && rrset.additional > static_cast<std::uint32_t>(covered)) {
      return state_->view(rrset);
    }
  }
  return {};
}

RrsetView Zone::negativeSoaSignatures() const noexcept {
  if (state_->negative_soa_signatures.empty()) return {};
  const ZoneRrset& source = *state_->signaturesOf(state_->nodes[state_->apex_node], RrType::kSoa);
  const std::span rendered(state_->negative_soa_signatures);
  return {RrType::kRrsig, source.count, word(rendered.subspan(6)), rendered};
}

const DenialChain* Zone::denial() const noexcept {
  return state_->denial.get();
}

}  // namespace meridian::dns
