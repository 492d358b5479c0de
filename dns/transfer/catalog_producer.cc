#include "dns/transfer/catalog_producer.h"

#include <vector>

#include "base/log.h"
#include "dns/zone/catalog.h"

namespace meridian::dns {

void CatalogProducer::update() {
  const auto policies = policies_;
  for (const ZonePolicy& policy : policies->configured()) {
    if (policy.catalog) update(policy);
  }
}

void CatalogProducer::update(const ZonePolicy& catalog) {
  const std::shared_ptr<const ZoneSet> zones = zones_.zones();
  std::vector<CatalogMember> members;
  for (std::size_t i = 0; i < zones->size(); ++i) {
    const NameView apex = (*zones)[i].zone->apex();
    if (policies_->isCatalog(apex)) continue;
    if (!catalog.catalog->lists(apex, !policies_->isSecondary(apex))) continue;
    members.push_back({Name(apex), "", catalog.catalog->groupsOf(apex)});
  }
  const std::string name = catalog.name.text();
  const auto changed = zones_.listMembers(catalog.name, members);
  if (!changed) {
    logError("catalog_not_made", {{"catalog", name},
                                  {"why", changed.error().error.message},
                                  {"next", "it is tried again when zones come or go"}});
    return;
  }
  sizes_[name] = members.size();
  if (changed->before != changed->after) {
    logInfo("catalog_made", {{"catalog", name},
                             {"members", std::to_string(members.size())},
                             {"serial_before", std::to_string(changed->before)},
                             {"serial", std::to_string(changed->after)}});
  }
}

}  // namespace meridian::dns
