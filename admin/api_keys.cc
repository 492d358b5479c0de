// The keys that DNS zones are signed with here: list, roll, DS at the parent, import, export.
#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/key_requests.h"
#include "admin/reply.h"
#include "base/log.h"
#include "dns/sign/key_file.h"
#include "dns/sign/key_service.h"
#include "dns/zone/zone_service.h"

namespace meridian::admin {
namespace {

using dns::KeyChange;
using dns::KeyOutlook;
using dns::KeyRecord;
using dns::KeyService;
using dns::Name;
using Json = nlohmann::json;

Json timeJson(const std::optional<WallTime>& time) {
  return time ? Json(rfc3339(*time)) : Json(nullptr);
}

// Never its private half.
Json keyJson(const Name& apex, const KeyService::Shown& shown, const KeyRecord& record) {
  const KeyOutlook outlook =
      shown.policy ? dns::outlookOf(shown.keys, record, *shown.policy) : KeyOutlook{};
  const bool comes = outlook.next != dns::KeyEvent::kNone;
  return {
      {"tag", record.tag()},
      {"role", dns::keyRoleName(record.role)},
      {"algorithm", dns::algorithmName(record.key->algorithm())},
      {"state", dns::keyStateName(record.state)},
      {"made", rfc3339(record.made)},
      {"since", rfc3339(record.since)},
      {"next", comes ? Json(dns::keyEventName(outlook.next)) : Json(nullptr)},
      {"next_at", timeJson(outlook.at)},
      {"waits_for", nullable(outlook.waits_for)},
      {"ds_seen_at", timeJson(record.ds_seen)},
      {"ds", dns::signsKeys(record.role) ? Json(dns::dsText(apex, *record.key)) : Json(nullptr)},
      {"dnskey", dns::dnskeyText(*record.key)}};
}

HttpReply noKeyReply(const Name& apex) {
  return errorReply(ErrorKind::kNotFound, "no key of zone " + apex.text() +
                                              " is here: no [dns.zones.sign] is about it, and none "
                                              "was imported");
}

HttpReply listKeys(const KeyService& keys, const Name& apex) {
  const auto shown = keys.show(apex);
  if (!shown) return noKeyReply(apex);
  Json list = Json::array();
  for (const KeyRecord& each : shown->keys.keys) list.push_back(keyJson(apex, *shown, each));
  return jsonReply({{"zone", apex.text()},
                    {"signed_here", shown->policy.has_value()},
                    {"keys", std::move(list)}});
}

HttpReply keyErrorReply(const Error& error) {
  return error.kind == ErrorKind::kRefused ? refusedReply("zone_keys", error.message)
                                           : errorReply(error);
}

// Who has done what to which key, and why: in the log, done or refused.
HttpReply keyChangedReply(std::string_view event, const ApiCall& call, const Name& apex,
                          std::string_view what, const std::string& reason,
                          const Result<KeyChange>& change) {
  if (!change) {
    logWarn(std::string(event) + "_refused", {{"zone", apex.text()},
                                              {"actor", call.caller.name},
                                              {"what", std::string(what)},
                                              {"why", change.error().message}});
    return keyErrorReply(change.error());
  }
  if (change->changed) {
    logInfo(event, {{"zone", apex.text()},
                    {"actor", call.caller.name},
                    {"what", std::string(what)},
                    {"key", std::to_string(change->tag)},
                    {"reason", reason}});
  }
  return jsonReply({{"zone", apex.text()}, {"tag", change->tag}, {"changed", change->changed}});
}

HttpReply rollKey(KeyService& keys, const ApiCall& call, const Name& apex) {
  const auto body = decodeKeyRoll(call.http.body);
  if (!body) return invalidReply(body.error());
  return keyChangedReply("zone_key_roll", call, apex, dns::keyRoleName(body->role), body->reason,
                         keys.roll(apex, body->role));
}

HttpReply dsSeen(KeyService& keys, const ApiCall& call, const Name& apex) {
  const auto body = decodeDsSeen(call.http.body);
  if (!body) return invalidReply(body.error());
  return keyChangedReply("zone_key_ds_seen", call, apex, std::to_string(body->tag), body->reason,
                         keys.dsSeen(apex, body->tag));
}

Result<KeyChange> importFiles(const Context& context, KeyService& keys, const Name& apex,
                              const KeyImportBody& body) {
  if (context.zones.zones()->at(apex) == nullptr) {
    return fail(ErrorKind::kNotFound, "no zone " + apex.text());
  }
  const auto read = dns::readKeyFiles(body.record, body.secret);
  if (!read) return tl::unexpected(read.error());
  if (read->owner != apex) {
    return fail(ErrorKind::kInvalid, "the key is of the zone " + read->owner.text());
  }
  if (Status usable = dns::mayBeUsed(*read, context.clock.wallNow()); !usable) {
    return tl::unexpected(usable.error());
  }
  return keys.import(apex, read->key, body.role, read->made);
}

HttpReply importKey(const Context& context, KeyService& keys, const ApiCall& call,
                    const Name& apex) {
  const auto body = decodeKeyImport(call.http.body);
  if (!body) return invalidReply(body.error());
  return keyChangedReply("zone_key_import", call, apex, dns::keyRoleName(body->role), body->reason,
                         importFiles(context, keys, apex, *body));
}

const KeyRecord* keyIn(const KeyService& keys, const Name& apex, std::string_view text) {
  const auto shown = keys.show(apex);
  std::uint16_t tag = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tag);
  const bool is_tag = error == std::errc() && end == text.data() + text.size();
  return shown && is_tag ? shown->keys.find(tag) : nullptr;
}

HttpReply exportKey(const KeyService& keys, const ApiCall& call, const Name& apex) {
  const auto reason = decodeKeyExport(call.http.body);
  if (!reason) return invalidReply(reason.error());
  const std::string& tag = call.params.at("tag");
  const KeyRecord* record = keyIn(keys, apex, tag);
  if (record == nullptr) {
    return errorReply(ErrorKind::kNotFound, "zone " + apex.text() + " has no key " + tag + " here");
  }
  // A warning: from now on somebody else can sign for the zone.
  logWarn("zone_key_export",
          {{"zone", apex.text()}, {"actor", call.caller.name}, {"key", tag}, {"reason", *reason}});
  const dns::KeyFiles files = dns::writeKeyFiles(apex, *record);
  HttpReply reply = jsonReply({{"zone", apex.text()},
                               {"name", files.name},
                               {"key", files.record},
                               {"private", files.secret}});
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

}  // namespace

void addKeyRoutes(Router& router, const Context& context, dns::KeyService& keys) {
  const auto add = [&](HttpMethod method, const char* path, Role role, auto handler) {
    router.add({.method = method,
                .path = path,
                .role = role,
                .handler = [handler](const ApiCall& call, const auto&) -> HttpReply {
                  const auto name = Name::parse(call.params.at("name"));
                  if (!name) return errorReply(name.error().within("zone"));
                  return handler(call, name->lowered());
                }});
  };
  add(HttpMethod::kGet, "/v1/zones/{name}/keys", Role::kViewer,
      [&keys](const ApiCall&, const Name& apex) { return listKeys(keys, apex); });
  add(HttpMethod::kPost, "/v1/zones/{name}/keys/roll", Role::kOperator,
      [&keys](const ApiCall& call, const Name& apex) { return rollKey(keys, call, apex); });
  add(HttpMethod::kPost, "/v1/zones/{name}/keys/ds-seen", Role::kOperator,
      [&keys](const ApiCall& call, const Name& apex) { return dsSeen(keys, call, apex); });
  add(HttpMethod::kPost, "/v1/zones/{name}/keys/import", Role::kAdmin,
      [&context, &keys](const ApiCall& call, const Name& apex) {
        return importKey(context, keys, call, apex);
      });
  add(HttpMethod::kPost, "/v1/zones/{name}/keys/{tag}/export", Role::kAdmin,
      [&keys](const ApiCall& call, const Name& apex) { return exportKey(keys, call, apex); });
}

std::vector<Metric> keyMetrics(const Context& context, const dns::KeyService& keys) {
  constexpr dns::KeyRole kRoles[] = {dns::KeyRole::kKsk, dns::KeyRole::kZsk, dns::KeyRole::kCsk};
  constexpr dns::KeyState kStates[] = {dns::KeyState::kPublished, dns::KeyState::kReady,
                                       dns::KeyState::kActive, dns::KeyState::kRetired};
  std::array<std::array<double, 4>, 3> counts{};
  keys.forEach([&](const Name&, const KeyService::Shown& shown) {
    for (const KeyRecord& each : shown.keys.keys) {
      ++counts[static_cast<std::size_t>(each.role)][static_cast<std::size_t>(each.state)];
    }
  });
  using enum Metric::Type;
  Metric states{.name = "meridian_dnssec_keys",
                .help = "Keys of zones that are signed here, by role and state",
                .type = kGauge,
                .samples = {}};
  Metric rolls{.name = "meridian_dnssec_key_rolls_total",
               .help = "Rolls of keys: begun, and ended, with the successor in place",
               .type = kCounter,
               .samples = {}};
  for (const dns::KeyRole role : kRoles) {
    const auto at = static_cast<std::size_t>(role);
    const std::string name(dns::keyRoleName(role));
    for (const dns::KeyState state : kStates) {
      states.samples.push_back({{{"role", name}, {"state", std::string(dns::keyStateName(state))}},
                                counts[at][static_cast<std::size_t>(state)]});
    }
    rolls.samples.push_back({{{"role", name}, {"outcome", "begun"}},
                             static_cast<double>(keys.counters().rolls_begun[at])});
    rolls.samples.push_back({{{"role", name}, {"outcome", "ended"}},
                             static_cast<double>(keys.counters().rolls_ended[at])});
  }
  Metric failures{.name = "meridian_dnssec_key_failures_total",
                  .help = "Steps of keys that could not be stored, and keys that could not be made",
                  .type = kCounter,
                  .samples = {{{}, static_cast<double>(keys.counters().failures)}}};
  Metric next{.name = "meridian_dnssec_key_next_step_seconds",
              .help = "Until the next step of a key that waits for time alone; absent: none does",
              .type = kGauge,
              .samples = {}};
  if (const auto at = keys.nextStep()) {
    const std::chrono::duration<double> left = *at - context.clock.wallNow();
    next.samples.push_back({{}, std::max(left.count(), 0.0)});
  }
  std::vector<Metric> out{std::move(states), std::move(rolls), std::move(failures)};
  if (!next.samples.empty()) out.push_back(std::move(next));
  return out;
}

}  // namespace meridian::admin
