// Which zones a catalog lists: the table [dns.zones.catalog] of the configuration
// (docs/catalogs.md).
#pragma once

#include <optional>

#include "base/config_reader.h"
#include "dns/zone/catalog.h"

namespace meridian::server {

// Reads the table "catalog" of one of "dns.zones"; every error goes to the reader's diagnostics.
// nullopt: there is none.
std::optional<dns::CatalogRule> decodeCatalogRule(ObjectReader& zone);

// A group's name, as a TXT record has it (RFC 9432 §4.3.2).
Status isCatalogGroup(std::string_view text);

}  // namespace meridian::server
