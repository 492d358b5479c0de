// Tokens of ACME's DNS-01 challenge: present, clean up, list. The bodies are those that lego's
// "httpreq" sends, so that clients which know it need nothing else.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/zone_requests.h"
#include "base/log.h"
#include "dns/update/challenge_book.h"

namespace meridian::admin {
namespace {

using dns::Challenge;
using dns::ChallengeBook;
using dns::ZoneError;
using Json = nlohmann::json;

Json challengeJson(const Challenge& challenge) {
  return {{"fqdn", challenge.owner},
          {"value", challenge.value},
          {"actor", challenge.actor},
          {"created", rfc3339(challenge.created)},
          {"expires", rfc3339(challenge.expires)}};
}

HttpReply refusal(std::string_view event, const ApiCall& call, const dns::Name& owner,
                  const ZoneError& error) {
  logWarn(event,
          {{"name", owner.text()}, {"actor", call.caller.name}, {"why", error.error.message}});
  if (error.problems.empty()) return errorReply(error.error);
  return refusedReply("zone_edit", error.error.message, error.problems);
}

HttpReply present(ChallengeBook& book, const ApiCall& call) {
  const auto body = decodeChallenge(call.http.body);
  if (!body) return invalidReply(body.error());
  const auto done = book.present(body->owner, body->value, body->life, call.caller.name);
  if (!done) return refusal("challenge_refused", call, body->owner, done.error());
  logInfo(
      "challenge_presented",
      {{"name", done->owner}, {"actor", call.caller.name}, {"expires", rfc3339(done->expires)}});
  return jsonReply(challengeJson(*done));
}

HttpReply cleanUp(ChallengeBook& book, const ApiCall& call) {
  const auto body = decodeChallenge(call.http.body);
  if (!body) return invalidReply(body.error());
  const auto done = book.cleanUp(body->owner, body->value);
  if (!done) return refusal("challenge_not_removed", call, body->owner, done.error());
  logInfo("challenge_removed", {{"name", body->owner.text()}, {"actor", call.caller.name}});
  return jsonReply({{"removed", body->owner.text()}});
}

}  // namespace

void addAcmeRoutes(Router& router, ChallengeBook& book) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/acme",
              .handler = [&book](const auto&, const auto&) {
                Json list = Json::array();
                for (const Challenge& each : book.all()) list.push_back(challengeJson(each));
                return jsonReply({{"challenges", std::move(list)}});
              }});
  router.add(
      {.method = HttpMethod::kPost,
       .path = "/v1/acme/present",
       .role = Role::kOperator,
       .handler = [&book](const ApiCall& call, const auto&) { return present(book, call); }});
  router.add(
      {.method = HttpMethod::kPost,
       .path = "/v1/acme/cleanup",
       .role = Role::kOperator,
       .handler = [&book](const ApiCall& call, const auto&) { return cleanUp(book, call); }});
}

}  // namespace meridian::admin
