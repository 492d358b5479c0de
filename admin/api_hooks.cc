// Hooks: what is configured (never a secret), what waits, and dead letters.
#include <charconv>
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "base/log.h"
#include "partition/hooks/hook_codec.h"
#include "partition/hooks/hook_runner.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::HookConfig;
using partition::HookCounters;
using partition::OutboundHooks;

Json hookJson(const HookConfig& hook, const HookCounters& counters) {
  Json phases = Json::array();
  for (std::size_t i = 0; i < partition::kHookPhases; ++i) {
    const auto phase = static_cast<partition::HookPhase>(i);
    if (hook.in(phase)) phases.push_back(partition::hookPhaseName(phase));
  }
  return {{"id", hook.id},
          {"url", hook.url.empty() ? Json(nullptr) : Json(hook.url)},
          {"exec", hook.exec.empty() ? Json(nullptr) : Json(hook.exec)},
          {"phases", std::move(phases)},
          {"mode", partition::hookModeName(hook.mode)},
          {"on_error", partition::hookOnErrorName(hook.on_error)},
          {"timeout_ms", hook.timeout.count()},
          {"max_attempts", hook.max_attempts},
          {"veto", hook.veto},
          {"signed", !hook.secret_files.empty()},
          {"attempts", counters.attempts},
          {"allowed", counters.allowed},
          {"vetoed", counters.vetoed},
          {"deferred", counters.deferred},
          {"errors", counters.errors},
          {"dead_letters", counters.dead_letters}};
}

HttpReply hooksReply(const OutboundHooks& hooks) {
  Json list = Json::array();
  for (std::size_t i = 0; i < hooks.hooks().size(); ++i)
    list.push_back(hookJson(hooks.hooks()[i], hooks.counters()[i]));
  return jsonReply({{"hooks", std::move(list)},
                    {"waiting", hooks.outbox().waiting().size()},
                    {"dead_letters", hooks.outbox().dead().size()}});
}

HttpReply deadLettersReply(const OutboundHooks& hooks) {
  Json list = Json::array();
  for (const auto& [id, letter] : hooks.outbox().dead()) {
    list.push_back({{"id", id},
                    {"hook", letter.hook},
                    {"change_id", letter.call.change_id},
                    {"phase", partition::hookPhaseName(letter.call.phase)},
                    {"idempotency_key", partition::idempotencyKey(letter.call, letter.hook)},
                    {"attempts", letter.attempts},
                    {"written_at", rfc3339(letter.written_at)},
                    {"given_up_at", rfc3339(letter.next_at)},
                    {"last_error", letter.last_error}});
  }
  return jsonReply({{"dead_letters", std::move(list)}});
}

// What an operator does with one dead letter.
HttpReply onLetter(const ApiCall& call, OutboundHooks& hooks, std::string_view verb,
                   Status (OutboundHooks::*act)(std::uint64_t)) {
  const std::string& text = call.params.at("id");
  std::uint64_t id = 0;
  const char* const end = text.data() + text.size();
  if (const auto read = std::from_chars(text.data(), end, id);
      read.ec != std::errc() || read.ptr != end)
    return errorReply(ErrorKind::kNotFound, "a dead letter's id is a number");
  if (const Status done = (hooks.*act)(id); !done) return errorReply(done.error());
  logInfo("hook_dead_letter_handled",
          {{"id", text}, {"done", std::string(verb)}, {"actor", call.caller.name}});
  return jsonReply({{"id", id}, {"done", verb}});
}

}  // namespace

std::vector<Metric> hookMetrics(const OutboundHooks& hooks) {
  Metric attempts{"meridian_hook_attempts_total",
                  "Attempts of hooks by what came of them",
                  Metric::Type::kCounter,
                  {}};
  Metric letters{"meridian_hook_dead_letters_total",
                 "Messages to hooks that were given up",
                 Metric::Type::kCounter,
                 {}};
  for (std::size_t i = 0; i < hooks.hooks().size(); ++i) {
    const std::string& id = hooks.hooks()[i].id;
    const HookCounters& counters = hooks.counters()[i];
    for (const auto& [result, count] : {std::pair("allowed", counters.allowed),
                                        {"vetoed", counters.vetoed},
                                        {"deferred", counters.deferred},
                                        {"error", counters.errors}}) {
      attempts.samples.push_back({{{"hook", id}, {"result", result}}, static_cast<double>(count)});
    }
    letters.samples.push_back({{{"hook", id}}, static_cast<double>(counters.dead_letters)});
  }
  const auto gauge = [](const char* name, const char* help, std::size_t value) {
    return Metric{name, help, Metric::Type::kGauge, {{{}, static_cast<double>(value)}}};
  };
  return {std::move(attempts), std::move(letters),
          gauge("meridian_hook_waiting", "Messages to hooks that wait to be delivered",
                hooks.outbox().waiting().size()),
          gauge("meridian_hook_dead_letters", "Messages to hooks that somebody must look at",
                hooks.outbox().dead().size())};
}

void addHookRoutes(Router& router, OutboundHooks& hooks) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/hooks",
              .handler = [&hooks](const ApiCall&, const auto&) { return hooksReply(hooks); }});
  router.add(
      {.method = HttpMethod::kGet,
       .path = "/v1/hooks/dead-letters",
       .handler = [&hooks](const ApiCall&, const auto&) { return deadLettersReply(hooks); }});
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/hooks/dead-letters/{id}/requeue",
              .role = Role::kOperator,
              .handler = [&hooks](const ApiCall& call, const auto&) {
                return onLetter(call, hooks, "requeued", &OutboundHooks::requeue);
              }});
  router.add({.method = HttpMethod::kDelete,
              .path = "/v1/hooks/dead-letters/{id}",
              .role = Role::kOperator,
              .handler = [&hooks](const ApiCall& call, const auto&) {
                return onLetter(call, hooks, "dropped", &OutboundHooks::drop);
              }});
}

}  // namespace meridian::admin
