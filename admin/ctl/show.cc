#include "admin/ctl/show.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "admin/ctl/show_change.h"
#include "admin/ctl/show_json.h"
#include "admin/ctl/show_keys.h"
#include "admin/ctl/show_load.h"
#include "admin/ctl/text_table.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

std::string subjectOf(const Json& row) {
  return row.contains("partition") ? plain(row.at("partition")) : field(row, "global_zone");
}

std::string assignments(const Json& rows) {
  TextTable table(
      {"SUBJECT", "ZONE", "EZONE", "DC", "PREVIOUS", "EPOCH", "REV", "SINCE", "REASON"});
  for (const Json& row : rows) {
    table.add({subjectOf(row), field(row, "zone"), field(row, "ezone"), field(row, "dc"),
               field(row, "prev_ezone"), field(row, "epoch"), field(row, "rev"),
               field(row, "since"), field(row, "reason")});
  }
  return table.text();
}

std::string moves(const Json& rows) {
  TextTable table({"SUBJECT", "ZONE", "FROM", "TO", "EPOCH", "NEW EPOCH"});
  for (const Json& row : rows) {
    table.add({subjectOf(row), field(row, "zone"), field(row, "from"), field(row, "to"),
               field(row, "epoch_old"), field(row, "epoch_new")});
  }
  return rows.empty() ? std::string("no assignment changes\n") : table.text();
}

std::string outcome(const Json& reply) {
  const std::string rev = field(reply, "rev");
  return reply.at("applied").get<bool>() ? "done, rev " + rev + "\n"
                                         : "dry run: would be rev " + rev + ", nothing changed\n";
}

std::string remap(const Json& reply) {
  return field(reply, "partition") + ": " + field(reply, "from") + " -> " + field(reply, "to") +
         ", epoch " + field(reply, "epoch_old") + " -> " + field(reply, "epoch_new") + "\n" +
         outcome(reply);
}

std::string topologyPut(const Json& reply) {
  const Json& diff = reply.at("diff");
  std::string out;
  for (const char* what : {"added", "removed", "changed"}) {
    for (const Json& each : diff.at(what)) out += std::string(what) + " " + plain(each) + "\n";
  }
  if (!diff.at("moves").empty()) out += moves(diff.at("moves"));
  if (!diff.at("placements").empty()) {
    TextTable table({"ZONE", "IPV4 ADDRESSES", "IPV6 /48S", "POIS", "CITIES"});
    for (const Json& each : diff.at("placements")) {
      table.add({field(each, "zone"), field(each, "ipv4_addresses"), field(each, "ipv6_48s"),
                 field(each, "pois"), field(each, "cities")});
    }
    out += "places that change partition:\n" + table.text();
  }
  for (const Json& each : reply.value("needs_confirmation", Json::array())) {
    out += "needs --confirm-moves: zone " + field(each, "zone") + ", " + field(each, "moved") +
           " of " + field(each, "of") + " " + field(each, "places") + " (" +
           field(each, "percent") + " %)\n";
  }
  for (const Json& each : reply.at("must_still_forward")) {
    out += "warning: " + field(each, "ezone") + " must forward what comes for " +
           field(each, "subject") + " until " + field(each, "until") + ", and " +
           (each.at("service").is_null()
                ? "is not in this topology\n"
                : field(each, "service") + " loses there " + field(each, "records") + "\n");
  }
  return out + outcome(reply);
}

std::string poolOf(const Json& reply) {
  const Json pool = reply.value("pool", Json(nullptr));
  if (pool.is_null()) return {};
  std::string out = "pool endpoints=" + field(pool, "endpoints") +
                    " candidates=" + field(pool, "candidates") +
                    " up-share=" + field(pool, "up_share") + " min=" + field(pool, "min_up_share");
  for (const Json& each : pool.at("answered")) out += "\nendpoint " + plain(each);
  return out + "\n";
}

