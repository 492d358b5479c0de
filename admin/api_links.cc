// Replication between sites: the DRC feed in, links out.
#include <array>
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "partition/drc/collector.h"
#include "partition/drc/feed_intake.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::FeedIntake;
using partition::FeedOutcome;
using partition::FeedReject;
using partition::FeedStream;
using partition::FeedTime;
using partition::LinkRecord;
using partition::LinkRow;

constexpr std::size_t kMaxShownRejections = 20;
constexpr std::uint64_t kMaxLinks = 1'000;

FeedTime nowOf(const Context& context) {
  return {context.clock.monotonicNow(), context.clock.wallNow()};
}

HttpReply feed(const Context& context, const ApiCall& call) {
  const bool bound = call.caller.role == Role::kAgent;
  FeedStream stream(context.drc, bound ? call.caller.name : std::string());
  const FeedTime now = nowOf(context);
  const std::string_view body = call.http.body;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::size_t number = 0;
  Json rejected = Json::array();
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    const auto result = stream.line(body.substr(at, end - at), now);
    at = end + 1;
    ++number;
    if (result.accepted) {
      ++accepted;
      continue;
    }
    ++refused;
    if (rejected.size() >= kMaxShownRejections) continue;
    rejected.push_back({{"line", number}, {"reason", result.reason}, {"text", result.text}});
  }
  return jsonReply({{"accepted", accepted},
                    {"rejected_total", refused},
                    {"rejected", std::move(rejected)},
                    {"ack", stream.ackSeq()}});
}

template <class T>
Json valueOrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string_view sideName(LinkRecord::Side side) {
  constexpr std::array<std::string_view, 3> kNames = {"target", "source", "other"};
  return kNames[static_cast<std::size_t>(side)];
}

Json reportJson(const LinkRecord::Report& report, MonotonicTime now) {
  const partition::LinkLine& line = report.line;
  return {{"agent", report.agent},
          {"side", sideName(report.side)},
          {"state", linkStateName(line.state)},
          {"lag_ms", valueOrNull(line.lag_ms)},
          {"age_ms", (now - report.measured_at).count()},
          {"reported_at", rfc3339(report.heard_wall)},
          {"src_pos", line.src_pos},
          {"applied_pos", line.applied_pos},
          {"gtid_gap", line.gtid_gap},
          {"hb_ts", line.hb_ts},
          {"last_event_ts", line.last_event_ts},
          {"conflicts",
           {{"total", line.conflicts.total},
            {"last_1m", line.conflicts.last_1m},
            {"unresolved", line.conflicts.unresolved}}}};
}

Json linkJson(const LinkRow& row, MonotonicTime now) {
  const partition::LinkView& view = row.view;
  Json reports = Json::array();
  for (const auto& each : row.record.reports()) reports.push_back(reportJson(each, now));
  Json history = Json::array();
  for (const partition::LinkSample& each : row.record.history()) {
    history.push_back({{"at", rfc3339(each.at)},
                       {"state", linkStateName(each.state)},
                       {"freshness", freshnessName(each.freshness)},
                       {"effective_lag_ms", valueOrNull(each.effective_lag_ms)}});
  }
  return {{"source", row.source},
          {"target", row.target},
          {"channel", row.channel},
          {"state", linkStateName(view.state)},
          {"freshness", freshnessName(view.freshness)},
          {"effective_lag_ms", valueOrNull(view.effective_lag_ms)},
          {"worst_lag_60s_ms", valueOrNull(view.worst_lag_60s_ms)},
          {"src_pos", view.src_pos},
          {"src_pos_age_ms", valueOrNull(view.src_pos_age_ms)},
          {"applied_pos", view.applied_pos},
          {"src_seq", view.src_seq},
          {"applied_seq", view.applied_seq},
          {"gtid_gap", view.gtid_gap},
          {"conflicts_growing", view.conflicts_growing},
          {"unresolved", view.unresolved},
          {"skew_ms", view.skew_ms},
          {"skewed", view.skewed},
          {"reports", std::move(reports)},
          {"history", std::move(history)}};
}

Json pullsJson(const Context& context) {
  Json out = Json::array();
  if (context.collector == nullptr) return out;
  for (std::size_t i = 0; i < context.collector->size(); ++i) {
    const partition::PullConfig& config = context.collector->config(i);
    const partition::PullStatus& status = context.collector->status(i);
    out.push_back(
        {{"agent", config.agent},
         {"dc", config.dc},
         {"url", config.url},
         {"state", pullStateName(status.state)},
         {"since", rfc3339(status.since)},
         {"polls", status.polls},
         {"failures", status.failures},
         {"failures_in_a_row", status.failures_in_a_row},
         {"last_failure", nullable(status.why)},
         {"answered_at", status.answered_at ? Json(rfc3339(*status.answered_at)) : Json(nullptr)}});
  }
  return out;
}

