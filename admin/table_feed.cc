#include "admin/table_feed.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "admin/json.h"
#include "admin/reply.h"
#include "base/digest.h"
#include "base/log.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;

// Entity tags are compared weakly (RFC 9110 §13.1.2); a list or "*" may be given.
bool namesTag(const std::optional<std::string>& if_none_match, const std::string& tag) {
  return if_none_match && (*if_none_match == "*" || if_none_match->find(tag) != std::string::npos);
}

}  // namespace

const TableFeed::Document& TableFeed::document() {
  const partition::MapSnapshot& map = map_.current();
  if (document_.rev != map.table->rev) {
    Json list = Json::array();
    for (const auto& each : map.table->assignments) {
      list.push_back(assignmentJson(*map.topology, each));
    }
    document_.assignments = dumpJson(list);
    document_.sha256 = hex(sha256(document_.assignments));
    document_.rev = map.table->rev;
  }
  return document_;
}

HttpReply TableFeed::snapshot(const std::optional<std::string>& if_none_match) {
  const Document& now = document();
  const std::string tag = "\"" + std::to_string(now.rev) + "-" + now.sha256 + "\"";
  HttpReply reply;
  reply.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
  if (namesTag(if_none_match, tag)) {
    reply.status = 304;
    return reply;
  }
  reply.body = "{\"rev\":" + std::to_string(now.rev) + ",\"sha256\":\"" + now.sha256 +
               "\",\"assignments\":" + now.assignments + "}\n";
  return reply;
}

HttpReply TableFeed::delta(partition::Rev since) {
  const partition::MapSnapshot& map = map_.current();
  const partition::Rev rev = map.table->rev;
  if (since > rev) {
    return mapErrorReply({.error = {ErrorKind::kConflict,
                                    "since=" + std::to_string(since) + " is newer than this table"},
                          .rule = {},
                          .current_rev = rev});
  }
  if (since < map.topology_rev) return snapshot(std::nullopt);
  std::string rows;
  std::size_t changes = 0;
  for (const auto& each : map.table->assignments) {
    if (each.rev <= since) continue;
    rows += dumpJson(assignmentJson(*map.topology, each)) + "\n";
    ++changes;
  }
  const Json head = {
      {"rev", rev}, {"since", since}, {"sha256", document().sha256}, {"changes", changes}};
  HttpReply reply;
  reply.body = dumpJson(head) + "\n" + rows;
  reply.content_type = "application/x-ndjson";
  return reply;
}

void TableFeed::poll(partition::Rev since, std::chrono::seconds wait,
                     const std::shared_ptr<Responder>& responder) {
  if (since != map_.current().table->rev || wait.count() == 0) {
    responder->send(delta(since));
    return;
  }
  auto poll = std::make_shared<Poll>();
  poll->since = since;
  poll->responder = responder;
  const std::weak_ptr<Poll> weak = poll;
  // Both callbacks end in finish(), which frees what they belong to: hence the detour by the loop.
  const auto finish_soon = [this, weak] {
    loop_.post([anchor = std::weak_ptr<TableFeed*>(anchor_), weak] {
      if (const auto alive = anchor.lock()) (*alive)->finish(weak);
    });
  };
  poll->timer = loop_.after(wait, finish_soon);
  responder->onHangUp(finish_soon);
  polls_.push_back(std::move(poll));
}

void TableFeed::tablePublished() {
  loop_.post([anchor = std::weak_ptr<TableFeed*>(anchor_)] {
    if (const auto alive = anchor.lock()) (*alive)->wake();
  });
}

void TableFeed::finish(const std::weak_ptr<Poll>& poll) {
  const auto found = poll.lock();
  if (found == nullptr) return;
  polls_.remove(found);
  found->responder->send(delta(found->since));
}

void TableFeed::wake() {
  const partition::Rev rev = map_.current().table->rev;
  std::list<std::shared_ptr<Poll>> ready;
  for (auto at = polls_.begin(); at != polls_.end();) {
    const auto next = std::next(at);
    if ((*at)->since != rev) ready.splice(ready.end(), polls_, at);
    at = next;
  }
  for (const auto& poll : ready) poll->responder->send(delta(poll->since));
}

}  // namespace meridian::admin
