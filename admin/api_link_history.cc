// The past of one link of the DRC feed.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "partition/drc/link_history.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::HistoryRow;
using partition::LinkHistory;

constexpr std::uint64_t kMaxHistoryRows = 5'000;
constexpr std::uint64_t kLastMoment = 253'402'300'799'999;  // the end of year 9999, ms since 1970

template <class T>
Json knownOrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json historyRowJson(const HistoryRow& row) {
  return {{"at", rfc3339(row.at)},
          {"at_ms", unixMillis(row.at)},
          {"state", linkStateName(row.state)},
          {"worst_state", linkStateName(row.worst_state)},
          {"freshness", freshnessName(row.freshness)},
          {"last_lag_ms", knownOrNull(row.last_lag_ms)},
          {"max_lag_ms", knownOrNull(row.max_lag_ms)},
          {"unknown_s", row.unknown_s},
          {"conflicts", row.conflicts},
          {"unresolved", row.unresolved}};
}

HttpReply linkPast(const Context& context, LinkHistory& history, const ApiCall& call) {
  const auto all = std::chrono::hours(history.policy().keep_hours);
  const auto oldest = std::max<std::int64_t>(0, unixMillis(context.clock.wallNow() - all));
  const auto since = call.number("since", static_cast<std::uint64_t>(oldest), 0, kLastMoment);
  if (!since) return errorReply(since.error());
  const auto limit = call.number("limit", 1'440, 1, kMaxHistoryRows);
  if (!limit) return errorReply(limit.error());
  const std::string& source = call.params.at("source");
  const std::string& target = call.params.at("target");
  const std::string& channel = call.params.at("channel");
  const auto page =
      history.read({source, target, channel}, WallTime(std::chrono::milliseconds(*since)), *limit);
  if (!page) return errorReply(page.error());
  bool known = !page->rows.empty();
  context.drc.book().visit({source, target, channel}, context.clock.monotonicNow(),
                           [&](const partition::LinkRow&) {
                             known = true;
                             return false;
                           });
  if (!known) {
    return errorReply(ErrorKind::kNotFound, "nobody has reported this link in that time");
  }
  Json rows = Json::array();
  for (const HistoryRow& each : page->rows) rows.push_back(historyRowJson(each));
  const std::int64_t next = page->more ? unixMillis(page->rows.back().at) + 1 : 0;
  return jsonReply({{"source", source},
                    {"target", target},
                    {"channel", channel},
                    {"every_s", history.policy().every.count()},
                    {"rows", std::move(rows)},
                    {"next_since", page->more ? Json(next) : Json(nullptr)}});
}

}  // namespace

void addLinkHistoryRoutes(Router& router, const Context& context, LinkHistory& history) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/links/{source}/{target}/{channel}/history",
              .query = {"since", "limit"},
              .handler = [&context, &history](const ApiCall& call, const auto&) {
                return linkPast(context, history, call);
              }});
}

std::vector<Metric> linkHistoryMetrics(const LinkHistory& history) {
  const auto single = [](std::string name, std::string help, Metric::Type type, double value) {
    return Metric{std::move(name), std::move(help), type, {{{}, value}}};
  };
  Metric rows{.name = "meridian_drc_history_rows_total",
              .help = "Rows of the links' history by what became of them",
              .type = Metric::Type::kCounter,
              .samples = {}};
  const auto add = [&](std::string outcome, std::uint64_t count) {
    rows.samples.push_back({{{"outcome", std::move(outcome)}}, static_cast<double>(count)});
  };
  add("written", history.rowsWritten());
  add("lost", history.rowsLost());
  add("left_out", history.linksLeftOut());
  add("unreadable", history.rowsUnreadable());
  return {std::move(rows), single("meridian_drc_history_hours", "Hours of which there is history",
                                  Metric::Type::kGauge, static_cast<double>(history.hours()))};
}

}  // namespace meridian::admin