std::string explained(const Json& reply) {
  std::string out = pairs(reply, {"service", "zone", "kind", "place", "known", "source", "network",
                                  "scope", "placed_by", "partition", "ezone", "dc", "among",
                                  "shared", "epoch", "rev", "write_state", "ttl"});
  const Json change = reply.value("change", Json(nullptr));
  if (!change.is_null()) {
    out += "change " + field(change, "id") + " is " + field(change, "state") + ": " +
           field(change, "note") + "\n";
  }
  for (const Json& hold : reply.value("holds", Json::array())) out += "hold " + plain(hold) + "\n";
  out += "\nlocation\n" +
         pairs(reply.at("location"), {"lat", "lon", "country", "subdivision", "city", "asn"});
  TextTable table({"EZONE", "DC", "VERDICT", "ADMIN STATE", "HEALTH", "CLASS", "WEIGHT", "SPILL",
                   "LINK", "LAG MS"});
  for (const Json& each : reply.at("candidates")) {
    table.add({field(each, "ezone"), field(each, "dc"), field(each, "verdict"),
               field(each, "admin_state"), field(each, "health"), field(each, "class"),
               field(each, "weight"), field(each, "spill"),
               each.contains("link") ? field(each.at("link"), "freshness") : "",
               each.contains("link") ? field(each.at("link"), "effective_lag_ms") : ""});
  }
  out += "\n" + table.text() + poolOf(reply);
  for (const Json& record : reply.at("records")) out += "record " + plain(record) + "\n";
  return out;
}

std::string resolved(const Json& reply) {
  std::string out = pairs(reply, {"service", "zone", "known", "partition", "ezone", "dc", "epoch",
                                  "rev", "ttl", "shard_name"});
  out += poolOf(reply);
  for (const Json& record : reply.at("records")) out += "record " + plain(record) + "\n";
  return out;
}

std::string versions(const Json& reply) {
  TextTable table({"REV", "AT", "KIND", "ACTOR", "MOVES", "REASON"});
  for (const Json& each : reply.at("versions")) {
    table.add({field(each, "rev"), field(each, "at"), field(each, "kind"), field(each, "actor"),
               std::to_string(each.at("moves").size()), field(each, "reason")});
  }
  return table.text();
}

std::string version(const Json& reply) {
  return pairs(reply, {"rev", "at", "kind", "actor", "reason", "topology_changed", "rolled_back_to",
                       "moves_confirmed"}) +
         "\n" + moves(reply.at("moves"));
}

std::string zones(const Json& list) {
  TextTable table({"ZONE", "SERIAL", "RECORDS", "SOURCE", "LOADED AT", "FILE"});
  TextTable secondaries(
      {"ZONE", "STATE", "CATALOG", "PRIMARIES", "REFRESHED", "NEXT", "EXPIRES", "LAST ERROR"});
  bool has_secondaries = false;
  for (const Json& each : list) {
    table.add({field(each, "name"), field(each, "serial"), field(each, "records"),
               field(each, "source"), field(each, "loaded_at"), field(each, "file")});
    const auto from = each.find("secondary");
    if (from == each.end() || from->is_null()) continue;
    has_secondaries = true;
    std::string primaries;
    for (const Json& primary : from->at("primaries")) {
      primaries += (primaries.empty() ? "" : ",") + primary.get<std::string>();
    }
    secondaries.add({field(each, "name"), field(*from, "state"), field(each, "catalog"), primaries,
                     field(*from, "refreshed"),
                     from->at("refreshing").get<bool>() ? "now" : field(*from, "next_refresh"),
                     field(*from, "expires"), field(*from, "last_error")});
  }
  return has_secondaries ? table.text() + "\n" + secondaries.text() : table.text();
}

std::string zoneChanged(const Json& reply) {
  const std::string zone = field(reply, "zone");
  if (!reply.at("changed").get<bool>()) {
    return zone + " is so already, serial " + field(reply, "serial") + "\n";
  }
  return zone + " serial " + field(reply, "serial_before") + " -> " + field(reply, "serial") + "\n";
}

std::string zoneText(View view, const Json& reply) {
  if (view == View::kZones) return zones(reply.at("zones"));
  if (view == View::kZone) return zones(Json::array({reply}));
  if (view == View::kZoneChanged) return zoneChanged(reply);
  if (view == View::kZoneRefreshed) {
    return "asking the primaries for " + field(reply, "refreshing") + "\n";
  }
  return "zone " + field(reply, "removed") + " is gone\n";
}

