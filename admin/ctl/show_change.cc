#include "admin/ctl/show_change.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "admin/ctl/show_json.h"
#include "admin/ctl/text_table.h"

namespace meridian::ctl {

using Json = nlohmann::json;

namespace {

std::string subjectsOf(const Json& change) {
  std::string out;
  std::size_t count = 0;
  for (const Json& wave : change.at("waves")) {
    for (const Json& item : wave) {
      if (++count <= 3) out += (out.empty() ? "" : ", ") + field(item, "subject");
    }
  }
  return count > 3 ? out + " and " + std::to_string(count - 3) + " more" : out;
}

std::string changeState(const Json& change) {
  return field(change, "state") + (change.at("paused").get<bool>() ? " (paused)" : "");
}

}  // namespace

std::string changesText(const Json& reply) {
  TextTable table({"ID", "KIND", "MODE", "STATE", "SUBJECTS", "SINCE", "NOTE"});
  for (const Json& each : reply.at("changes")) {
    table.add({field(each, "id"), field(each, "kind"), field(each, "mode"), changeState(each),
               subjectsOf(each), field(each, "since"), field(each, "note")});
  }
  return table.text() + (reply.at("stopped").get<bool>()
                             ? "the store failed: no change goes on until a restart\n"
                             : "");
}

std::string forwardersText(const Json& reply) {
  TextTable table({"SUBJECT", "OLD EZONE", "SEND TO", "EPOCH", "CHANGE", "UNTIL"});
  for (const Json& each : reply.at("forwarders")) {
    table.add({field(each, "subject"), field(each, "from"), field(each, "to"), field(each, "epoch"),
               field(each, "change_id"), field(each, "until")});
  }
  return table.text();
}

namespace {

std::string items(const Json& change) {
  TextTable table({"WAVE", "SUBJECT", "FROM", "TO", "EPOCH", "MOVED", "LINK", "LAG MS"});
  std::size_t number = 0;
  for (const Json& wave : change.at("waves")) {
    for (const Json& item : wave) {
      table.add({std::to_string(number), field(item, "subject"), field(item, "from"),
                 field(item, "to"), field(item, "epoch"), field(item, "moved"), field(item, "link"),
                 field(item, "lag_ms")});
    }
    ++number;
  }
  return table.text();
}

}  // namespace

std::string changeStepsText(const Json& change, std::uint64_t after) {
  std::optional<TextTable> table;
  for (const Json& each : change.at("log")) {
    if (each.at("step").get<std::uint64_t>() <= after) continue;
    std::vector<std::string> row{field(each, "at"), "wave " + field(each, "wave"),
                                 changeState(each), field(each, "note")};
    if (table) {
      table->add(std::move(row));
    } else {
      table.emplace(std::move(row));
    }
  }
  return table ? table->text() : std::string();
}

std::string changeStandingText(const Json& change) {
  std::string out = changeState(change) + " for " +
                    std::to_string(change.at("in_state_ms").get<std::int64_t>() / 1000) + " s";
  if (!change.at("budget_ms").is_null()) {
    out +=
        " of at most " + std::to_string(change.at("budget_ms").get<std::int64_t>() / 1000) + " s";
  }
  for (const Json& item : change.at("waves").at(change.at("wave").get<std::size_t>())) {
    out += "; " + field(item, "subject") + " lag " + field(item, "lag_ms") + " ms";
  }
  if (change.contains("stale_share")) {
    const bool measured = change.at("stale_share_from") == "measured";
    out +=
        fmt::format("; {:.1f} % of {} ({})", 100 * change.at("stale_share").get<double>(),
                    measured ? "arrivals come to the old eZone" : "caches may have the old answer",
                    field(change, "stale_share_from"));
  }
  std::string remaining;
  for (const Json& each : change.at("remaining")) remaining += "do by hand: " + plain(each) + "\n";
  return TextTable({std::move(out)}).text() + remaining;
}

std::string changeText(const Json& reply) {
  std::string out =
      pairs(reply, {"id", "kind", "mode", "data_policy", "state", "paused", "note", "actor",
                    "reason", "created", "start_at", "expires_at", "undoes", "forward_until"});
  out += "\n" + items(reply);
  if (reply.contains("log")) out += "\n" + changeStepsText(reply, 0);
  for (const Json& each : reply.at("remaining")) out += "do by hand: " + plain(each) + "\n";
  return out;
}

std::string verdictsText(const Json& rows) {
  TextTable table({"RULE", "VERDICT", "FOUND"});
  for (const Json& each : rows) {
    const char* verdict = each.at("holds").get<bool>()        ? "holds"
                          : each.at("overridden").get<bool>() ? "overridden"
                          : each.at("hard").get<bool>()       ? "FORBIDS (no override)"
                                                              : "FORBIDS";
    table.add({field(each, "rule"), verdict, field(each, "text")});
  }
  return table.text();
}

namespace {

std::string percentText(const Json& share) {
  return fmt::format("{:.1f} %", 100 * share.get<double>());
}

std::string loadOf(const Json& target) {
  const std::string name = field(target, "ezone");
  if (target.at("utilisation").is_null()) return "the load of " + name + " is unknown\n";
  std::string out = name + " is " + percentText(target.at("utilisation")) + " full; ";
  if (target.at("utilisation_after").is_null()) return out + "how much it will be is unknown\n";
  return out + percentText(target.at("utilisation_after")) + " when all have come\n";
}

std::string impact(const Json& found) {
  const Json& rate = found.at("queries_per_s");
  std::string out = "how many queries it touches is unknown";
  if (!rate.is_null()) out = fmt::format("touches {:.1f} queries/s", rate.get<double>());
  const Json& share = found.at("query_share");
  if (!share.is_null()) out += ", " + percentText(share) + " of those to all subjects";
  const Json& resolvers = found.at("resolvers");
  if (!resolvers.is_null()) {
    out += fmt::format("; about {} resolvers asked in the last {} s",
                       resolvers.at("estimate").get<std::int64_t>(),
                       resolvers.at("window_s").get<std::int64_t>());
  }
  out += "\n";
  for (const Json& each : found.at("targets")) out += loadOf(each);
  return out +
         fmt::format("each wave: {} ms of short TTL before it, {} ms until caches are drained\n",
                     found.at("until_moved_ms").get<std::int64_t>(),
                     found.at("until_drained_ms").get<std::int64_t>());
}

}  // namespace

std::string planText(const Json& reply) {
  const bool dry = reply.at("dry_run").get<bool>();
  const Json& change = reply.at("change");
  std::string out =
      verdictsText(reply.at("verdicts")) + "\n" + items(change) + "\n" + impact(reply.at("impact"));
  if (!dry) {
    const std::string id = field(change, "id");
    return out + "started " + id + "; follow it with: meridianctl change watch " + id + "\n";
  }
  return out + (reply.at("accepted").get<bool>() ? "dry run: it would start\n"
                                                 : "dry run: it would be refused\n");
}

}  // namespace meridian::ctl