HttpReply links(const Context& context, const ApiCall& call) {
  const auto limit = call.number("limit", kMaxLinks, 1, kMaxLinks);
  if (!limit) return errorReply(limit.error());
  const partition::LinkFilter filter{call.parameter("source").value_or(""),
                                     call.parameter("target").value_or(""),
                                     call.parameter("channel").value_or("")};
  const FeedTime now = nowOf(context);
  Json rows = Json::array();
  bool more = false;
  context.drc.book().visit(filter, now.mono, [&](const LinkRow& row) {
    more = rows.size() >= *limit;
    if (!more) rows.push_back(linkJson(row, now.mono));
    return !more;
  });
  Json agents = Json::array();
  for (const partition::AgentStatus& each : context.drc.book().agents()) {
    agents.push_back({{"agent", each.agent},
                      {"dc", each.dc},
                      {"boot", each.boot},
                      {"seq", each.seq},
                      {"heard_at", rfc3339(each.heard_wall)}});
  }
  return jsonReply({{"now", rfc3339(now.wall)},
                    {"links", std::move(rows)},
                    {"more", more},
                    {"agents", std::move(agents)},
                    {"pulls", pullsJson(context)},
                    {"reads", readsJson(context.view())}});
}

Metric lineMetric(const FeedIntake& intake) {
  Metric out{.name = "meridian_drc_lines_total",
             .help = "Lines of the DRC feed by outcome and reason",
             .type = Metric::Type::kCounter,
             .samples = {}};
  const auto add = [&](std::string outcome, std::string_view reason, std::uint64_t count) {
    out.samples.push_back({{{"outcome", std::move(outcome)}, {"reason", std::string(reason)}},
                           static_cast<double>(count)});
  };
  add("accepted", "", intake.book().count(FeedOutcome::kAccepted));
  for (std::size_t i = 1; i < partition::kFeedOutcomes; ++i) {
    const auto outcome = static_cast<FeedOutcome>(i);
    add("refused", feedOutcomeName(outcome), intake.book().count(outcome));
  }
  for (std::size_t i = 0; i < partition::kFeedRejects; ++i) {
    const auto reason = static_cast<FeedReject>(i);
    add("malformed", feedRejectName(reason), intake.rejected(reason));
  }
  add("skipped", "unknown_type", intake.unknownTypes());
  return out;
}

void addPullMetrics(const partition::Collector& collector, std::vector<Metric>& out) {
  Metric up{.name = "meridian_drc_pull_up",
            .help = "1 while the agent's last poll brought its lines",
            .type = Metric::Type::kGauge,
            .samples = {}};
  Metric polls{.name = "meridian_drc_pulls_total",
               .help = "Polls of agents by outcome",
               .type = Metric::Type::kCounter,
               .samples = {}};
  for (std::size_t i = 0; i < collector.size(); ++i) {
    const std::string& agent = collector.config(i).agent;
    const partition::PullStatus& status = collector.status(i);
    up.samples.push_back({{{"agent", agent}}, status.state == partition::PullState::kUp ? 1.0 : 0});
    polls.samples.push_back(
        {{{"agent", agent}, {"outcome", "taken"}}, static_cast<double>(status.polls)});
    polls.samples.push_back(
        {{{"agent", agent}, {"outcome", "failed"}}, static_cast<double>(status.failures)});
  }
  out.push_back(std::move(up));
  out.push_back(std::move(polls));
}

}  // namespace

std::vector<Metric> linkMetrics(const Context& context) {
  const partition::LinkBook& book = context.drc.book();
  std::array<std::uint64_t, 3> by_freshness{};
  std::int64_t worst = 0;
  book.visit({}, context.clock.monotonicNow(), [&](const LinkRow& row) {
    ++by_freshness[static_cast<std::size_t>(row.view.freshness)];
    worst = std::max(worst, row.view.effective_lag_ms.value_or(0));
    return true;
  });
  Metric links{.name = "meridian_drc_links",
               .help = "Replication links by freshness of what is known of them",
               .type = Metric::Type::kGauge,
               .samples = {}};
  for (std::size_t i = 0; i < by_freshness.size(); ++i) {
    links.samples.push_back(
        {{{"freshness", std::string(freshnessName(static_cast<partition::Freshness>(i)))}},
         static_cast<double>(by_freshness[i])});
  }
  std::vector<Metric> out = {lineMetric(context.drc), std::move(links),
                             Metric{.name = "meridian_drc_worst_lag_ms",
                                    .help = "Largest effective lag of the links whose lag is known",
                                    .type = Metric::Type::kGauge,
                                    .samples = {{{}, static_cast<double>(worst)}}},
                             Metric{.name = "meridian_drc_agents",
                                    .help = "Agents that have reported in the last day",
                                    .type = Metric::Type::kGauge,
                                    .samples = {{{}, static_cast<double>(book.agents().size())}}}};
  if (context.collector != nullptr) addPullMetrics(*context.collector, out);
  out.push_back(readMetric(context.view()));
  return out;
}

void addLinkRoutes(Router& router, const Context& context) {
  router.add(
      {.method = HttpMethod::kPost,
       .path = "/v1/drc/feed",
       .role = Role::kAgent,
       .handler = [&context](const ApiCall& call, const auto&) { return feed(context, call); }});
  router.add(
      {.method = HttpMethod::kGet,
       .path = "/v1/links",
       .query = {"source", "target", "channel", "limit"},
       .handler = [&context](const ApiCall& call, const auto&) { return links(context, call); }});
}

}  // namespace meridian::admin
