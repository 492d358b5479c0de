// The passes of ZoneBuilder::compile: facts that depend on other nodes are worked out here, once.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/byte_writer.h"
#include "dns/zone/rdata_names.h"
#include "dns/zone/zone_builder.h"
#include "dns/zone/zone_state.h"

namespace meridian::dns {
namespace {

bool isWildcard(NameView name) {
  return name.wire().size() > 2 && name.wire()[0] == 1 && name.wire()[1] == '*';
}

std::uint32_t wordAt(std::span<const std::uint8_t> bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
         std::uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

}  // namespace

std::unique_ptr<const Zone::State> ZoneBuilder::compile() {
  state_->apex = state_->loweredName(state_->nodes[state_->apex_node]);
  lines_ = {};
  linkAncestors();
  markNodes();
  collectAdditional();
  renderNegativeSoa();
  indexDenial();
  return std::move(state_);
}

// Makes empty non-terminals (their names are the ends of their children's) and notes wildcards.
void ZoneBuilder::linkAncestors() {
  const std::size_t with_records = state_->nodes.size();
  for (std::uint32_t i = 0; i < with_records; ++i) {
    const Name lowered = state_->loweredName(state_->nodes[i]);
    state_->max_labels = std::max(state_->max_labels, lowered.view().labelCount());
    if (i == state_->apex_node) continue;
    std::uint32_t offset = state_->nodes[i].name;
    NameView name = lowered;
    for (bool existed = false; !existed; name = name.parent()) {
      offset += 1 + std::uint32_t{name.wire()[0]};
      const NameView parent = name.parent();
      const std::uint64_t hash = hashName(parent);
      std::uint32_t found = state_->probe(parent, hash);
      existed = found != kNoIndex;
      if (!existed) {
        const NameView written(std::span(state_->arena).subspan(offset, parent.size()));
        found = static_cast<std::uint32_t>(state_->nodes.size());
        addNode(offset, static_cast<std::uint8_t>(parent.size()),
                written == parent ? 0 : kHasUpperCase, hash);
      }
      if (isWildcard(name)) state_->nodes[found].flags |= kHasWildcard;
    }
  }
}

void ZoneBuilder::markNodes() {
  for (std::uint32_t i = 0; i < state_->nodes.size(); ++i) {
    ZoneNode& node = state_->nodes[i];
    if (state_->rrsetOf(node, RrType::kDname) != nullptr) node.flags |= kHasDname;
    if (isCut(i)) node.flags |= kIsCut;
    if (hidden(state_->loweredName(node)) == Hidden::kBelowCut) node.flags |= kIsOccluded;
  }
}

bool ZoneBuilder::isCut(std::uint32_t node) const {
  return node != state_->apex_node &&
         state_->rrsetOf(state_->nodes[node], RrType::kNs) != nullptr &&
         !isWildcard(state_->nameOf(state_->nodes[node]));
}

// The cut or DNAME nearest to the apex decides: what lies below it is in no way part of the zone.
ZoneBuilder::Hidden ZoneBuilder::hidden(const Name& lowered) const {
  Hidden out = Hidden::kNot;
  if (hiding_rrsets_ <= 1) return out;  // the apex's NS, which every zone has
  NameView name = lowered;
  while (name.size() > state_->nodes[state_->apex_node].name_size) {
    name = name.parent();
    const std::uint32_t ancestor = state_->probe(name);
    if (ancestor == kNoIndex) continue;
    if (isCut(ancestor)) {
      out = Hidden::kBelowCut;
    } else if (state_->rrsetOf(state_->nodes[ancestor], RrType::kDname) != nullptr) {
      out = Hidden::kBelowDname;
    }
  }
  return out;
}

void ZoneBuilder::collectAdditional() {
  for (std::uint32_t i = 0; i < state_->nodes.size(); ++i) {
    if ((state_->nodes[i].flags & kIsOccluded) != 0) continue;
    for (std::uint32_t at = state_->nodes[i].rrsets; at != kNoIndex; at = state_->rrsets[at].next) {
      collectAdditional(i, state_->rrsets[at]);
    }
  }
}

void ZoneBuilder::collectAdditional(std::uint32_t node, ZoneRrset& rrset) {
  std::vector<NodeIx>& all = state_->additional_nodes;
  const auto first = static_cast<std::ptrdiff_t>(all.size());
  const auto rendered = state_->view(rrset).rendered;
  for (std::size_t at = 0; at < rendered.size();) {
    const std::size_t length = wordAt(rendered, at + 8) & 0xffff;
    const auto rdata = rendered.subspan(at + kRenderedFixedBytes, length);
    at += kRenderedFixedBytes + length;
    const std::uint32_t target = addressNode(node, rrset.type, rdata);
    if (target == kNoIndex) continue;
    if (std::find(all.begin() + first, all.end(), NodeIx(target)) == all.end()) {
      all.push_back(NodeIx(target));
    }
  }
  const std::size_t count = all.size() - static_cast<std::size_t>(first);
  if (count == 0) return;
  rrset.additional = static_cast<std::uint32_t>(state_->additional_lists.size());
  state_->additional_lists.push_back(
      {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count)});
}

std::uint32_t ZoneBuilder::addressNode(std::uint32_t node, RrType type,
                                       std::span<const std::uint8_t> rdata) const {
  const std::optional<NameView> target = additionalTarget(type, rdata);
  if (!target) return kNoIndex;
  std::uint32_t found = kNoIndex;
  if (target->isRoot()) {
    // In ServiceMode "." is the owner itself (RFC 9460 §2.5.2). A wildcard's owner is not known
    // before the question; elsewhere "." means that there is no target.
    const bool is_service =
        (type == RrType::kSvcb || type == RrType::kHttps) && (rdata[0] != 0 || rdata[1] != 0);
    if (is_service && !isWildcard(state_->nameOf(state_->nodes[node]))) found = node;
  } else {
    const Name lowered = Name(*target).lowered();
    if (lowered.view().isWithin(state_->apex)) found = state_->probe(lowered);
  }
  if (found == kNoIndex) return kNoIndex;
  const ZoneNode& holder = state_->nodes[found];
  // Glue is for referrals; as an answer's companion it would look as if this zone vouched for it.
  if (type != RrType::kNs && (holder.flags & (kIsOccluded | kIsCut)) != 0) return kNoIndex;
  const bool has_address = state_->rrsetOf(holder, RrType::kA) != nullptr ||
                           state_->rrsetOf(holder, RrType::kAaaa) != nullptr;
  return has_address ? found : kNoIndex;
}

void ZoneBuilder::renderNegativeSoa() {
  const RrsetView soa =
      state_->view(*state_->rrsetOf(state_->nodes[state_->apex_node], RrType::kSoa));
  state_->negative_soa.assign(soa.rendered.begin(), soa.rendered.end());
  const std::uint32_t minimum = wordAt(soa.rendered, soa.rendered.size() - 4);
  ByteWriter(std::span(state_->negative_soa).subspan(6, 4)).u32(std::min(soa.ttl, minimum));
}

}  // namespace meridian::dns
