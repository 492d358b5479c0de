// The journal: versions, differences, rollback.
#include <charconv>
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/requests.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::Rev;

constexpr Rev kMaxRev = Rev{1} << 62;
constexpr std::uint64_t kMaxListed = 1000;

Result<Rev> revOf(const ApiCall& call) {
  const std::string& text = call.params.at("rev");
  Rev rev = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rev);
  if (error != std::errc{} || end != text.data() + text.size() || rev < 1 || rev > kMaxRev) {
    return fail(ErrorKind::kNotFound, "no version is called " + text + "; versions are numbers");
  }
  return rev;
}

Json movesJson(const std::vector<partition::AssignmentMove>& moves) {
  Json out = Json::array();
  for (const auto& move : moves) out.push_back(moveJson(move));
  return out;
}

HttpReply list(const Context& context, const ApiCall& call) {
  const auto limit = call.number("limit", 50, 1, kMaxListed);
  if (!limit) return errorReply(limit.error());
  const auto before = call.number("before", 0, 1, kMaxRev);
  if (!before) return errorReply(before.error());
  const auto records = context.map.journal().list(*before, *limit);
  if (!records) return errorReply(records.error());
  Json out = Json::array();
  for (const auto& record : *records) out.push_back(recordJson(record));
  return jsonReply({{"rev", context.map.current().table->rev}, {"versions", std::move(out)}});
}

HttpReply one(const Context& context, const ApiCall& call) {
  const auto rev = revOf(call);
  if (!rev) return errorReply(rev.error());
  const auto record = context.map.journal().read(*rev);
  if (!record) return errorReply(record.error());
  if (!*record) {
    return errorReply(ErrorKind::kNotFound, "the journal has no version " + std::to_string(*rev));
  }
  return jsonReply(recordJson(**record));
}

HttpReply differences(const Context& context, const ApiCall& call) {
  for (const char* name : {"from", "to"}) {
    if (!call.parameter(name)) {
      return errorReply(ErrorKind::kInvalid, std::string(name) + " is missing");
    }
  }
  const auto from = call.number("from", 0, 1, kMaxRev);
  if (!from) return errorReply(from.error());
  const auto to = call.number("to", 0, 1, kMaxRev);
  if (!to) return errorReply(to.error());
  const auto moves = context.map.journal().differences(*from, *to);
  if (!moves) return errorReply(moves.error());
  return jsonReply({{"from", *from}, {"to", *to}, {"differences", movesJson(*moves)}});
}

HttpReply rollback(const Context& context, const ApiCall& call) {
  const auto rev = revOf(call);
  if (!rev) return errorReply(rev.error());
  const auto body = decodeRollback(call.http.body);
  if (!body) return invalidReply(body.error());
  const auto result =
      context.map.rollback(*rev, body->expected_rev, body->reason, call.caller.name, body->dry_run);
  if (!result) return mapErrorReply(result.error());
  return jsonReply({{"rev", result->rev},
                    {"applied", result->applied},
                    {"moves", movesJson(result->moves)},
                    {"left", result->left}});
}

}  // namespace

void addVersionRoutes(Router& router, const Context& context) {
  router.add(
      {.method = HttpMethod::kGet,
       .path = "/v1/versions",
       .query = {"limit", "before"},
       .handler = [&context](const ApiCall& call, const auto&) { return list(context, call); }});
  router.add(
      {.method = HttpMethod::kGet,
       .path = "/v1/versions/{rev}",
       .handler = [&context](const ApiCall& call, const auto&) { return one(context, call); }});
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/versions/diff",
              .query = {"from", "to"},
              .handler = [&context](const ApiCall& call, const auto&) {
                return differences(context, call);
              }});
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/versions/{rev}/rollback",
              .role = Role::kOperator,
              .handler = [&context](const ApiCall& call, const auto&) {
                return rollback(context, call);
              }});
}

}  // namespace meridian::admin
