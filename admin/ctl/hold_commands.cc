// meridianctl hold: who needs something to stay where it is.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "admin/ctl/commands.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

struct HoldArguments {
  std::string scope, subject, holder, reason;
  std::int64_t expires_in_s = 4L * 3600;
};

void addPlace(CLI::App& hold, Globals& globals) {
  CLI::App* sub = hold.add_subcommand("place", "Keep planned and gradual changes away");
  const auto in = std::make_shared<HoldArguments>();
  sub->add_option("scope", in->scope, "partition, zone or datacenter")
      ->required()
      ->check(CLI::IsMember({"partition", "zone", "datacenter"}));
  sub->add_option("id", in->subject, "Which")->required();
  sub->add_option("--holder", in->holder, "The system or person that needs it")->required();
  sub->add_option("--reason", in->reason, "Why")->required();
  const std::map<std::string, std::int64_t> units = {{"s", 1}, {"m", 60}, {"h", 3600}};
  sub->add_option("--expires", in->expires_in_s,
                  "After so long: 90s, 30m, 4h (default); at most 72h")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_INSENSITIVE));
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    const Json body = {{in->scope, in->subject},
                       {"holder", in->holder},
                       {"reason", in->reason},
                       {"expires_in_s", in->expires_in_s}};
    return show(globals, View::kHold, client.send("POST", "/v1/holds", {}, bodyOf(body)));
  });
}

void addRelease(CLI::App& hold, Globals& globals) {
  CLI::App* sub = hold.add_subcommand("release", "End a hold");
  const auto id = std::make_shared<std::string>();
  sub->add_option("id", *id, "As `meridianctl hold` lists it: h-3")->required();
  onRun(sub, globals, [&globals, id](HttpClient& client) {
    return show(globals, View::kReleased,
                client.send("DELETE", "/v1/holds/" + HttpClient::segment(*id), {}, ""));
  });
}

}  // namespace

void addHold(CLI::App& app, Globals& globals) {
  CLI::App* hold = app.add_subcommand("hold", "Who needs something to stay where it is");
  addPlace(*hold, globals);
  addRelease(*hold, globals);
  onRun(hold, globals, [&globals, hold](HttpClient& client) {
    // The callback runs behind those of its own subcommands too.
    if (!hold->get_subcommands().empty()) return globals.exit;
    return show(globals, View::kHolds, client.get("/v1/holds"));
  });
}

}  // namespace meridian::ctl
