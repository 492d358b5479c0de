#include "admin/change_feed.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace meridian::admin {

ChangeFeed::ChangeFeed(EventLoop& loop, partition::ChangeEngine& engine,
                       std::function<void()> table_changed)
    : loop_(loop), engine_(engine) {
  // Soon, not at once: the engine is in the middle of what it tells.
  engine_.onTransition([this, changed = std::move(table_changed)](const partition::Change& change) {
    changed();
    loop_.post([anchor = std::weak_ptr<ChangeFeed*>(anchor_), number = change.number] {
      if (const auto alive = anchor.lock()) (*alive)->wake(number);
    });
  });
}

ChangeFeed::~ChangeFeed() {
  engine_.onTransition({});
}

void ChangeFeed::wait(std::uint64_t number, std::uint64_t after, std::chrono::seconds wait,
                      const std::shared_ptr<Responder>& responder,
                      std::function<HttpReply()> reply) {
  if (engine_.find(number)->steps > after || wait.count() == 0) {
    responder->send(reply());
    return;
  }
  auto watcher = std::make_shared<Watcher>();
  watcher->number = number;
  watcher->responder = responder;
  watcher->reply = std::move(reply);
  const std::weak_ptr<Watcher> weak = watcher;
  // Both callbacks end in finish(), which frees what they belong to: hence the detour by the loop.
  const auto finish_soon = [this, weak] {
    loop_.post([anchor = std::weak_ptr<ChangeFeed*>(anchor_), weak] {
      if (const auto alive = anchor.lock()) (*alive)->finish(weak);
    });
  };
  watcher->timer = loop_.after(wait, finish_soon);
  responder->onHangUp(finish_soon);
  watchers_.push_back(std::move(watcher));
}

void ChangeFeed::finish(const std::weak_ptr<Watcher>& watcher) {
  const auto alive = watcher.lock();
  if (!alive) return;
  watchers_.remove(alive);
  alive->responder->send(alive->reply());
}

void ChangeFeed::wake(std::uint64_t number) {
  std::vector<std::shared_ptr<Watcher>> due;
  for (const auto& each : watchers_) {
    if (each->number == number) due.push_back(each);
  }
  for (const auto& each : due) finish(each);
}

}  // namespace meridian::admin
