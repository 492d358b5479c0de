// The last pass of ZoneBuilder::compile: whether the zone is signed, and the chain of its denials.
#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "dns/wire/render_record.h"
#include "dns/zone/canonical_order.h"
#include "dns/zone/denial_chain.h"
#include "dns/zone/zone_builder.h"
#include "dns/zone/zone_state.h"

namespace meridian::dns {
namespace {

constexpr std::uint8_t kSha1Algorithm = 1;     // RFC 5155 §11
constexpr std::size_t kHashedLabelBytes = 32;  // 20 bytes in base32

// The RDATA of the i-th record. REQUIRES: i < rrset.count.
std::span<const std::uint8_t> rdataAt(const RrsetView& rrset, std::size_t i) {
  std::span<const std::uint8_t> rest = rrset.rendered;
  for (;; --i) {
    const std::size_t length = std::size_t{rest[10]} << 8 | rest[11];
    if (i == 0) return rest.subspan(kRenderedFixedBytes, length);
    rest = rest.subspan(kRenderedFixedBytes + length);
  }
}

// What NSEC3 and NSEC3PARAM begin with: algorithm, flags, iterations, salt (RFC 5155 §3.2, §4.2).
// nullopt: another algorithm than SHA-1, or no such RDATA.
std::optional<Nsec3Parameters> parametersOf(std::span<const std::uint8_t> rdata) {
  constexpr std::size_t kBeforeSalt = 5;
  if (rdata.size() < kBeforeSalt || rdata[0] != kSha1Algorithm) return std::nullopt;
  if (rdata.size() < kBeforeSalt + rdata[4]) return std::nullopt;
  const auto salt = rdata.subspan(kBeforeSalt, rdata[4]);
  return Nsec3Parameters{static_cast<std::uint16_t>(rdata[2] << 8 | rdata[3]),
                         {salt.begin(), salt.end()}};
}

// Base32 with the extended hex alphabet, case ignored, no padding (RFC 4648 §7, RFC 5155 §3.3).
std::optional<Sha1> hashOfLabel(std::span<const std::uint8_t> label) {
  if (label.size() != kHashedLabelBytes) return std::nullopt;
  Sha1 out{};
  std::uint64_t bits = 0;
  std::size_t written = 0;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const std::uint8_t c = label[i];
    const auto low = static_cast<std::uint8_t>(c | 0x20);
    std::uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint64_t>(c - '0');
    } else if (low >= 'a' && low <= 'v') {
      digit = static_cast<std::uint64_t>(low - 'a') + 10;
    } else {
      return std::nullopt;
    }
    bits = bits << 5 | digit;
    // Eight digits are five bytes.
    if (i % 8 != 7) continue;
    for (int shift = 32; shift >= 0; shift -= 8) {
      out[written++] = static_cast<std::uint8_t>(bits >> shift);
    }
    bits = 0;
  }
  return out;
}

}  // namespace

void ZoneBuilder::checkIterations(const std::string& file, Diagnostics& out) const {
  const std::uint32_t found = findRrset(state_->apex_node, RrType::kNsec3param);
  if (found == kNoIndex) return;
  const RrsetView all = state_->view(state_->rrsets[found]);
  for (std::size_t i = 0; i < all.count; ++i) {
    const std::optional<Nsec3Parameters> each = parametersOf(rdataAt(all, i));
    if (!each || each->iterations <= kMaxNsec3Iterations) continue;
    out.add({file, lines_[state_->apex_node], 0},
            state_->nameOf(state_->nodes[state_->apex_node]).text() + " NSEC3PARAM",
            std::to_string(each->iterations),
            "more iterations than " + std::to_string(kMaxNsec3Iterations) +
                "; sign the zone with 0 (RFC 9276 3.1)");
  }
}

bool ZoneBuilder::ownsOnlyNsec3(std::uint32_t node) const {
  for (std::uint32_t at = state_->nodes[node].rrsets; at != kNoIndex;
       at = state_->rrsets[at].next) {
    const ZoneRrset& rrset = state_->rrsets[at];
    const bool signature = rrset.type == RrType::kRrsig &&
                           rrset.additional == static_cast<std::uint32_t>(RrType::kNsec3);
    if (rrset.type != RrType::kNsec3 && !signature) return false;
  }
  return state_->nodes[node].rrsets != kNoIndex;
}

void ZoneBuilder::indexDenial() {
  const ZoneNode& apex = state_->nodes[state_->apex_node];
  std::vector<DenialChain::Hashed> taken;
  takeNsec3(taken);
  if (!taken.empty()) hideHashedNames(taken);
  if (state_->rrsetOf(apex, RrType::kDnskey) == nullptr) return;
  // An NSEC3PARAM says that its chain is whole (RFC 5155 §7.3); an NSEC at the apex beside it is
  // what a change from or to NSEC leaves for a while.
  if (const ZoneRrset* found = state_->rrsetOf(apex, RrType::kNsec3param)) {
    const RrsetView all = state_->view(*found);
    for (std::size_t i = 0; i < all.count && state_->denial == nullptr; ++i) {
      chainNsec3(rdataAt(all, i), taken);
    }
  }
  if (state_->denial == nullptr && state_->rrsetOf(apex, RrType::kNsec) != nullptr) chainNsec();
  if (state_->denial != nullptr) lowerDenialTtls();
}

