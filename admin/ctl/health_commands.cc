// meridianctl health: what is known, and an operator's word in its place.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "admin/ctl/commands.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

struct OverrideArguments {
  std::string glob, state, reason;
  std::int64_t expires_in_s = 4L * 3600;
};

void addOverride(CLI::App& health, Globals& globals) {
  CLI::App* sub = health.add_subcommand("override", "Say what the checks shall not decide");
  const auto in = std::make_shared<OverrideArguments>();
  sub->add_option("glob", in->glob, "Over datacenter/ID and check/ID; '*' and '?'")->required();
  sub->add_option("state", in->state, "UP, DEGRADED, DOWN or UNKNOWN")
      ->required()
      ->check(CLI::IsMember({"UP", "DEGRADED", "DOWN", "UNKNOWN"}, CLI::ignore_case));
  sub->add_option("--reason", in->reason, "Why")->required();
  const std::map<std::string, std::int64_t> units = {{"s", 1}, {"m", 60}, {"h", 3600}};
  sub->add_option("--expires", in->expires_in_s,
                  "After so long: 90s, 30m, 4h (default); at most 72h")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_INSENSITIVE));
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    const Json body = {{"glob", in->glob},
                       {"state", in->state},
                       {"reason", in->reason},
                       {"expires_in_s", in->expires_in_s}};
    return show(globals, View::kOverride,
                client.send("POST", "/v1/health/overrides", {}, bodyOf(body)));
  });
}

void addClear(CLI::App& health, Globals& globals) {
  CLI::App* sub = health.add_subcommand("clear", "Remove an override");
  const auto id = std::make_shared<std::string>();
  sub->add_option("id", *id, "Its number")->required()->check(CLI::PositiveNumber);
  onRun(sub, globals, [&globals, id](HttpClient& client) {
    return show(globals, View::kCleared,
                client.send("DELETE", "/v1/health/overrides/" + HttpClient::segment(*id), {}, ""));
  });
}

}  // namespace

void addHealth(CLI::App& app, Globals& globals) {
  CLI::App* health = app.add_subcommand("health", "Sites, checks and overrides");
  addOverride(*health, globals);
  addClear(*health, globals);
  CLI::App* const alone = health;
  onRun(health, globals, [&globals, alone](HttpClient& client) {
    // The callback runs behind those of its own subcommands too.
    if (!alone->get_subcommands().empty()) return globals.exit;
    return show(globals, View::kHealth, client.get("/v1/health"));
  });
}

}  // namespace meridian::ctl
