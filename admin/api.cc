#include "admin/api.h"

#include "admin/change_feed.h"
#include "admin/table_feed.h"

namespace meridian::admin {

Api::Api(Context context, Authenticator authenticator)
    : context_(std::move(context)),
      router_(std::move(authenticator)),
      feed_(std::make_unique<TableFeed>(context_.loop, context_.map)),
      change_feed_(std::make_unique<ChangeFeed>(context_.loop, context_.changes,
                                                [this] { tablePublished(); })) {
  addStatusRoutes(router_, context_);
  addTopologyRoutes(router_, context_);
  addPartitionRoutes(router_, context_);
  addVersionRoutes(router_, context_);
  addExplainRoutes(router_, context_);
  addTableRoutes(router_, context_, *feed_);
  addChangeRoutes(router_, context_, *change_feed_);
  addZoneRoutes(router_, context_);
  if (context_.keys != nullptr) addKeyRoutes(router_, context_, *context_.keys);
  if (context_.challenges != nullptr) addAcmeRoutes(router_, *context_.challenges);
  addLinkRoutes(router_, context_);
  if (context_.link_history != nullptr) {
    addLinkHistoryRoutes(router_, context_, *context_.link_history);
  }
  addHealthRoutes(router_, context_);
  if (context_.mover != nullptr) addSiteRoutes(router_, context_);
  if (context_.holds != nullptr) addHoldRoutes(router_, context_, *context_.holds);
  if (context_.hooks != nullptr) addHookRoutes(router_, *context_.hooks);
  if (context_.ha != nullptr) addHaRoutes(router_, *context_.ha);
  addForwarderRoutes(router_, context_);
  if (context_.arrivals != nullptr) addArrivalRoutes(router_, context_, *context_.arrivals);
  if (context_.balancer != nullptr) addLoadRoutes(router_, context_, *context_.balancer);
}

Api::~Api() = default;

void Api::handle(HttpRequest request, const std::shared_ptr<Responder>& responder) {
  const partition::Rev before = context_.map.current().table->rev;
  router_.handle(std::move(request), responder);
  if (context_.map.current().table->rev != before) tablePublished();
}

void Api::tablePublished() {
  feed_->tablePublished();
  context_.health.refresh();  // a new topology may have new sites
}

}  // namespace meridian::admin
