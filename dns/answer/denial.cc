#include "dns/answer/denial.h"

#include <algorithm>

namespace meridian::dns {
namespace {

// The ancestor of `name` that has this many labels.
NameView ancestorOf(NameView name, std::size_t labels) {
  for (std::size_t have = name.labelCount(); have > labels; --have) name = name.parent();
  return name;
}

}  // namespace

void Denial::add(DenialIx record) {
  const auto end = records_.begin() + static_cast<std::ptrdiff_t>(count_);
  if (count_ == records_.size() || std::find(records_.begin(), end, record.value) != end) return;
  records_[count_++] = record.value;
}

// Proves that the encloser exists and that nothing does one label below it on the way to `name`
// (RFC 5155 §7.2.1). Opt-out leaves names out of the chain that only lead to unsigned delegations:
// then an encloser further up does. Returns the encloser that was proved.
NameView Denial::addEncloser(NameView name, NameView encloser) {
  std::size_t labels = encloser.labelCount();
  for (;; encloser = encloser.parent(), --labels) {
    const Sha1 hash = chain_->hash(encloser);
    const DenialIx found = chain_->find(hash);
    const bool matches = chain_->matches(found, hash);
    if (matches) add(found);
    // The apex is in every chain.
    if (matches || encloser == zone_->apex()) break;
  }
  addHashed(ancestorOf(name, labels + 1));
  return encloser;
}

void Denial::addWildcard(NameView encloser) {
  std::array<std::uint8_t, kMaxName + 2> wire{1, '*'};
  std::copy(encloser.wire().begin(), encloser.wire().end(), wire.begin() + 2);
  const NameView wildcard(std::span<const std::uint8_t>(wire).first(encloser.size() + 2));
  if (chain_->isHashed()) {
    addHashed(wildcard);
  } else {
    add(chain_->find(wildcard));
  }
}

void Denial::addNoType(NameView name) {
  // An empty non-terminal has no NSEC: the one before it says that something lies below
  // (RFC 4035 §3.1.3.1).
  if (!chain_->isHashed()) return add(chain_->find(name));
  const Sha1 hash = chain_->hash(name);
  const DenialIx found = chain_->find(hash);
  if (chain_->matches(found, hash)) return add(found);
  // Left out by opt-out (RFC 5155 §7.2.4, §7.2.7).
  if (!(name == zone_->apex())) addEncloser(name, name.parent());
}

void Denial::addNoName(NameView name, std::size_t encloser_labels) {
  NameView encloser = ancestorOf(name, encloser_labels);
  if (chain_->isHashed()) {
    encloser = addEncloser(name, encloser);
  } else {
    add(chain_->find(name));
  }
  addWildcard(encloser);
}

void Denial::addExpanded(NameView name, std::size_t encloser_labels) {
  if (!chain_->isHashed()) return add(chain_->find(name));
  addHashed(ancestorOf(name, encloser_labels + 1));
}

void Denial::addNoTypeAtWildcard(NameView name, std::size_t encloser_labels) {
  const NameView encloser = ancestorOf(name, encloser_labels);
  if (chain_->isHashed()) {
    addEncloser(name, encloser);
  } else {
    add(chain_->find(name));
  }
  addWildcard(encloser);
}

bool Denial::write(ResponseWriter& out) {
  for (std::size_t i = 0; i < count_; ++i) {
    const DenialIx record(records_[i]);
    if (!out.add(Section::kAuthority, chain_->rrset(record), chain_->owner(record))) return false;
    const RrsetView signatures = chain_->signatures(record);
    if (!signatures.empty() && !out.add(Section::kAuthority, signatures, out.lastOwnerOffset())) {
      return false;
    }
  }
  count_ = 0;
  return true;
}

}  // namespace meridian::dns
