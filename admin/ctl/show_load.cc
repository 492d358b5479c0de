#include "admin/ctl/show_load.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "admin/ctl/text_table.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

std::string textOf(const Json& value) {
  return value.is_null() ? "-" : value.get<std::string>();
}
std::string unitsOf(const Json& value) {
  return value.is_null() ? "-" : fmt::format("{:.1f}", value.get<double>());
}
std::string percentOf(const Json& value) {
  return value.is_null() ? "-" : fmt::format("{:.1f} %", 100 * value.get<double>());
}
std::string secondsOf(const Json& milliseconds) {
  return milliseconds.is_null() ? "-" : fmt::format("{:.1f} s", milliseconds.get<double>() / 1000);
}

std::string blockedWays(const Json& blocked) {
  std::string out;
  for (const auto& [why, count] : blocked.items()) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count.dump(), why);
  }
  return out.empty() ? "-" : out;
}

}  // namespace

std::string loadText(const Json& reply) {
  TextTable sites({"EZONE", "DC", "UNITS", "SMOOTHED", "CAPACITY", "FROM", "FULL", "SPILL", "AGE"});
  for (const Json& row : reply.at("ezones")) {
    sites.add({textOf(row.at("ezone")), textOf(row.at("dc")), unitsOf(row.at("units")),
               unitsOf(row.at("ewma_units")), unitsOf(row.at("capacity_units")),
               textOf(row.at("capacity_from")), percentOf(row.at("utilisation")),
               percentOf(row.at("spill")), secondsOf(row.at("age_ms"))});
  }
  if (!reply.at("reported").get<bool>()) {
    return sites.text() + "\nnobody has reported load since the server's start\n";
  }
  TextTable parts({"PARTITION", "ZONE", "EZONE", "UNITS", "BY"});
  for (const Json& row : reply.at("partitions")) {
    parts.add({textOf(row.at("partition")), textOf(row.at("zone")), textOf(row.at("ezone")),
               unitsOf(row.at("units")), row.at("measured").get<bool>() ? "report" : "weight"});
  }
  return sites.text() + "\n" + parts.text();
}

std::string balancerText(const Json& reply) {
  std::string out = "mode " + textOf(reply.at("mode")) + "\n";
  TextTable zones({"ZONE", "VERDICT", "SITES", "EMPTIEST", "FULLEST", "NOT OPEN", "WHY"});
  TextTable moves({"ZONE", "PARTITION", "FROM", "TO", "UNITS", "REASON"});
  bool any = false;
  for (const Json& zone : reply.at("zones")) {
    zones.add({textOf(zone.at("zone")), textOf(zone.at("verdict")), zone.at("known_sites").dump(),
               percentOf(zone.at("lowest")), percentOf(zone.at("highest")),
               blockedWays(zone.at("blocked")), textOf(zone.at("text"))});
    for (const Json& move : zone.at("proposals")) {
      any = true;
      moves.add({textOf(zone.at("zone")), textOf(move.at("partition")), textOf(move.at("from")),
                 textOf(move.at("to")), unitsOf(move.at("units")), textOf(move.at("reason"))});
    }
    if (!zone.at("refused").is_null()) {
      out += textOf(zone.at("zone")) + " was refused: " + textOf(zone.at("refused")) + "\n";
    }
  }
  if (!reply.at("zones").empty()) out += "\n" + zones.text();
  if (any) out += "\nproposals\n" + moves.text();
  if (reply.at("rounds").empty()) return out;
  TextTable rounds({"CHANGE", "CREATED", "STATE", "MOVES", "REASON"});
  for (const Json& round : reply.at("rounds")) {
    rounds.add({textOf(round.at("change")), textOf(round.at("created")), textOf(round.at("state")),
                std::to_string(round.at("moves").size()), textOf(round.at("reason"))});
  }
  return out + "\nlast rounds\n" + rounds.text();
}

}  // namespace meridian::ctl
