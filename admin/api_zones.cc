// DNS zones: list and reload.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "base/log.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;

HttpReply zonesReply(const std::vector<DnsZoneInfo>& zones) {
  Json list = Json::array();
  for (const DnsZoneInfo& zone : zones) {
    list.push_back({{"name", zone.name},
                    {"file", zone.file},
                    {"serial", zone.serial},
                    {"records", zone.records},
                    {"loaded_at", rfc3339(zone.loaded_at)}});
  }
  return jsonReply({{"zones", std::move(list)}});
}

HttpReply reload(const Context& context, const ApiCall& call) {
  const auto zones = context.zones.reload();
  if (!zones) {
    logWarn("zones_reload_refused",
            {{"actor", call.caller.name}, {"errors", std::to_string(zones.error().size())}});
    return refusedReply("zone_files", "the zone files have errors; the old zones go on serving",
                        zones.error());
  }
  logInfo("zones_reloaded",
          {{"actor", call.caller.name}, {"zones", std::to_string(zones->size())}});
  return zonesReply(*zones);
}

}  // namespace

void addZoneRoutes(Router& router, const Context& context) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/zones",
              .handler = [&context](const ApiCall&, const auto&) {
                return zonesReply(context.zones.list());
              }});
  router.add(
      {.method = HttpMethod::kPost,
       .path = "/v1/zones/reload",
       .role = Role::kOperator,
       .handler = [&context](const ApiCall& call, const auto&) { return reload(context, call); }});
}

}  // namespace meridian::admin
