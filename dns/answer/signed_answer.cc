#include "dns/answer/signed_answer.h"

namespace meridian::dns {

bool SignedAnswer::addSignatures(NodeIx node, RrType type, std::uint16_t owner_offset) {
  RrsetView next = type != RrType::kRrsig ? RrsetView{} : zone_->rrset(node, type);
  while (!next.empty()) {
    const auto rdata = next.firstRdata();
    next = zone_->signaturesAfter(node, static_cast<RrType>(rdata[0] << 8 | rdata[1]));
    if (!next.empty() && !out_->add(Section::kAnswer, next, owner_offset)) return false;
  }
  if (!proves_) return true;
  const RrsetView signatures = zone_->signatures(node, type);
  if (!signatures.empty() && !out_->add(Section::kAnswer, signatures, owner_offset)) return false;
  if (match_->kind == Zone::MatchKind::kWildcard) {
    denial_.addExpanded(*name_, match_->encloser_labels);
  }
  return true;
}

bool SignedAnswer::addDelegationSigner(NodeIx cut, NameView cut_name, std::uint16_t owner_offset) {
  if (!proves_) return true;
  const RrsetView signer = zone_->rrset(cut, RrType::kDs);
  if (signer.empty()) {
    denial_.addNoType(cut_name);
    return finish();
  }
  if (!out_->add(Section::kAuthority, signer, owner_offset)) return false;
  const RrsetView signatures = zone_->signatures(cut, RrType::kDs);
  if (!signatures.empty() && !out_->add(Section::kAuthority, signatures, owner_offset))
    return false;
  return finish();
}

void SignedAnswer::addGlueSignatures(NodeIx node, RrType type) {
  if (!proves_) return;
  const RrsetView signatures = zone_->signatures(node, type);
  if (!signatures.empty()) {
    out_->add(Section::kAdditional, signatures, out_->lastOwnerOffset());
  }
}

bool SignedAnswer::addNegative() {
  if (!proves_) return true;
  const RrsetView signatures = zone_->negativeSoaSignatures();
  if (!signatures.empty() && !out_->add(Section::kAuthority, signatures, out_->lastOwnerOffset())) {
    return false;
  }
  if (match_->kind == Zone::MatchKind::kNxDomain) {
    denial_.addNoName(*name_, match_->encloser_labels);
  } else if (match_->kind == Zone::MatchKind::kWildcard) {
    denial_.addNoTypeAtWildcard(*name_, match_->encloser_labels);
  } else {
    denial_.addNoType(*name_);
  }
  return true;
}

}  // namespace meridian::dns
