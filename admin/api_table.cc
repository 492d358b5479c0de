// The table for routers and DALs.
#include "admin/api.h"
#include "admin/reply.h"
#include "admin/table_feed.h"

namespace meridian::admin {
namespace {

std::optional<HttpReply> table(TableFeed& feed, const ApiCall& call,
                               const std::shared_ptr<Responder>& responder) {
  const auto since = call.number("since", 0, 0, partition::Rev{1} << 62);
  if (!since) return errorReply(since.error());
  const auto wait =
      call.number("wait", 0, 0, static_cast<std::uint64_t>(TableFeed::kMaxWait.count()));
  if (!wait) return errorReply(wait.error());
  if (!call.parameter("since")) {
    if (call.parameter("wait")) {
      return errorReply(ErrorKind::kInvalid, "wait needs since: the rev to wait beyond");
    }
    return feed.snapshot(call.http.if_none_match);
  }
  feed.poll(*since, std::chrono::seconds(*wait), responder);
  return std::nullopt;
}

}  // namespace

void addTableRoutes(Router& router, TableFeed& feed) {
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/table",
              .query = {"since", "wait"},
              .handler = [&feed](const ApiCall& call, const auto& responder) {
                return table(feed, call, responder);
              }});
}

}  // namespace meridian::admin
