// Arrivals in, as routers of eZones count them; and which old eZones must still forward.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/report_body.h"
#include "partition/traffic/arrivals.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::ArrivalBook;
using partition::ArrivalOutcome;

HttpReply takeArrivals(const Context& context, ArrivalBook& book, const ApiCall& call) {
  const partition::MapSnapshot map = context.map.current();
  const partition::ArrivalIds ids(map);
  const partition::ArrivalTime now{context.clock.monotonicNow(), context.clock.wallNow()};
  const auto offer =
      [&](const Checked<partition::ArrivalReport>& report) -> Checked<ReportVerdict> {
    if (!report) return tl::unexpected(report.error());
    const ArrivalOutcome outcome = book.report(*report, ids, now);
    return ReportVerdict{outcome == ArrivalOutcome::kAccepted, arrivalOutcomeName(outcome),
                         arrivalOutcomeText(outcome)};
  };
  return takeReports(
      call.http.body,
      {"arrivals",
       [&](const ConfigNode& node) {
         return offer(partition::decodeArrivalReport(node, "request"));
       },
       [&](std::string_view line) {
         return offer(partition::decodeArrivalReport(line, "request"));
       },
       [&] {
         book.refuse(ArrivalOutcome::kMalformed);
         return ReportVerdict{false, arrivalOutcomeName(ArrivalOutcome::kMalformed), {}};
       }});
}

HttpReply forwarders(const Context& context) {
  Json rows = Json::array();
  for (const partition::Forwarder& each : context.changes.forwarders()) {
    rows.push_back({{"subject", each.subject},
                    {"from", each.from},
                    {"to", each.to},
                    {"epoch", each.epoch},
                    {"change_id", partition::changeId(each.change)},
                    {"until", rfc3339(each.until)}});
  }
  return jsonReply({{"now", rfc3339(context.clock.wallNow())}, {"forwarders", std::move(rows)}});
}

}  // namespace

std::vector<Metric> arrivalMetrics(const Context& context) {
  std::vector<Metric> out;
  out.push_back({.name = "meridian_forwarders",
                 .help = "Subjects that an old eZone must still forward",
                 .type = Metric::Type::kGauge,
                 .samples = {{{}, static_cast<double>(context.changes.forwarders().size())}}});
  if (context.arrivals == nullptr) return out;
  Metric reports{.name = "meridian_arrival_reports_total",
                 .help = "Reports of arrivals by outcome",
                 .type = Metric::Type::kCounter,
                 .samples = {}};
  for (std::size_t i = 0; i < partition::kArrivalOutcomes; ++i) {
    const auto outcome = static_cast<ArrivalOutcome>(i);
    reports.samples.push_back({{{"outcome", std::string(arrivalOutcomeName(outcome))}},
                               static_cast<double>(context.arrivals->count(outcome))});
  }
  out.push_back(std::move(reports));
  return out;
}

void addForwarderRoutes(Router& router, const Context& context) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/forwarders",
              .handler = [&context](const ApiCall&, const auto&) { return forwarders(context); }});
}

void addArrivalRoutes(Router& router, const Context& context, ArrivalBook& arrivals) {
  router.add({.method = HttpMethod::kPost,
              .path = "/v1/arrivals",
              .role = Role::kAgent,
              .handler = [&context, &arrivals](const ApiCall& call, const auto&) {
                return takeArrivals(context, arrivals, call);
              }});
}

}  // namespace meridian::admin
