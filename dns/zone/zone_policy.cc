#include "dns/zone/zone_policy.h"

#include <algorithm>

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

bool ZonePolicies::allowUpdates() const {
  return std::any_of(policies_.begin(), policies_.end(),
                     [](const ZonePolicy& policy) { return !policy.update.empty(); });
}

bool ZonePolicies::sign() const {
  return std::any_of(policies_.begin(), policies_.end(),
                     [](const ZonePolicy& policy) { return policy.sign.has_value(); });
}

std::vector<const ZonePolicy*> ZonePolicies::secondaries() const {
  std::vector<const ZonePolicy*> out;
  for (const ZonePolicy& policy : policies_) {
    if (!policy.primaries.empty()) out.push_back(&policy);
  }
  return out;
}

bool ZonePolicies::isSecondary(NameView apex) const {
  const ZonePolicy& policy = of(apex);
  return !policy.primaries.empty() && policy.name == apex;
}

const ZonePolicy& ZonePolicies::of(NameView apex) const {
  static const ZonePolicy kNone;
  const ZonePolicy* closest = &kNone;
  for (const ZonePolicy& policy : policies_) {
    if (!apex.isWithin(policy.name)) continue;
    if (closest == &kNone || policy.name.view().size() > closest->name.view().size()) {
      closest = &policy;
    }
  }
  return *closest;
}

}  // namespace meridian::dns
