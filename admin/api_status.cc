// Liveness, readiness, metrics.
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/metrics.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;

HttpReply livez(const Context& context) {
  return jsonReply({{"status", "live"}, {"now", rfc3339(context.clock.wallNow())}});
}

HttpReply readyz(const Context& context) {
  const std::vector<std::string> missing = context.not_ready();
  const partition::Rev rev = context.map.current().table->rev;
  if (missing.empty()) return jsonReply({{"status", "ready"}, {"rev", rev}});
  HttpReply reply = jsonReply({{"error", "unavailable"},
                               {"reason", "not every part serves yet"},
                               {"missing", missing},
                               {"rev", rev}});
  reply.status = 503;
  return reply;
}

HttpReply metrics(const Context& context, const Router& router) {
  std::vector<Metric> all = context.metrics.collect();
  all.push_back({"meridian_topology_file_invalid",
                 "1: the topology file was missing or invalid at the start",
                 Metric::Type::kGauge,
                 {{{}, context.topology_file_invalid ? 1.0 : 0.0}}});
  for (Metric& each : adminMetrics(context.map.current(), router.counters())) {
    all.push_back(std::move(each));
  }
  for (Metric& each : linkMetrics(context)) all.push_back(std::move(each));
  if (context.link_history != nullptr) {
    for (Metric& each : linkHistoryMetrics(*context.link_history)) all.push_back(std::move(each));
  }
  for (Metric& each : healthMetrics(context.health, *context.map.current().topology)) {
    all.push_back(std::move(each));
  }
  for (Metric& each : arrivalMetrics(context)) all.push_back(std::move(each));
  for (Metric& each : poolMetrics(context.view())) all.push_back(std::move(each));
  if (context.keys != nullptr) {
    for (Metric& each : keyMetrics(context, *context.keys)) all.push_back(std::move(each));
  }
  if (context.hooks != nullptr) {
    for (Metric& each : hookMetrics(*context.hooks)) all.push_back(std::move(each));
  }
  if (context.ha != nullptr) {
    for (Metric& each : haMetrics(*context.ha)) all.push_back(std::move(each));
  }
  if (context.balancer != nullptr) {
    for (Metric& each : loadMetrics(context, *context.balancer)) all.push_back(std::move(each));
  }
  if (context.consumers != nullptr) {
    for (Metric& each : consumerMetrics(context, *context.consumers))
      all.push_back(std::move(each));
  }
  HttpReply reply;
  reply.body = prometheusText(all);
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return reply;
}

}  // namespace

void addStatusRoutes(Router& router, const Context& context) {
  router.add({.method = HttpMethod::kGet,
              .path = "/livez",
              .role = std::nullopt,
              .handler = [&context](const ApiCall&, const auto&) { return livez(context); }});
  router.add({.method = HttpMethod::kGet,
              .path = "/readyz",
              .role = std::nullopt,
              .handler = [&context](const ApiCall&, const auto&) { return readyz(context); }});
  router.add({.method = HttpMethod::kGet,
              .path = "/metrics",
              .handler = [&context, &router](const ApiCall&, const auto&) {
                return metrics(context, router);
              }});
}

}  // namespace meridian::admin