// The chain of this NSEC3PARAM, if it has the apex.
void ZoneBuilder::chainNsec3(std::span<const std::uint8_t> rdata,
                             const std::vector<DenialChain::Hashed>& taken) {
  const std::optional<Nsec3Parameters> parameters = parametersOf(rdata);
  if (!parameters || rdata[1] != 0) return;  // flags: not for us (RFC 5155 §4.1.2)
  std::vector<DenialChain::Hashed> chain;
  std::copy_if(taken.begin(), taken.end(), std::back_inserter(chain), [&](const auto& each) {
    return parametersOf(state_->view(state_->rrsets[each.record]).firstRdata()) == parameters;
  });
  std::sort(chain.begin(), chain.end(),
            [](const auto& a, const auto& b) { return a.hash < b.hash; });
  const Sha1 of_apex = nsec3Hash(state_->apex, parameters->iterations, parameters->salt);
  const bool has_apex = std::any_of(chain.begin(), chain.end(),
                                    [&](const auto& each) { return each.hash == of_apex; });
  if (!has_apex) return;
  state_->denial = std::make_unique<const DenialChain>(*state_, *parameters, std::move(chain));
}

void ZoneBuilder::chainNsec() {
  std::vector<NodeIx> nodes;
  for (std::uint32_t i = 0; i < state_->nodes.size(); ++i) {
    const ZoneNode& node = state_->nodes[i];
    if ((node.flags & kIsOccluded) == 0 && state_->rrsetOf(node, RrType::kNsec) != nullptr) {
      nodes.emplace_back(i);
    }
  }
  const auto before = [&](NodeIx a, NodeIx b) {
    return canonicalOrder(state_->nameOf(state_->nodes[a.index()]),
                          state_->nameOf(state_->nodes[b.index()])) < 0;
  };
  // Most signers write their zones in this order.
  if (!std::is_sorted(nodes.begin(), nodes.end(), before)) {
    std::sort(nodes.begin(), nodes.end(), before);
  }
  nodes.shrink_to_fit();
  state_->denial = std::make_unique<const DenialChain>(*state_, std::move(nodes));
}

// RFC 9077 §3: a denial is cached as long as the negative answer it stands in, and no longer.
void ZoneBuilder::lowerDenialTtls() {
  const std::span negative_soa(state_->negative_soa);
  const std::uint32_t ttl = std::uint32_t{negative_soa[6]} << 24 |
                            std::uint32_t{negative_soa[7]} << 16 |
                            std::uint32_t{negative_soa[8]} << 8 | negative_soa[9];
  for (const ZoneRrset& rrset : state_->rrsets) {
    const auto type =
        rrset.type == RrType::kRrsig ? static_cast<RrType>(rrset.additional) : rrset.type;
    if (type != RrType::kNsec && type != RrType::kNsec3) continue;
    if (state_->view(rrset).ttl <= ttl) continue;
    setRenderedTtls(std::span(state_->arena).subspan(rrset.offset, rrset.size), ttl);
  }
  const ZoneNode& apex = state_->nodes[state_->apex_node];
  if (const ZoneRrset* signatures = state_->signaturesOf(apex, RrType::kSoa)) {
    const auto original = state_->view(*signatures).rendered;
    state_->negative_soa_signatures.assign(original.begin(), original.end());
    setRenderedTtls(state_->negative_soa_signatures, ttl);
  }
}

// Takes the NSEC3 RRsets and their signatures out of their nodes: no question finds them there
// (RFC 5155 §7.2.8).
void ZoneBuilder::takeNsec3(std::vector<DenialChain::Hashed>& out) {
  const std::size_t apex_labels = state_->apex.view().labelCount();
  for (std::uint32_t i = 0; i < state_->nodes.size(); ++i) {
    ZoneNode& node = state_->nodes[i];
    const ZoneRrset* found = state_->rrsetOf(node, RrType::kNsec3);
    if (found == nullptr) continue;
    const NameView name = state_->nameOf(node);
    if (name.labelCount() != apex_labels + 1) continue;
    const std::optional<Sha1> hash = hashOfLabel(name.firstLabel());
    if (!hash) continue;
    const ZoneRrset* signatures = state_->signaturesOf(node, RrType::kNsec3);
    for (const ZoneRrset* rrset : {found, signatures}) {
      if (rrset == nullptr) continue;
      state_->hashed_rrsets.emplace_back(i,
                                         static_cast<std::uint32_t>(rrset - state_->rrsets.data()));
    }
    const auto indexOf = [&](const ZoneRrset* rrset) {
      return rrset == nullptr ? kNoIndex
                              : static_cast<std::uint32_t>(rrset - state_->rrsets.data());
    };
    out.push_back({*hash, NodeIx(i), indexOf(found), indexOf(signatures)});
    std::uint32_t* link = &node.rrsets;
    while (*link != kNoIndex) {
      if (*link == out.back().record || *link == out.back().signatures) {
        *link = std::exchange(state_->rrsets[*link].next, kNoIndex);
      } else {
        link = &state_->rrsets[*link].next;
      }
    }
  }
}

// A name that had nothing but NSEC3, and nothing below it, is no name of the tree.
void ZoneBuilder::hideHashedNames(const std::vector<DenialChain::Hashed>& taken) {
  const std::size_t hashed_labels = state_->apex.view().labelCount() + 1;
  for (const DenialChain::Hashed& each : taken) {
    ZoneNode& node = state_->nodes[each.node.index()];
    if (node.rrsets == kNoIndex) node.flags |= kIsOccluded;
  }
  for (std::uint32_t i = 0; i < state_->nodes.size(); ++i) {
    const Name lowered = state_->loweredName(state_->nodes[i]);
    std::size_t labels = lowered.view().labelCount();
    if (labels <= hashed_labels) continue;
    NameView above = lowered;
    for (; labels > hashed_labels; --labels) above = above.parent();
    if (!hashOfLabel(above.firstLabel())) continue;
    ZoneNode& node = state_->nodes[state_->probe(above)];
    if (node.rrsets == kNoIndex) node.flags &= static_cast<std::uint8_t>(~kIsOccluded);
  }
}

}  // namespace meridian::dns
