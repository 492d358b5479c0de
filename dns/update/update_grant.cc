#include "dns/update/update_grant.h"

#include <algorithm>

namespace meridian::dns {
namespace {

bool isStar(NameView name) {
  return name.firstLabel().size() == 1 && name.firstLabel()[0] == '*';
}

// Label by label up to the star, then what follows it must be the end.
bool matchesPattern(NameView pattern, NameView owner) {
  while (!pattern.isRoot() && !isStar(pattern)) {
    if (owner.isRoot() || !std::ranges::equal(pattern.firstLabel(), owner.firstLabel())) {
      return false;
    }
    pattern = pattern.parent();
    owner = owner.parent();
  }
  if (pattern.isRoot() || owner.isRoot()) return false;
  return owner.parent().isWithin(pattern.parent());
}

bool isFor(const UpdateGrant& grant, const Updater& updater) {
  if (!grant.key && grant.networks.empty()) return false;
  if (grant.key && (!updater.key || *updater.key != grant.key->view())) return false;
  return grant.networks.empty() || grant.networks.contains(updater.address);
}

bool covers(const UpdateGrant& grant, const Updater& updater, NameView owner) {
  switch (grant.names) {
    case UpdateGrant::Names::kExact:
      return owner == grant.name.view();
    case UpdateGrant::Names::kBelow:
      return owner.isWithin(grant.name);
    case UpdateGrant::Names::kSelf:
      return updater.key && owner == *updater.key;
    case UpdateGrant::Names::kPattern:
      break;
  }
  return matchesPattern(grant.name, owner);
}

bool covers(const UpdateGrant& grant, RrType type) {
  return grant.types.empty() ||
         std::find(grant.types.begin(), grant.types.end(), type) != grant.types.end();
}

}  // namespace

bool mayUpdate(std::span<const UpdateGrant> grants, const Updater& updater, NameView owner,
               RrType type) {
  return std::any_of(grants.begin(), grants.end(), [&](const UpdateGrant& grant) {
    return isFor(grant, updater) && covers(grant, updater, owner) && covers(grant, type);
  });
}

const UpdateRecord* firstForbidden(std::span<const UpdateGrant> grants, const Updater& updater,
                                   const Update& update) {
  for (const UpdateRecord& record : update.updates) {
    if (!mayUpdate(grants, updater, record.owner.lowered(), record.type)) return &record;
  }
  return nullptr;
}

}  // namespace meridian::dns
