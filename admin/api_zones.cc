// DNS zones: list, reload, export, edit, replace, remove.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/zone_requests.h"
#include "base/log.h"
#include "dns/transfer/catalog_consumer.h"
#include "dns/transfer/secondary_service.h"
#include "dns/zone/loader.h"
#include "dns/zone/zone_service.h"
#include "dns/zone/zone_text.h"

namespace meridian::admin {
namespace {

using dns::LoadedZone;
using dns::Name;
using dns::ZoneChanged;
using dns::ZoneError;
using Json = nlohmann::json;

constexpr std::size_t kMaxExportBytes = std::size_t{64} << 20;

Json timeOrNull(const std::optional<WallTime>& time) {
  return time ? Json(rfc3339(*time)) : Json();
}

// Of a zone that comes from primaries; null: it does not.
Json secondaryJson(const Context& context, dns::NameView apex) {
  const auto status =
      context.secondaries == nullptr ? std::nullopt : context.secondaries->statusOf(apex);
  if (!status) return {};
  Json primaries = Json::array();
  for (const dns::ZonePrimary& each : status->primaries) primaries.push_back(each.address.text());
  return {{"primaries", std::move(primaries)},
          {"state", dns::availabilityName(status->availability)},
          {"refreshing", status->under_way},
          {"refreshed", timeOrNull(status->refreshed)},
          {"next_refresh", timeOrNull(status->next)},
          {"expires", timeOrNull(status->expires)},
          {"last_error", nullable(status->last_error)}};
}

// The catalog that brought the zone; null: none did.
Json catalogJson(const Context& context, dns::NameView apex) {
  return context.catalogs == nullptr ? Json() : nullable(context.catalogs->catalogOf(apex));
}

Json zoneJson(const Context& context, const LoadedZone& loaded) {
  return {{"name", loaded.zone->apex().text()},
          {"file", nullable(loaded.file)},
          {"source", dns::zoneSourceName(loaded.source)},
          {"serial", loaded.zone->serial()},
          {"records", loaded.zone->recordCount()},
          {"steps", loaded.history ? loaded.history->steps().size() : 0},
          {"loaded_at", rfc3339(loaded.loaded_at)},
          {"secondary", secondaryJson(context, loaded.zone->apex())},
          {"catalog", catalogJson(context, loaded.zone->apex())}};
}

HttpReply zonesReply(const Context& context) {
  Json list = Json::array();
  const dns::ZoneSet& zones = *context.zones.zones();
  for (std::size_t i = 0; i < zones.size(); ++i) list.push_back(zoneJson(context, zones[i]));
  return jsonReply({{"zones", std::move(list)}});
}

HttpReply zoneErrorReply(std::string_view rule, const ZoneError& error) {
  const ErrorKind kind = error.error.kind;
  if (kind != ErrorKind::kInvalid && kind != ErrorKind::kRefused) return errorReply(error.error);
  return refusedReply(rule, error.error.message, error.problems);
}

// Answers, and leaves a line in the log of who changed what, from what to what, and why.
HttpReply changedReply(std::string_view event, const ApiCall& call, const Name& apex,
                       const std::string& reason, const dns::ZoneResult<ZoneChanged>& changed,
                       std::string_view rule) {
  if (!changed) {
    logWarn(std::string(event) + "_refused", {{"zone", apex.text()},
                                              {"actor", call.caller.name},
                                              {"why", changed.error().error.message}});
    return zoneErrorReply(rule, changed.error());
  }
  if (changed->before != changed->after) {
    logInfo(event, {{"zone", apex.text()},
                    {"actor", call.caller.name},
                    {"reason", reason},
                    {"serial_before", std::to_string(changed->before)},
                    {"serial", std::to_string(changed->after)}});
  }
  return jsonReply({{"zone", apex.text()},
                    {"serial_before", changed->before},
                    {"serial", changed->after},
                    {"changed", changed->before != changed->after}});
}

// The zone that the path names, lower-cased.
Result<Name> apexOf(const ApiCall& call) {
  const auto name = Name::parse(call.params.at("name"));
  if (!name) return tl::unexpected(name.error().within("zone"));
  return name->lowered();
}

HttpReply reloadAll(const Context& context, const ApiCall& call) {
  const auto done = context.zones.reloadAll();
  if (!done) {
    logWarn("zones_reload_refused", {{"actor", call.caller.name},
                                     {"errors", std::to_string(done.error().problems.size())}});
    return zoneErrorReply("zone_files", done.error());
  }
  logInfo("zones_reloaded",
          {{"actor", call.caller.name}, {"zones", std::to_string(context.zones.zones()->size())}});
  return zonesReply(context);
}

HttpReply reloadOne(const Context& context, const ApiCall& call, const Name& apex) {
  const auto body = decodeZoneReload(call.http.body);
  if (!body) return invalidReply(body.error());
  return changedReply("zone_reloaded", call, apex, "reload",
                      context.zones.reload(apex, body->edits), "zone_file");
}

HttpReply edit(const Context& context, const ApiCall& call, const Name& apex) {
  const auto body = decodeZoneEdit(call.http.body, apex);
  if (!body) return invalidReply(body.error());
  return changedReply("zone_edited", call, apex, body->reason, context.zones.edit(body->edit),
                      "zone_edit");
}

HttpReply replace(const Context& context, const ApiCall& call, const Name& apex) {
  const auto body = decodeZoneText(call.http.body);
  if (!body) return invalidReply(body.error());
  auto zone = dns::parseZone(body->zone, "zone");
  if (!zone) return invalidReply(zone.error());
  if ((*zone)->apex() != apex) {
    return errorReply(ErrorKind::kInvalid, "the text is of the zone " + (*zone)->apex().text());
  }
  return changedReply("zone_replaced", call, apex, body->reason,
                      context.zones.replace(std::move(*zone)), "zone_text");
}

HttpReply remove(const Context& context, const ApiCall& call, const Name& apex) {
  if (const auto removed = context.zones.remove(apex); !removed) {
    return zoneErrorReply("zone_file", removed.error());
  }
  logInfo("zone_removed", {{"zone", apex.text()}, {"actor", call.caller.name}});
  return jsonReply({{"removed", apex.text()}});
}

HttpReply refresh(const Context& context, const ApiCall& call, const Name& apex) {
  const auto body = decodeZoneRefresh(call.http.body);
  if (!body) return invalidReply(body.error());
  if (context.secondaries == nullptr || !context.secondaries->refresh(apex, body->whole)) {
    return errorReply(ErrorKind::kNotFound,
                      "no zone " + apex.text() + " that comes from primaries");
  }
  logInfo(
      "zone_refresh_asked_for",
      {{"zone", apex.text()}, {"actor", call.caller.name}, {"whole", body->whole ? "yes" : "no"}});
  return jsonReply({{"refreshing", apex.text()}, {"whole", body->whole}});
}

HttpReply show(const Context& context, const Name& apex, bool as_text) {
  const LoadedZone* loaded = context.zones.zones()->at(apex);
  if (loaded == nullptr) return errorReply(ErrorKind::kNotFound, "no zone " + apex.text());
  if (!as_text) return jsonReply(zoneJson(context, *loaded));
  if (loaded->availability == dns::Availability::kNeverLoaded) {
    return errorReply(ErrorKind::kNotFound, "the zone has not come from its primaries yet");
  }
  auto text = dns::zoneText(*loaded->editable(), kMaxExportBytes);
  if (!text) return errorReply(text.error());
  return {.body = std::move(*text), .content_type = "text/dns"};
}

using ZoneHandler = HttpReply (*)(const Context&, const ApiCall&, const Name&);

RouteHandler onZone(const Context& context, ZoneHandler handler) {
  return [&context, handler](const ApiCall& call, const auto&) -> HttpReply {
    const Result<Name> apex = apexOf(call);
    return apex ? handler(context, call, *apex) : errorReply(apex.error());
  };
}

}  // namespace

void addZoneRoutes(Router& router, const Context& context) {
  const auto add = [&](HttpMethod method, const char* path, Role role, ZoneHandler handler) {
    router.add({.method = method, .path = path, .role = role, .handler = onZone(context, handler)});
  };
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/zones",
              .handler = [&context](const auto&, const auto&) { return zonesReply(context); }});
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/zones/reload",
              .role = Role::kOperator,
              .handler = [&context](const ApiCall& call, const auto&) {
                return reloadAll(context, call);
              }});
  add(HttpMethod::kGet, "/v1/zones/{name}", Role::kViewer,
      [](const Context& in, const ApiCall&, const Name& apex) { return show(in, apex, false); });
  add(HttpMethod::kGet, "/v1/zones/{name}/file", Role::kViewer,
      [](const Context& in, const ApiCall&, const Name& apex) { return show(in, apex, true); });
  add(HttpMethod::kPost, "/v1/zones/{name}/reload", Role::kOperator, reloadOne);
  add(HttpMethod::kPost, "/v1/zones/{name}/rrsets", Role::kOperator, edit);
  add(HttpMethod::kPost, "/v1/zones/{name}/refresh", Role::kOperator, refresh);
  add(HttpMethod::kPut, "/v1/zones/{name}", Role::kOperator, replace);
  add(HttpMethod::kDelete, "/v1/zones/{name}", Role::kOperator, remove);
}

}  // namespace meridian::admin
