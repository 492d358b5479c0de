// The table for routers and DALs, and who of them has which rev of it.
#include <chrono>
#include <nlohmann/json.hpp>

#include "admin/api.h"
#include "admin/json.h"
#include "admin/reply.h"
#include "admin/table_feed.h"
#include "partition/consumers/consumer_book.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::Consumer;
using partition::ConsumerBook;
using partition::ConsumerKind;

// Takes note of who asks, when they say so; a refusal when they say it wrongly.
std::optional<HttpReply> noteConsumer(const Context& context, const ApiCall& call,
                                      partition::Rev since) {
  const auto id = call.parameter("consumer");
  const auto kind_name = call.parameter("kind");
  if (!id) {
    if (!kind_name) return std::nullopt;
    return errorReply(ErrorKind::kInvalid, "kind needs consumer: who it is that asks");
  }
  if (!ConsumerBook::isId(*id)) {
    return errorReply(ErrorKind::kInvalid, "consumer: 1 to 64 letters, digits, '.', '-', '_', ':'");
  }
  const auto kind = partition::consumerKindOf(kind_name.value_or("router"));
  if (!kind) return errorReply(ErrorKind::kInvalid, "kind: \"router\" or \"dal\"");
  // One that says it is behind keeps writes blocked: more than who only reads may do. Agents place
  // holds as well, and a DAL needs nothing else of what operators may do.
  if (*kind == ConsumerKind::kDal && !mayUse(call.caller.role, Role::kAgent)) {
    return errorReply(ErrorKind::kForbidden,
                      "kind=dal needs the role agent, since changes wait for DALs; " +
                          call.caller.name + " has " + std::string(roleName(call.caller.role)));
  }
  // Of a rev that is still to come nobody can have anything: the feed says so.
  if (since > context.map.current().table->rev) return std::nullopt;
  if (!context.consumers->heard(*id, *kind, since, context.clock.monotonicNow())) {
    return errorReply(ErrorKind::kUnavailable,
                      "there are too many consumers; ask without consumer to follow uncounted");
  }
  return std::nullopt;
}

std::optional<HttpReply> table(const Context& context, TableFeed& feed, const ApiCall& call,
                               const std::shared_ptr<Responder>& responder) {
  const auto since = call.number("since", 0, 0, partition::Rev{1} << 62);
  if (!since) return errorReply(since.error());
  const auto wait =
      call.number("wait", 0, 0, static_cast<std::uint64_t>(TableFeed::kMaxWait.count()));
  if (!wait) return errorReply(wait.error());
  if (!call.parameter("since")) {
    for (const char* needs_since : {"wait", "consumer", "kind"}) {
      if (!call.parameter(needs_since)) continue;
      return errorReply(ErrorKind::kInvalid,
                        std::string(needs_since) + " needs since: the rev that is there already");
    }
    return feed.snapshot(call.http.if_none_match);
  }
  if (auto refused = noteConsumer(context, call, *since)) return refused;
  feed.poll(*since, std::chrono::seconds(*wait), responder);
  return std::nullopt;
}

HttpReply consumers(const Context& context, const ConsumerBook& book) {
  const MonotonicTime now = context.clock.monotonicNow();
  const partition::Rev rev = context.map.current().table->rev;
  Json list = Json::array();
  for (const auto& [id, consumer] : book.all(now)) {
    const auto ago = std::chrono::duration_cast<std::chrono::milliseconds>(now - consumer.heard);
    list.push_back({{"id", id},
                    {"kind", partition::consumerKindName(consumer.kind)},
                    {"rev", consumer.rev},
                    {"behind", rev - consumer.rev},
                    {"heard_ms_ago", ago.count()}});
  }
  return jsonReply({{"rev", rev}, {"consumers", std::move(list)}});
}

}  // namespace

void addTableRoutes(Router& router, const Context& context, TableFeed& feed) {
  std::vector<std::string> query = {"since", "wait"};
  if (context.consumers != nullptr) query.insert(query.end(), {"consumer", "kind"});
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/table",
              .also_agents = true,
              .query = std::move(query),
              .handler = [&context, &feed](const ApiCall& call, const auto& responder) {
                return table(context, feed, call, responder);
              }});
  if (context.consumers == nullptr) return;
  router.add({.method = HttpMethod::kGet,
              .path = "/v1/consumers",
              .handler = [&context](const ApiCall&, const auto&) {
                return consumers(context, *context.consumers);
              }});
}

std::vector<Metric> consumerMetrics(const Context& context, const ConsumerBook& book) {
  Metric all{"meridian_table_consumers",
             "Routers and DALs that follow the table",
             Metric::Type::kGauge,
             {}};
  Metric behind{"meridian_table_consumers_behind",
                "Those that do not have the newest rev yet",
                Metric::Type::kGauge,
                {}};
  const partition::Rev rev = context.map.current().table->rev;
  const auto known = book.all(context.clock.monotonicNow());
  for (const ConsumerKind kind : {ConsumerKind::kRouter, ConsumerKind::kDal}) {
    double count = 0;
    double late = 0;
    for (const auto& [id, consumer] : known) {
      if (consumer.kind != kind) continue;
      ++count;
      if (consumer.rev < rev) ++late;
    }
    const Metric::Labels labels = {{"kind", std::string(partition::consumerKindName(kind))}};
    all.samples.push_back({labels, count});
    behind.samples.push_back({labels, late});
  }
  return {std::move(all), std::move(behind)};
}

}  // namespace meridian::admin
