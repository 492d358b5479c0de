// meridianctl ha: what the high-availability framework has told.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "admin/ctl/commands.h"

namespace meridian::ctl {

void addHa(CLI::App& app, Globals& globals) {
  CLI::App* ha = app.add_subcommand("ha", "What the high-availability framework has told");
  ha->require_subcommand(1);
  CLI::App* sub = ha->add_subcommand("events", "Events and what became of them, newest first");
  const auto limit = std::make_shared<std::string>("50");
  sub->add_option("--limit", *limit, "So many, at most 1000")->check(CLI::Range(1, 1000));
  onRun(sub, globals, [&globals, limit](HttpClient& client) {
    return show(globals, View::kHaEvents, client.get("/v1/ha/events", {{"limit", *limit}}));
  });
}

}  // namespace meridian::ctl
