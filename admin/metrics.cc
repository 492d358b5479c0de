#include "admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace meridian::admin {
namespace {

prometheus::MetricFamily familyOf(const Metric& metric) {
  prometheus::MetricFamily out;
  out.name = metric.name;
  out.help = metric.help;
  const bool counter = metric.type == Metric::Type::kCounter;
  out.type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  for (const Metric::Sample& sample : metric.samples) {
    prometheus::ClientMetric& row = out.metric.emplace_back();
    for (const auto& [name, value] : sample.labels) row.label.push_back({name, value});
    (counter ? row.counter.value : row.gauge.value) = sample.value;
  }
  return out;
}

}  // namespace

std::string prometheusText(const std::vector<Metric>& metrics) {
  std::vector<prometheus::MetricFamily> families;
  families.reserve(metrics.size());
  for (const Metric& metric : metrics) families.push_back(familyOf(metric));
  const prometheus::TextSerializer serializer;
  const prometheus::Serializer& text = serializer;
  return text.Serialize(families);
}

std::vector<Metric> adminMetrics(const partition::MapSnapshot& map,
                                 const Router::Counters& counters) {
  Metric replies{.name = "meridian_admin_replies_total",
                 .help = "REST replies by HTTP status",
                 .type = Metric::Type::kCounter,
                 .samples = {}};
  for (const auto& [status, count] : counters.replies) {
    replies.samples.push_back({{{"status", std::to_string(status)}}, static_cast<double>(count)});
  }
  const auto single = [](std::string name, std::string help, Metric::Type type, double value) {
    return Metric{std::move(name), std::move(help), type, {{{}, value}}};
  };
  using enum Metric::Type;
  return {std::move(replies),
          single("meridian_admin_unauthorized_total", "Requests without a known token", kCounter,
                 static_cast<double>(counters.unauthorized)),
          single("meridian_admin_forbidden_total", "Requests whose token lacks the role", kCounter,
                 static_cast<double>(counters.forbidden)),
          single("meridian_table_rev", "Revision of the assignment table", kGauge,
                 static_cast<double>(map.table->rev)),
          single("meridian_topology_rev", "Revision that brought the topology", kGauge,
                 static_cast<double>(map.topology_rev))};
}

}  // namespace meridian::admin
