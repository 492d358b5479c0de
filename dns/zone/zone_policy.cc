#include "dns/zone/zone_policy.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"

namespace meridian::dns {

bool ZoneAccess::admits(const IpAddress& address, const TsigKey* signer) const {
  if (from && !from->contains(address)) return false;
  return !key || (signer != nullptr && signer->name == *key);
}

bool admits(const std::vector<ZoneAccess>& accesses, const IpAddress& address,
            const TsigKey* signer) {
  return std::any_of(accesses.begin(), accesses.end(),
                     [&](const ZoneAccess& each) { return each.admits(address, signer); });
}

ZonePolicies::ZonePolicies(std::vector<ZonePolicy> policies) {
  auto configured = std::make_shared<Configured>();
  configured->policies = std::move(policies);
  for (std::size_t i = 0; i < configured->policies.size(); ++i) {
    configured->by_name.emplace(asText(configured->policies[i].name.view().wire()), i);
  }
  configured_ = std::move(configured);
}

std::shared_ptr<const ZonePolicies> ZonePolicies::withMembers(
    std::shared_ptr<const MemberZones> members) const {
  auto out = std::make_shared<ZonePolicies>(*this);
  out->members_ = std::move(members);
  return out;
}

bool ZonePolicies::allowUpdates() const {
  return std::any_of(configured().begin(), configured().end(),
                     [](const ZonePolicy& policy) { return !policy.update.empty(); });
}

bool ZonePolicies::sign() const {
  return std::any_of(configured().begin(), configured().end(),
                     [](const ZonePolicy& policy) { return policy.sign.has_value(); });
}

// A catalog is for servers that know it from whom they trust.
bool ZonePolicies::signs(NameView apex) const {
  return of(apex).sign.has_value() && !isCatalog(apex);
}

std::vector<const ZonePolicy*> ZonePolicies::secondaries() const {
  std::vector<const ZonePolicy*> out;
  for (const ZonePolicy& policy : configured()) {
    if (!policy.primaries.empty()) out.push_back(&policy);
  }
  return out;
}

bool ZonePolicies::isSecondary(NameView apex) const {
  const ZonePolicy* policy = named(apex);
  return (policy != nullptr && !policy->primaries.empty()) || memberAt(apex) != nullptr;
}

const MemberZone* ZonePolicies::memberAt(NameView apex) const {
  if (members_->empty()) return nullptr;
  const auto found = members_->find(asText(apex.wire()));
  return found == members_->end() ? nullptr : &found->second;
}

bool ZonePolicies::isCatalog(NameView apex) const {
  const ZonePolicy* policy = named(apex);
  return policy != nullptr && (policy->catalog.has_value() || !policy->members.empty());
}

bool ZonePolicies::makesCatalog(NameView apex) const {
  const ZonePolicy* policy = named(apex);
  return policy != nullptr && policy->catalog.has_value();
}

const ZonePolicy* ZonePolicies::named(NameView apex) const {
  const auto found = configured_->by_name.find(asText(apex.wire()));
  return found == configured_->by_name.end() ? nullptr : &configured()[found->second];
}

const ZonePolicy& ZonePolicies::of(NameView apex) const {
  static const ZonePolicy kNone;
  if (const MemberZone* member = memberAt(apex)) return *member->policy;
  for (NameView name = apex;; name = name.parent()) {
    if (const ZonePolicy* policy = named(name)) return *policy;
    if (name.isRoot()) return kNone;
  }
}

}  // namespace meridian::dns