std::string consumers(const Json& reply) {
  if (reply.at("consumers").empty()) return "nobody says that it follows the table\n";
  TextTable table({"CONSUMER", "KIND", "REV", "BEHIND", "HEARD MS AGO"});
  for (const Json& each : reply.at("consumers")) {
    table.add({field(each, "id"), field(each, "kind"), field(each, "rev"), field(each, "behind"),
               field(each, "heard_ms_ago")});
  }
  return table.text();
}

// Agents that are asked, and which copies are read; empty where there are none.
std::string aroundLinks(const Json& reply) {
  TextTable pulls({"ASKED", "DC", "STATE", "SINCE", "FAILURES IN A ROW", "LAST FAILURE"});
  for (const Json& each : reply.at("pulls")) {
    pulls.add({field(each, "agent"), field(each, "dc"), field(each, "state"), field(each, "since"),
               field(each, "failures_in_a_row"), field(each, "last_failure")});
  }
  TextTable reads({"ZONE", "PRIMARY", "COPY", "FRESH"});
  for (const Json& each : reply.at("reads")) {
    for (const Json& copy : each.at("copies")) {
      reads.add({field(each, "zone"), field(each, "primary"), field(copy, "ezone"),
                 field(copy, "fresh")});
    }
  }
  return (reply.at("pulls").empty() ? std::string() : "\n" + pulls.text()) +
         (reply.at("reads").empty() ? std::string() : "\n" + reads.text());
}

std::string links(const Json& reply) {
  TextTable table({"SOURCE", "TARGET", "CHANNEL", "STATE", "FRESHNESS", "LAG MS", "WORST 60S",
                   "GAP", "UNRESOLVED", "SKEW MS", "REPORTERS"});
  for (const Json& each : reply.at("links")) {
    table.add({field(each, "source"), field(each, "target"), field(each, "channel"),
               field(each, "state"), field(each, "freshness"), field(each, "effective_lag_ms"),
               field(each, "worst_lag_60s_ms"), field(each, "gtid_gap"), field(each, "unresolved"),
               field(each, "skew_ms"), std::to_string(each.at("reports").size())});
  }
  std::string out = reply.at("links").empty() ? "nobody reports a link\n" : table.text();
  if (reply.at("more").get<bool>()) out += "and more: narrow it by --source, --target, --channel\n";
  return out + aroundLinks(reply);
}

std::string linkHistory(const Json& reply) {
  TextTable table({"FROM", "STATE", "WORST", "FRESHNESS", "LAST MS", "MAX MS", "UNKNOWN S",
                   "CONFLICTS", "UNRESOLVED"});
  for (const Json& each : reply.at("rows")) {
    table.add({field(each, "at"), field(each, "state"), field(each, "worst_state"),
               field(each, "freshness"), field(each, "last_lag_ms"), field(each, "max_lag_ms"),
               field(each, "unknown_s"), field(each, "conflicts"), field(each, "unresolved")});
  }
  std::string out = reply.at("rows").empty() ? "nothing is kept of that time\n" : table.text();
  if (!reply.at("next_since").is_null()) out += "and more: narrow it, or take --limit 5000\n";
  return out;
}

std::string sites(const Json& rows) {
  TextTable table({"DATACENTER", "VERDICT", "SIGNALS", "HOLD-DOWN MS", "LAST ACT"});
  for (const Json& row : rows) {
    std::string signals;
    for (const auto& [name, given] : row.at("signals").items()) {
      if (given.get<bool>()) signals += (signals.empty() ? "" : ", ") + name;
    }
    table.add({field(row, "datacenter"), field(row, "verdict"), signals.empty() ? "-" : signals,
               field(row, "hold_down_ms"), field(row, "last_act")});
  }
  return table.text();
}

std::string siteMoved(const Json& reply) {
  TextTable table({"CHANGE", "ZONE", "STATE", "PARTITIONS", "WAVES", "STOPPED BY"});
  for (const Json& plan : reply.at("changes")) {
    const Json& change = plan.at("change");
    std::size_t partitions = 0;
    for (const Json& wave : change.at("waves")) partitions += wave.size();
    std::string stopped;
    for (const Json& verdict : plan.at("verdicts")) {
      const bool stops = !verdict.at("holds").get<bool>() && !verdict.at("overridden").get<bool>();
      if (stops) stopped += (stopped.empty() ? "" : ", ") + field(verdict, "rule");
    }
    table.add({field(change, "id"), field(change.at("waves").at(0).at(0), "zone"),
               field(change, "state"), std::to_string(partitions),
               std::to_string(change.at("waves").size()), stopped.empty() ? "-" : stopped});
  }
  std::string text = reply.at("changes").empty() ? "no partition has to move\n" : table.text();
  for (const Json& left : reply.at("left")) {
    text += field(left, "subject") + " stays: " + field(left, "why") + "\n";
  }
  return text;
}

