// Events of the high-availability framework in, and what became of them (docs/hooks.md, "Inbound").
#include <chrono>
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "partition/ha/ha_service.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::HaAnswer;
using partition::HaRefusal;
using partition::HaReply;
using partition::HaService;

struct HaStatus {
  int status;
  const char* error;  // nullptr: this is none
};

HaStatus haStatusOf(HaRefusal refusal) {
  switch (refusal) {
    case HaRefusal::kStaleEpoch:
      return {409, "conflict"};
    case HaRefusal::kExpired:
      return {410, "expired"};
    case HaRefusal::kFrozen:
      return {423, "frozen"};
    case HaRefusal::kNone:
      break;
  }
  return {202, nullptr};
}

Json haAnswerJson(const HaAnswer& answer) {
  Json out = {{"decision", partition::haDecisionName(answer.decision)},
              {"rule", answer.rule},
              {"text", answer.text},
              {"change_id", nullable(answer.change_id)}};
  if (answer.current_epoch) out["current_epoch"] = *answer.current_epoch;
  if (const HaStatus status = haStatusOf(answer.refusal); status.error != nullptr) {
    out["error"] = status.error;
    out["reason"] = answer.text;
  }
  return out;
}

// 429; in a batch, which has one status, a line says how long to wait.
HttpReply haLimitedReply(const HaReply& reply) {
  const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(reply.retry_after).count();
  HttpReply out = jsonReply({{"error", "too-many"},
                             {"reason", "too many events of this cluster, or of all: ha.* limits"},
                             {"event_id", reply.event_id},
                             {"retry_after_s", seconds}});
  out.status = 429;
  out.headers.emplace_back("Retry-After", std::to_string(seconds));
  return out;
}

HttpReply haReply(const HaReply& reply) {
  switch (reply.kind) {
    case HaReply::Kind::kMalformed:
      return invalidReply(reply.problems);
    case HaReply::Kind::kOtherBody:
      return refusedReply("other-body", "another event had this event_id");
    case HaReply::Kind::kStore:
      return errorReply(ErrorKind::kUnavailable, reply.answer.text);
    case HaReply::Kind::kLimited:
      return haLimitedReply(reply);
    case HaReply::Kind::kFirst:
    case HaReply::Kind::kAgain:
      break;
  }
  Json body = haAnswerJson(reply.answer);
  body["event_id"] = reply.event_id;
  HttpReply out = jsonReply(body);
  if (reply.kind == HaReply::Kind::kFirst) out.status = haStatusOf(reply.answer.refusal).status;
  return out;
}

// Lines that are not blank.
std::vector<std::string_view> haLines(std::string_view body) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    const std::string_view line = body.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) out.push_back(line);
    at = end + 1;
  }
  return out;
}

HttpReply takeHaBatch(HaService& ha, const ApiCall& call) {
  const std::vector<std::string_view> lines = haLines(call.http.body);
  if (lines.empty()) return errorReply(ErrorKind::kInvalid, "the body has no event");
  if (lines.size() > HaService::kMaxBatch) {
    return errorReply(ErrorKind::kTooLarge,
                      "a body has at most " + std::to_string(HaService::kMaxBatch) + " events");
  }
  HttpReply out;
  out.content_type = "application/x-ndjson";
  for (const HaReply& each : ha.take(lines, call.caller.name)) {
    const HttpReply reply = haReply(each);
    Json line = Json::parse(reply.body);
    line["event_id"] = nullable(each.event_id);
    line["status"] = reply.status;
    out.body += dumpJson(line) + "\n";
  }
  return out;
}

HttpReply takeHaEvents(HaService& ha, const ApiCall& call) {
  const HttpRequest& http = call.http;
  const std::string none;
  const Status admitted = ha.admit(call.caller.name, call.caller.role == Role::kAgent,
                                   {http.webhook_id ? *http.webhook_id : none,
                                    http.webhook_timestamp ? *http.webhook_timestamp : none,
                                    http.webhook_signature ? *http.webhook_signature : none},
                                   http.body);
  if (!admitted) return errorReply(admitted.error());
  const std::string type = http.content_type.value_or("");
  if (type.substr(0, type.find(';')) == "application/x-ndjson") return takeHaBatch(ha, call);
  return haReply(ha.take({http.body}, call.caller.name).front());
}

