#include "dns/answer/signed_answer.h"

namespace meridian::dns {

void SignedAnswer::turnOn(const Zone& zone, const Query& query, const Client& client,
                          const ServingState& state, ResponseWriter& out,
                          AnswerCounters& counters) {
  zone_ = &zone;
  out_ = &out;
  query_ = &query;
  unix_time_ = client.unix_time;
  made_ = &counters.signatures_made;
  online_ = nullptr;
  service_signatures_ = nullptr;
  denied_name_ = false;
  if (!proves_) return;
  denial_.begin(zone);
  if (!zone.denial()->isCompact()) return;
  // Others than ours may have signed it so, and then nobody here can deny anything.
  const LoadedZone* loaded = state.zones->at(zone.apex());
  if (loaded != nullptr) online_ = loaded->online.get();
}

bool SignedAnswer::addSignatures(NodeIx node, RrType type, std::uint16_t owner_offset) {
  RrsetView next = type != RrType::kRrsig ? RrsetView{} : zone_->rrset(node, type);
  while (!next.empty()) {
    const auto rdata = next.firstRdata();
    next = zone_->signaturesAfter(node, static_cast<RrType>(rdata[0] << 8 | rdata[1]));
    if (!next.empty() && !out_->add(Section::kAnswer, next, owner_offset)) return false;
  }
  if (!proves_) return true;
  if (online_ != nullptr && match_->kind == Zone::MatchKind::kWildcard) {
    return online().addSignatures(zone_->rrset(node, type), *name_, owner_offset);
  }
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

bool SignedAnswer::addServiceSignatures(const RrsetView& rrset, std::uint16_t owner_offset) {
  if (!proves_ || online_ == nullptr) return true;
  return online().addSignatures(rrset, *name_, owner_offset);
}

bool SignedAnswer::addCompactDenial(Section section, bool name_exists) {
  if (service_signatures_ != nullptr) {
    return out_->add(section, service_signatures_->denialOf(service_node_, query_->type), *name_);
  }
  return online().addDenial(section, *name_, typesHere(name_exists));
}

std::vector<RrType> SignedAnswer::typesHere(bool name_exists) const {
  if (!name_exists) return {RrType::kNxname};
  std::vector<RrType> out;
  if (match_->kind == Zone::MatchKind::kExact || match_->kind == Zone::MatchKind::kWildcard) {
    for (const RrsetView& rrset : zone_->rrsets(match_->node)) {
      if (!isMadeBySigning(rrset.type)) out.push_back(rrset.type);
    }
  }
  std::erase(out, query_->type);
  return out;
}

bool SignedAnswer::addNegative(bool name_exists) {
  if (!proves_) return true;
  const RrsetView signatures = zone_->negativeSoaSignatures();
  if (!signatures.empty() && !out_->add(Section::kAuthority, signatures, out_->lastOwnerOffset())) {
    return false;
  }
  if (online_ != nullptr &&
      (service_signatures_ != nullptr || !name_exists || match_->kind != Zone::MatchKind::kExact)) {
    denied_name_ = !name_exists;
    if (!name_exists && !query_->edns.compact_ok) out_->setRcode(Rcode::kNoError);
    return addCompactDenial(Section::kAuthority, name_exists);
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

bool SignedAnswer::asksForDenial() const {
  if (!proves_ || online_ == nullptr || query_->type != RrType::kNsec) return false;
  return service_signatures_ != nullptr || match_->kind != Zone::MatchKind::kExact;
}

bool SignedAnswer::addDenialAsAnswer(bool name_exists) {
  denied_name_ = !name_exists;
  out_->setRcode(Rcode::kNoError);
  return addCompactDenial(Section::kAnswer, name_exists);
}

}  // namespace meridian::dns