std::string holds(const Json& rows) {
  TextTable table({"HOLD", "ON", "HOLDER", "EXPIRES", "PASSED BY", "REASON"});
  for (const Json& row : rows) {
    std::string on;
    for (const char* scope : {"partition", "zone", "datacenter"}) {
      if (row.contains(scope)) on = std::string(scope) + " " + field(row, scope);
    }
    table.add({field(row, "id"), on, field(row, "holder"), field(row, "expires"),
               field(row, "passed_by"), field(row, "reason")});
  }
  return rows.empty() ? std::string("nobody holds anything\n") : table.text();
}

std::string challenges(const Json& rows) {
  TextTable table({"NAME", "VALUE", "EXPIRES", "ACTOR"});
  for (const Json& row : rows) {
    table.add(
        {field(row, "fqdn"), field(row, "value"), field(row, "expires"), field(row, "actor")});
  }
  return rows.empty() ? std::string("no tokens\n") : table.text();
}

std::string overrides(const Json& rows) {
  TextTable table(
      {"ID", "GLOB", "STATE", "SITES", "CHECKS", "ENDPOINTS", "EXPIRES", "AUTHOR", "REASON"});
  for (const Json& row : rows) {
    const Json& matches = row.at("matches");
    table.add({field(row, "id"), field(row, "glob"), field(row, "state"),
               field(matches, "datacenters"), field(matches, "checks"), field(matches, "endpoints"),
               field(row, "expires"), field(row, "author"), field(row, "reason")});
  }
  return table.text();
}

std::string endpoints(const Json& rows) {
  TextTable table({"ENDPOINT", "EZONE", "SERVICE", "HEALTH", "CHECK", "OVERRIDE"});
  for (const Json& row : rows) {
    table.add({field(row, "endpoint"), field(row, "ezone"), field(row, "service"),
               field(row, "health"), field(row, "check"), field(row, "override")});
  }
  return table.text();
}

std::string health(const Json& reply) {
  std::string out;
  if (reply.at("blind").get<bool>()) {
    out = "this node sees nothing at all: states stay as they were\n\n";
  }
  TextTable sites({"DATACENTER", "HEALTH", "MEASURED", "WATCHED", "STASIS", "OVERRIDE"});
  for (const Json& row : reply.at("sites")) {
    sites.add({field(row, "datacenter"), field(row, "health"), field(row, "measured"),
               field(row, "watched"), field(row, "stasis"), field(row, "override")});
  }
  TextTable checks({"CHECK", "KIND", "DATACENTER", "STATE", "SINCE", "STASIS", "LAST", "REASON"});
  for (const Json& row : reply.at("checks")) {
    const Json& last = row.at("last");
    checks.add({field(row, "id"), field(row, "kind"), field(row, "datacenter"), field(row, "state"),
                field(row, "since"), field(row, "stasis"),
                last.is_null() ? "-" : field(last, "outcome"),
                last.is_null() ? "-" : field(last, "reason")});
  }
  out += sites.text();
  if (!reply.at("checks").empty()) out += "\n" + checks.text();
  if (!reply.at("endpoints").empty()) out += "\n" + endpoints(reply.at("endpoints"));
  if (!reply.at("overrides").empty()) out += "\n" + overrides(reply.at("overrides"));
  return out;
}

std::string hooks(const Json& reply) {
  TextTable table(
      {"HOOK", "MODE", "ATTEMPTS", "ALLOWED", "VETOED", "DEFERRED", "ERRORS", "PHASES", "TARGET"});
  for (const Json& each : reply.at("hooks")) {
    std::string phases;
    for (const Json& phase : each.at("phases"))
      phases += (phases.empty() ? "" : ",") + plain(phase);
    const Json& program = each.at("exec");
    table.add({field(each, "id"), field(each, "mode"), field(each, "attempts"),
               field(each, "allowed"), field(each, "vetoed"), field(each, "deferred"),
               field(each, "errors"), phases,
               program.is_null() ? field(each, "url") : plain(program.at(0))});
  }
  return table.text() + "waiting " + field(reply, "waiting") + ", dead letters " +
         field(reply, "dead_letters") + "\n";
}

