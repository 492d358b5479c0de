#include "partition/hooks/hook_codec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "partition/stored_json.h"

namespace meridian::partition {
namespace {

using Json = nlohmann::json;

Json lagOf(const HookCall& call) {
  return call.lag_ms ? Json(*call.lag_ms) : Json(nullptr);
}

}  // namespace

std::string idempotencyKey(const HookCall& call, std::string_view hook) {
  return call.change_id + ":" + std::string(hookPhaseName(call.phase)) + ":" + std::string(hook);
}

std::string hookPayload(const HookCall& call, std::string_view hook, unsigned attempt) {
  return storedText({{"change_id", call.change_id},
                     {"phase", hookPhaseName(call.phase)},
                     {"attempt", attempt},
                     {"idempotency_key", idempotencyKey(call, hook)},
                     {"subject", call.subject},
                     {"kind", call.kind},
                     {"mode", call.mode},
                     {"from", call.from},
                     {"to", call.to},
                     {"from_dc", call.from_dc},
                     {"to_dc", call.to_dc},
                     {"epoch_old", call.epoch_old},
                     {"epoch_new", call.epoch_new},
                     {"rev", call.rev},
                     {"barrier", call.barrier.empty() ? Json(nullptr) : Json(call.barrier)},
                     {"lag", {{"effective_ms", lagOf(call)}}},
                     {"deadline", rfc3339(call.deadline)},
                     {"emergency", call.emergency},
                     {"holds", call.holds},
                     {"dry_run", call.dry_run}});
}

std::vector<std::pair<std::string, std::string>> hookEnvironment(const HookCall& call,
                                                                 std::string_view hook,
                                                                 unsigned attempt) {
  return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
          {"GEO_CHANGE_ID", call.change_id},
          {"GEO_PHASE", std::string(hookPhaseName(call.phase))},
          {"GEO_ATTEMPT", std::to_string(attempt)},
          {"GEO_IDEMPOTENCY_KEY", idempotencyKey(call, hook)},
          {"GEO_SUBJECT", call.subject},
          {"GEO_KIND", call.kind},
          {"GEO_MODE", call.mode},
          {"GEO_FROM", call.from},
          {"GEO_TO", call.to},
          {"GEO_FROM_DC", call.from_dc},
          {"GEO_TO_DC", call.to_dc},
          {"GEO_EPOCH_OLD", std::to_string(call.epoch_old)},
          {"GEO_EPOCH_NEW", std::to_string(call.epoch_new)},
          {"GEO_REV", std::to_string(call.rev)},
          {"GEO_BARRIER", call.barrier},
          {"GEO_LAG_MS", call.lag_ms ? std::to_string(*call.lag_ms) : ""},
          {"GEO_DEADLINE", rfc3339(call.deadline)},
          {"GEO_EMERGENCY", call.emergency ? "1" : "0"},
          {"GEO_HOLDS", fmt::format("{}", fmt::join(call.holds, "\n"))},
          {"GEO_DRY_RUN", call.dry_run ? "1" : "0"}};
}

std::string encodeCall(const HookCall& call) {
  return storedText({{"change_id", call.change_id},
                     {"phase", hookPhaseName(call.phase)},
                     {"subject", call.subject},
                     {"kind", call.kind},
                     {"mode", call.mode},
                     {"from", call.from},
                     {"to", call.to},
                     {"from_dc", call.from_dc},
                     {"to_dc", call.to_dc},
                     {"epoch_old", call.epoch_old},
                     {"epoch_new", call.epoch_new},
                     {"rev", call.rev},
                     {"barrier", call.barrier},
                     {"lag_ms", lagOf(call)},
                     {"budget_ms", call.budget.count()},
                     {"deadline_ms", unixMillis(call.deadline)},
                     {"emergency", call.emergency},
                     {"honour_veto", call.honour_veto},
                     {"holds", call.holds},
                     {"dry_run", call.dry_run}});
}

Result<HookCall> decodeCall(std::string_view text) {
  // Written by encodeCall(): a member that is missing or of another type is damage, which one
  // exception reports for all of them.
  try {
    const Json json = Json::parse(text);
    HookCall call;
    const auto phase = hookPhaseOf(json.at("phase").get<std::string>());
    if (!phase) return fail(ErrorKind::kCorrupt, "a stored call has an unknown phase");
    call.phase = *phase;
    call.change_id = json.at("change_id").get<std::string>();
    call.subject = json.at("subject").get<std::string>();
    call.kind = json.at("kind").get<std::string>();
    call.mode = json.at("mode").get<std::string>();
    call.from = json.at("from").get<std::string>();
    call.to = json.at("to").get<std::string>();
    call.from_dc = json.at("from_dc").get<std::string>();
    call.to_dc = json.at("to_dc").get<std::string>();
    call.epoch_old = json.at("epoch_old").get<Epoch>();
    call.epoch_new = json.at("epoch_new").get<Epoch>();
    call.rev = json.at("rev").get<Rev>();
    call.barrier = json.at("barrier").get<std::string>();
    if (!json.at("lag_ms").is_null()) call.lag_ms = json.at("lag_ms").get<std::int64_t>();
    call.budget = std::chrono::milliseconds(json.at("budget_ms").get<std::int64_t>());
    call.deadline = WallTime(std::chrono::milliseconds(json.at("deadline_ms").get<std::int64_t>()));
    call.emergency = json.at("emergency").get<bool>();
    call.honour_veto = json.at("honour_veto").get<bool>();
    call.dry_run = json.at("dry_run").get<bool>();
    // Calls of before there were holds do not have it.
    if (json.contains("holds")) call.holds = json.at("holds").get<std::vector<std::string>>();
    return call;
  } catch (const Json::exception& wrong) {
    return fail(ErrorKind::kCorrupt, std::string("a stored call cannot be read: ") + wrong.what());
  }
}

}  // namespace meridian::partition
