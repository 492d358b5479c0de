// TableFeed: the assignment table for routers and DALs: snapshot with hash, delta, long poll.
//
// The hash is the SHA-256 of the canonical JSON of the assignments: the array in table order, keys
// sorted, no spaces. It is computed once a rev, when first asked for.
// Threads: the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "admin/http_server.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "partition/map_service.h"

namespace meridian::admin {

class TableFeed {
 public:
  static constexpr std::chrono::seconds kMaxWait{30};

  TableFeed(EventLoop& loop, const partition::MapService& map) : loop_(loop), map_(map) {}

  // The whole table, or 304 when `if_none_match` names it.
  HttpReply snapshot(const std::optional<std::string>& if_none_match);
  // What changed after `since`, as NDJSON: a head line {rev, since, sha256, changes}, then one line
  // a changed assignment. When the topology changed after `since`, subjects may have gone and names
  // may mean other sites: then the snapshot. kConflict (with current_rev): `since` is from the
  // future, as after a restored backup.
  HttpReply delta(partition::Rev since);
  // The delta, as soon as there is a newer rev, `wait` has passed, or the client hangs up.
  void poll(partition::Rev since, std::chrono::seconds wait,
            const std::shared_ptr<Responder>& responder);
  // Wakes the polls, soon: the map may still be in the middle of the commit that called this.
  void tablePublished();

 private:
  struct Poll {
    partition::Rev since = 0;
    std::shared_ptr<Responder> responder;
    std::unique_ptr<EventLoop::Timer> timer;
  };
  struct Document {
    partition::Rev rev = 0;
    std::string assignments;  // canonical JSON
    std::string sha256;
  };

  const Document& document();
  void finish(const std::weak_ptr<Poll>& poll);
  void wake();

  EventLoop& loop_;
  const partition::MapService& map_;
  Document document_;
  std::list<std::shared_ptr<Poll>> polls_;
  std::shared_ptr<TableFeed*> anchor_ = std::make_shared<TableFeed*>(this);  // tasks hold it weakly
};

}  // namespace meridian::admin