std::string deadLetters(const Json& reply) {
  TextTable table({"ID", "HOOK", "CHANGE", "PHASE", "ATTEMPTS", "GIVEN UP AT", "LAST ERROR"});
  for (const Json& each : reply.at("dead_letters")) {
    table.add({field(each, "id"), field(each, "hook"), field(each, "change_id"),
               field(each, "phase"), field(each, "attempts"), field(each, "given_up_at"),
               field(each, "last_error")});
  }
  return table.text();
}

std::string haEvents(const Json& reply) {
  TextTable events({"EVENT", "RECEIVED", "TYPE", "CLUSTER", "SCOPE", "FROM", "TO", "DECISION",
                    "RULE", "CHANGE", "TEXT"});
  for (const Json& each : reply.at("events")) {
    events.add({field(each, "event_id"), field(each, "received_at"), field(each, "type"),
                field(each, "cluster"), field(each, "scope"), field(each.at("from"), "dc"),
                field(each.at("to"), "dc"), field(each, "decision"), field(each, "rule"),
                field(each, "change_id"), field(each, "text")});
  }
  std::string out = events.text();
  if (reply.at("signals").empty()) return out;
  TextTable signals({"DATACENTER", "SIGNAL", "SCOPE", "CLUSTER", "SINCE", "LAST"});
  for (const Json& each : reply.at("signals")) {
    signals.add({field(each, "datacenter"), field(each, "type"), field(each, "scope"),
                 field(each, "cluster"), field(each, "since"), field(each, "occurred_at")});
  }
  return out + "\n" + signals.text();
}

// A snapshot is one object, a delta NDJSON: a head line, then a line a subject.
std::string table(const std::string& body) {
  const std::size_t end = body.find('\n');
  const Json head = Json::parse(body.substr(0, end));
  const std::string title =
      "rev " + field(head, "rev") + ", sha256 " + field(head, "sha256") + "\n";
  if (head.contains("assignments")) return title + assignments(head.at("assignments"));
  Json rows = Json::array();
  for (std::size_t at = end + 1; at < body.size();) {
    const std::size_t stop = std::min(body.find('\n', at), body.size());
    rows.push_back(Json::parse(body.substr(at, stop - at)));
    at = stop + 1;
  }
  return title +
         (rows.empty() ? "no changes since rev " + field(head, "since") + "\n" : assignments(rows));
}

std::string rolledBack(const Json& reply) {
  std::string out = moves(reply.at("moves"));
  for (const Json& each : reply.at("left")) out += "left as it is: " + plain(each) + "\n";
  return out + outcome(reply);
}

using Text = std::string (*)(const Json& reply);
struct Shown {
  View view;
  Text text;
};
constexpr Shown kShown[] = {
    {View::kRemap, remap},
    {View::kPartitions, [](const Json& reply) { return assignments(reply.at("partitions")); }},
    {View::kPartition, [](const Json& reply) { return assignments(Json::array({reply})); }},
    {View::kTopologyPut, topologyPut},
    {View::kExplain, explained},
    {View::kResolve, resolved},
    {View::kVersions, versions},
    {View::kVersion, version},
    {View::kDiff, [](const Json& reply) { return moves(reply.at("differences")); }},
    {View::kRollback, rolledBack},
    {View::kZones, [](const Json& reply) { return zoneText(View::kZones, reply); }},
    {View::kZone, [](const Json& reply) { return zoneText(View::kZone, reply); }},
    {View::kZoneChanged, [](const Json& reply) { return zoneText(View::kZoneChanged, reply); }},
    {View::kZoneRemoved, [](const Json& reply) { return zoneText(View::kZoneRemoved, reply); }},
    {View::kZoneRefreshed, [](const Json& reply) { return zoneText(View::kZoneRefreshed, reply); }},
    {View::kKeys, keysText},
    {View::kKeyChanged, keyChangedText},
    {View::kPlan, planText},
    {View::kChanges, changesText},
    {View::kChange, changeText},
    {View::kConsumers, consumers},
    {View::kLinks, links},
    {View::kLinkHistory, linkHistory},
    {View::kHealth, health},
    {View::kOverride, [](const Json& reply) { return overrides(Json::array({reply})); }},
    {View::kCleared,
     [](const Json& reply) { return "override " + field(reply, "removed") + " is gone\n"; }},
    {View::kSites, [](const Json& reply) { return sites(reply.at("sites")); }},
    {View::kSiteMoved, siteMoved},
    {View::kChallenges, [](const Json& reply) { return challenges(reply.at("challenges")); }},
    {View::kChallenge, [](const Json& reply) { return challenges(Json::array({reply})); }},
    {View::kChallengeRemoved,
     [](const Json& reply) { return "the token at " + field(reply, "removed") + " is gone\n"; }},
    {View::kHolds, [](const Json& reply) { return holds(reply.at("holds")); }},
    {View::kHold, [](const Json& reply) { return holds(Json::array({reply})); }},
    {View::kReleased,
     [](const Json& reply) { return "hold " + field(reply, "released") + " is gone\n"; }},
    {View::kHooks, hooks},
    {View::kDeadLetters, deadLetters},
    {View::kHandled,
     [](const Json& reply) { return field(reply, "id") + " " + field(reply, "done") + "\n"; }},
    {View::kHaEvents, haEvents},
    {View::kLoad, loadText},
    {View::kBalancer, balancerText},
    {View::kForwarders, forwardersText},
};

