// Api: all routes of docs/api.md over one Context.
//
// Threads: the control thread. Lifetime: the Context's parts and the loop must outlive the Api; the
// HttpServer that calls handle() must be gone first.
#pragma once

#include <memory>
#include <vector>

#include "admin/auth.h"
#include "admin/context.h"
#include "admin/http_server.h"
#include "admin/router.h"

namespace meridian::admin {

class ChangeFeed;
class TableFeed;

class Api {
 public:
  Api(Context context, Authenticator authenticator);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  void handle(HttpRequest request, const std::shared_ptr<Responder>& responder);
  // Wakes long polls, soon, and gives health to new sites. Commits that came through handle() do so
  // by themselves; others must call it.
  void tablePublished();
  const Authenticator& authenticator() const { return router_.authenticator(); }

 private:
  Context context_;
  Router router_;
  std::unique_ptr<TableFeed> feed_;
  std::unique_ptr<ChangeFeed> change_feed_;
};

// Each file adds the routes of its subject. The references must outlive the router.
void addStatusRoutes(Router& router, const Context& context);
void addTopologyRoutes(Router& router, const Context& context);
void addPartitionRoutes(Router& router, const Context& context);
void addVersionRoutes(Router& router, const Context& context);
void addExplainRoutes(Router& router, const Context& context);
void addTableRoutes(Router& router, const Context& context, TableFeed& feed);
// meridian_table_consumers*
std::vector<Metric> consumerMetrics(const Context& context,
                                    const partition::ConsumerBook& consumers);
void addChangeRoutes(Router& router, const Context& context, ChangeFeed& feed);
void addZoneRoutes(Router& router, const Context& context);
void addKeyRoutes(Router& router, const Context& context, dns::KeyService& keys);
// meridian_dnssec_key*
std::vector<Metric> keyMetrics(const Context& context, const dns::KeyService& keys);
void addAcmeRoutes(Router& router, dns::ChallengeBook& book);
void addLinkRoutes(Router& router, const Context& context);
// meridian_drc_*
std::vector<Metric> linkMetrics(const Context& context);
Metric readMetric(const ServingView& view);  // meridian_read_copies
void addLinkHistoryRoutes(Router& router, const Context& context, partition::LinkHistory& history);
// meridian_drc_history_*
std::vector<Metric> linkHistoryMetrics(const partition::LinkHistory& history);
void addSiteRoutes(Router& router, const Context& context);
void addHoldRoutes(Router& router, const Context& context, partition::HoldBook& holds);
void addHealthRoutes(Router& router, const Context& context);
void addHookRoutes(Router& router, partition::OutboundHooks& hooks);
void addLoadRoutes(Router& router, const Context& context, partition::BalanceService& balancer);
// meridian_load_*, meridian_balancer_*
std::vector<Metric> loadMetrics(const Context& context, const partition::BalanceService& balancer);

void addForwarderRoutes(Router& router, const Context& context);
void addArrivalRoutes(Router& router, const Context& context, partition::ArrivalBook& arrivals);
// meridian_forwarders, and where somebody counts them meridian_arrival_reports_total
std::vector<Metric> arrivalMetrics(const Context& context);

std::vector<Metric> hookMetrics(const partition::OutboundHooks& hooks);

void addHaRoutes(Router& router, partition::HaService& ha);
// meridian_ha_*
std::vector<Metric> haMetrics(const partition::HaService& ha);

}  // namespace meridian::admin