Json haRecordJson(const partition::HaRecord& record) {
  const partition::HaEvent& event = record.event;
  Json out = record.answered ? haAnswerJson(record.answer) : Json({{"decision", nullptr}});
  out.update({{"event_id", event.event_id},
              {"type", partition::haEventTypeName(event.type)},
              {"cluster", event.cluster},
              {"scope", partition::haScopeName(event.scope)},
              {"subjects", event.subjects},
              {"from", {{"host", event.from.host}, {"dc", event.from.dc}}},
              {"to", {{"host", event.to.host}, {"dc", nullable(event.to.dc)}}},
              {"reason_given", nullptr},
              {"expected_epoch", nullptr},
              {"auto", event.automatic},
              {"occurred_at", rfc3339(event.occurred_at)},
              {"expires_at", rfc3339(event.expires_at)},
              {"correlation_id", nullable(event.correlation_id)},
              {"sender", record.sender},
              {"received_at", rfc3339(record.received_at)}});
  if (event.reason) out["reason_given"] = partition::haReasonName(*event.reason);
  if (event.expected_epoch) out["expected_epoch"] = *event.expected_epoch;
  return out;
}

HttpReply listHaEvents(const HaService& ha, const ApiCall& call) {
  const auto limit = call.number("limit", 50, 1, 1000);
  if (!limit) return errorReply(limit.error());
  Json events = Json::array();
  ha.inbox().visit([&](const partition::HaRecord& record) {
    events.push_back(haRecordJson(record));
    return events.size() < *limit;
  });
  Json signals = Json::array();
  for (const partition::HaSignal& each : ha.board().all()) {
    signals.push_back({{"datacenter", each.dc},
                       {"type", partition::haEventTypeName(each.type)},
                       {"scope", partition::haScopeName(each.scope)},
                       {"cluster", each.cluster},
                       {"event_id", each.event_id},
                       {"since", rfc3339(each.since)},
                       {"occurred_at", rfc3339(each.occurred_at)}});
  }
  return jsonReply({{"events", std::move(events)},
                    {"signals", std::move(signals)},
                    {"kept", ha.inbox().size()},
                    {"dropped", ha.inbox().dropped()}});
}

Metric haMetric(const char* name, const char* help, double value,
                Metric::Type type = Metric::Type::kCounter) {
  return {name, help, type, {{{}, value}}};
}

}  // namespace

std::vector<Metric> haMetrics(const HaService& ha) {
  Metric events{
      "meridian_ha_events_total", "HA events by type and decision", Metric::Type::kCounter, {}};
  for (std::size_t i = 0; i < partition::kHaEventTypes; ++i) {
    const auto type = static_cast<partition::HaEventType>(i);
    for (std::size_t j = 0; j < partition::kHaDecisions; ++j) {
      const auto decision = static_cast<partition::HaDecision>(j);
      events.samples.push_back({{{"type", std::string(partition::haEventTypeName(type))},
                                 {"decision", std::string(partition::haDecisionName(decision))}},
                                static_cast<double>(ha.count(type, decision))});
    }
  }
  Metric rejected{
      "meridian_ha_rejected_total", "HA events that were not taken", Metric::Type::kCounter, {}};
  for (std::size_t i = 0; i < HaService::kRejections; ++i) {
    const auto reason = static_cast<HaService::Rejected>(i);
    rejected.samples.push_back({{{"reason", std::string(HaService::rejectedName(reason))}},
                                static_cast<double>(ha.rejected(reason))});
  }
  return {std::move(events),
          std::move(rejected),
          haMetric("meridian_ha_repeated_total", "HA events that were answered before",
                   static_cast<double>(ha.repeated())),
          haMetric("meridian_ha_events_dropped_total", "HA events forgotten early for want of room",
                   static_cast<double>(ha.inbox().dropped())),
          haMetric("meridian_ha_events_kept", "HA events whose answer is kept",
                   static_cast<double>(ha.inbox().size()), Metric::Type::kGauge),
          haMetric("meridian_ha_signals", "Signals of HA events in force",
                   static_cast<double>(ha.board().all().size()), Metric::Type::kGauge)};
}

void addHaRoutes(Router& router, HaService& ha) {
  router.add(
      {.method = HttpMethod::kPost,
       .path = "/v1/ha/events",
       .role = Role::kAgent,
       .handler = [&ha](const ApiCall& call, const auto&) { return takeHaEvents(ha, call); }});
  router.add(
      {.method = HttpMethod::kGet,
       .path = "/v1/ha/events",
       .query = {"limit"},
       .handler = [&ha](const ApiCall& call, const auto&) { return listHaEvents(ha, call); }});
}

}  // namespace meridian::admin
