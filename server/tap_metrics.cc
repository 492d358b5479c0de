#include "server/tap_metrics.h"

#include <string>
#include <utility>

namespace meridian::server {
namespace {

void addTapMetric(std::vector<admin::Metric>& out, const char* name, const char* help,
                  std::uint64_t value, admin::Metric::Type type = admin::Metric::Type::kCounter) {
  admin::Metric metric;
  metric.name = name;
  metric.help = help;
  metric.type = type;
  metric.samples.push_back({{}, static_cast<double>(value)});
  out.push_back(std::move(metric));
}

}  // namespace

void addTapMetrics(std::vector<admin::Metric>& out, const dns::TapThread* tap) {
  static const dns::CollectorCounters kNoCollector;
  static const dns::QueryLogCounters kNoLog;
  const dns::CollectorLink* const link = tap == nullptr ? nullptr : tap->collector();
  const dns::QueryLog* const log = tap == nullptr ? nullptr : tap->log();
  const dns::CollectorCounters& collector = link == nullptr ? kNoCollector : link->counters();
  const dns::QueryLogCounters& lines = log == nullptr ? kNoLog : log->counters();
  addTapMetric(out, "meridian_tap_told_total",
               "sampled queries that dnstap or the query log was told of",
               tap == nullptr ? 0 : tap->told());
  addTapMetric(out, "meridian_tap_dropped_total",
               "sampled queries that found the ring of their thread full",
               tap == nullptr ? 0 : tap->dropped());
  addTapMetric(out, "meridian_dnstap_written_total", "dnstap messages sent to the collector",
               collector.written.value());
  addTapMetric(out, "meridian_dnstap_lost_total",
               "dnstap messages that the collector did not get: it was not there, or too slow",
               collector.lost.value());
  addTapMetric(out, "meridian_dnstap_connected_total", "times that a collector took the connection",
               collector.connected.value());
  addTapMetric(out, "meridian_dnstap_failures_total",
               "connections to the collector that came to nothing, or were lost",
               collector.failures.value());
  addTapMetric(out, "meridian_dnstap_up", "1: connected to the collector",
               link != nullptr && link->up() ? 1 : 0, admin::Metric::Type::kGauge);
  addTapMetric(out, "meridian_query_log_lines_total", "lines of the query log that were written",
               lines.lines.value());
  addTapMetric(out, "meridian_query_log_lost_total", "lines that could not be written",
               lines.lost.value());
  addTapMetric(out, "meridian_query_log_failures_total",
               "times that the query log's file could not be opened or written",
               lines.failures.value());
}

}  // namespace meridian::server
