#include "partition/site/site_document.h"

#include <nlohmann/json.hpp>

namespace meridian::partition {

Result<std::string> withAdminState(const std::string& document, std::string_view datacenter,
                                   AdminState state) {
  auto json = nlohmann::ordered_json::parse(document, nullptr, false);
  if (!json.is_object() || !json.contains("datacenters")) {
    return fail(ErrorKind::kCorrupt, "the topology document cannot be read");
  }
  for (auto& each : json["datacenters"]) {
    if (each.value("id", "") != datacenter) continue;
    each["admin_state"] = adminStateName(state);
    return json.dump(2);
  }
  return fail(ErrorKind::kNotFound, "there is no datacenter " + std::string(datacenter));
}

}  // namespace meridian::partition
