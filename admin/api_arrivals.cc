// Arrivals in, as routers of eZones count them; and which old eZones must still forward.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "partition/traffic/arrivals.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::ArrivalBook;
using partition::ArrivalOutcome;

constexpr std::size_t kMaxArrivalBody = std::size_t{1} << 20;
constexpr std::size_t kMaxShownArrivals = 20;

// Takes reports of one request in and counts what becomes of them.
class ArrivalBody {
 public:
  ArrivalBody(const Context& context, ArrivalBook& book)
      : book_(book),
        map_(context.map.current()),
        ids_(map_),
        now_{context.clock.monotonicNow(), context.clock.wallNow()} {}

  // The body is one report.
  HttpReply one(const Checked<partition::ArrivalReport>& report) {
    if (!report) {
      book_.refuse(ArrivalOutcome::kMalformed);
      return invalidReply(report.error());
    }
    const ArrivalOutcome outcome = book_.report(*report, ids_, now_);
    if (outcome == ArrivalOutcome::kAccepted) return jsonReply(summary(1));
    return refusedReply(arrivalOutcomeName(outcome), arrivalOutcomeText(outcome));
  }

  HttpReply lines(std::string_view body) {
    std::size_t accepted = 0;
    std::size_t number = 0;
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t end = std::min(body.find('\n', at), body.size());
      std::string_view line = body.substr(at, end - at);
      at = end + 1;
      ++number;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (!line.empty() && take(line, number)) ++accepted;
    }
    return jsonReply(summary(accepted));
  }

 private:
  bool take(std::string_view line, std::size_t number) {
    const auto report = partition::decodeArrivalReport(line, "request");
    if (!report) {
      book_.refuse(ArrivalOutcome::kMalformed);
      refuse(number, ArrivalOutcome::kMalformed, report.error().entries().front().text());
      return false;
    }
    const ArrivalOutcome outcome = book_.report(*report, ids_, now_);
    if (outcome == ArrivalOutcome::kAccepted) return true;
    refuse(number, outcome, std::string(arrivalOutcomeText(outcome)));
    return false;
  }
  void refuse(std::size_t line, ArrivalOutcome reason, const std::string& text) {
    ++refused_;
    if (rejected_.size() >= kMaxShownArrivals) return;
    rejected_.push_back({{"line", line}, {"reason", arrivalOutcomeName(reason)}, {"text", text}});
  }
  Json summary(std::size_t accepted) const {
    return {{"accepted", accepted}, {"rejected_total", refused_}, {"rejected", rejected_}};
  }

  ArrivalBook& book_;
  partition::MapSnapshot map_;
  partition::ArrivalIds ids_;
  partition::ArrivalTime now_;
  std::size_t refused_ = 0;
  Json rejected_ = Json::array();
};

HttpReply takeArrivals(const Context& context, ArrivalBook& book, const ApiCall& call) {
  const std::string& body = call.http.body;
  if (body.size() > kMaxArrivalBody) {
    return errorReply(ErrorKind::kTooLarge,
                      fmt::format("a body of arrivals has at most {} bytes", kMaxArrivalBody));
  }
  ArrivalBody intake(context, book);
  const bool one_line = body.find('\n') >= body.size() - std::min<std::size_t>(body.size(), 1);
  const auto whole = parseJson(body, "request");
  if (whole) return intake.one(partition::decodeArrivalReport(*whole, "request"));
  if (one_line) return intake.one(tl::unexpected(whole.error()));
  return intake.lines(body);
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
