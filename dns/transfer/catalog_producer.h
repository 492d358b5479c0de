// CatalogProducer: keeps the catalogs that are made here (ZonePolicy::catalog; RFC 9432) as the
// zones are. To other servers they are zones as any other: transferred, and announced.
//
// Threads: the control thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "dns/zone/zone_policy.h"
#include "dns/zone/zone_service.h"

namespace meridian::dns {

class CatalogProducer {
 public:
  explicit CatalogProducer(ZoneService& zones) : zones_(zones) {}

  // Those of the moment, before any other call.
  void setPolicies(std::shared_ptr<const ZonePolicies> policies) {
    policies_ = std::move(policies);
  }
  // For ZoneService::onApexes, and once at the start: each catalog has the zones that it is to have
  // when this returns. What cannot be stored is told, and tried again at the next call.
  void update();
  // Each catalog, and how many members it has.
  const std::map<std::string, std::size_t>& sizes() const { return sizes_; }

 private:
  void update(const ZonePolicy& catalog);

  ZoneService& zones_;
  std::shared_ptr<const ZonePolicies> policies_;
  std::map<std::string, std::size_t> sizes_;
};

}  // namespace meridian::dns