std::string render(View view, const std::string& body) {
  if (view == View::kRaw) return body;
  if (view == View::kTable) return table(body);
  const auto* const shown = std::find_if(std::begin(kShown), std::end(kShown),
                                         [&](const Shown& each) { return each.view == view; });
  return shown == std::end(kShown) ? body : shown->text(Json::parse(body));
}

std::string nextStep(long status) {
  switch (status) {
    case 401:
      return "next: name a token with --token-file or MERIDIAN_TOKEN_FILE; the server's first "
             "one "
             "is "
             "in STATE_DIR/admin.token\n";
    case 403:
      return "next: use a token with the role that is named above\n";
    case 409:
      return "next: look at the current state, and ask again with its epoch or rev if you still "
             "want "
             "this\n";
    case 413:
      return "next: raise admin.max_body_bytes in the server's configuration\n";
    case 503:
      return "next: try again soon; meridianctl status shows what is missing\n";
    default:
      return {};
  }
}

std::string detail(const Json& error) {
  std::string out;
  for (const char* key : {"rule", "current_epoch", "current_rev"}) {
    if (error.contains(key)) out += std::string("  ") + key + ": " + plain(error.at(key)) + "\n";
  }
  if (error.contains("verdicts")) out += verdictsText(error.at("verdicts"));
  if (!error.contains("errors")) return out;
  for (const Json& each : error.at("errors")) {
    out += "  " + field(each, "file");
    for (const char* number : {"line", "column"}) {
      if (field(each, number) != "0") out += ":" + field(each, number);
    }
    for (const char* part : {"field", "value", "reason"}) {
      if (!field(each, part).empty()) out += ": " + field(each, part);
    }
    out += "\n";
  }
  return out;
}

}  // namespace

Result<std::string> watchLines(const std::string& body, std::uint64_t seen) {
  try {
    const Json reply = Json::parse(body);
    return changeStepsText(reply, seen) + changeStandingText(reply);
  } catch (const Json::exception&) {
    return fail(ErrorKind::kInvalid,
                "the reply is no change; is --url a Meridian of this version?");
  }
}

Result<std::string> shown(View view, const std::string& body) {
  try {
    return render(view, body);
  } catch (const Json::exception&) {
    return fail(ErrorKind::kInvalid,
                "the reply is not what this meridianctl expects; is --url a Meridian of this "
                "version? --json shows it as it came");
  }
}

std::string refusalText(const Reply& reply) {
  std::string out = "HTTP " + std::to_string(reply.status);
  const Json error = Json::parse(reply.body, nullptr, false);
  try {
    if (error.is_object()) {
      out = field(error, "error") + " (" + out + "): " + field(error, "reason") + "\n";
      return out + detail(error) + nextStep(reply.status);
    }
  } catch (const Json::exception&) {
    out = "HTTP " + std::to_string(reply.status);
  }
  return out + ": the reply is not a Meridian's; check --url\n";
}

}  // namespace meridian::ctl
