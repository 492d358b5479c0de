// meridianctl site: what is known of each datacenter; drain, undrain, evacuate.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "admin/ctl/commands.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

struct SiteArguments {
  std::string datacenter, reason, mode = "gradual";
  std::vector<std::string> overrides;
  bool wait_for_holds = false, dry_run = false;
};

void addOrder(CLI::App& site, Globals& globals, const char* order, const char* what) {
  CLI::App* sub = site.add_subcommand(order, what);
  const auto in = std::make_shared<SiteArguments>();
  sub->add_option("datacenter", in->datacenter, "Which")->required();
  sub->add_option("--reason", in->reason, "Why; kept with what it does")->required();
  if (std::string_view(order) != "evacuate") {
    sub->add_option("--mode", in->mode, "How its partitions move")
        ->check(CLI::IsMember({"planned", "gradual", "emergency"}));
    sub->add_flag("--wait-for-holds", in->wait_for_holds,
                  "Start when nobody holds them any more, instead of being refused");
  }
  sub->add_option("--override", in->overrides,
                  "Rule that shall not count, e.g. S6; for the reason");
  sub->add_flag("--dry-run", in->dry_run, "Say what every rule finds, and change nothing");
  onRun(sub, globals, [&globals, in, order](HttpClient& client) {
    Json body = {{"mode", in->mode}, {"reason", in->reason}, {"dry_run", in->dry_run}};
    if (in->wait_for_holds) body["wait_for_holds"] = true;
    for (const std::string& rule : in->overrides) {
      body["overrides"].push_back({{"rule", rule}, {"reason", in->reason}});
    }
    return show(
        globals, View::kSiteMoved,
        client.send("POST", "/v1/sites/" + HttpClient::segment(in->datacenter) + "/" + order, {},
                    bodyOf(body)));
  });
}

}  // namespace

void addSite(CLI::App& app, Globals& globals) {
  CLI::App* site = app.add_subcommand("site", "Datacenters: which are lost; take one out or back");
  addOrder(*site, globals, "drain", "Take it out: partitions leave in waves");
  addOrder(*site, globals, "undrain", "Bring it back: partitions come home in waves");
  addOrder(*site, globals, "evacuate", "It is lost: its partitions leave at once");
  onRun(site, globals, [&globals, site](HttpClient& client) {
    // The callback runs behind those of its own subcommands too.
    if (!site->get_subcommands().empty()) return globals.exit;
    return show(globals, View::kSites, client.get("/v1/sites"));
  });
}

}  // namespace meridian::ctl
