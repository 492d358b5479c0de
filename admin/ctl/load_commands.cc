// meridianctl load, meridianctl forwarders, meridianctl balancer.
#include <CLI/CLI.hpp>

#include "admin/ctl/commands.h"

namespace meridian::ctl {

void addLoad(CLI::App& app, Globals& globals) {
  onRun(app.add_subcommand("load", "How full sites are, as it is reported"), globals,
        [&globals](HttpClient& client) {
          return show(globals, View::kLoad, client.get("/v1/load"));
        });
  onRun(app.add_subcommand("forwarders", "Which old eZones must still send on what comes to them"),
        globals, [&globals](HttpClient& client) {
          return show(globals, View::kForwarders, client.get("/v1/forwarders"));
        });
  onRun(app.add_subcommand("balancer", "What should move to even load out, and what did"), globals,
        [&globals](HttpClient& client) {
          return show(globals, View::kBalancer, client.get("/v1/balancer"));
        });
}

}  // namespace meridian::ctl
