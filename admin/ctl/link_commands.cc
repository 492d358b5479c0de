// meridianctl links: replication between sites, now and in the past.
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "admin/ctl/commands.h"
#include "base/clock.h"

namespace meridian::ctl {
namespace {

void addHistory(CLI::App& links, Globals& globals) {
  CLI::App* sub = links.add_subcommand("history", "What one link was, oldest first");
  struct Asked {
    std::string source, target, channel = "default", limit = "1440";
    std::uint32_t minutes = 0;
  };
  const auto in = std::make_shared<Asked>();
  sub->add_option("source", in->source, "Site")->required();
  sub->add_option("target", in->target, "Site")->required();
  sub->add_option("--channel", in->channel, "Another than default");
  sub->add_option("--minutes", in->minutes, "Only the last so many")->check(CLI::PositiveNumber);
  sub->add_option("--limit", in->limit, "Rows, at most 5000")->check(CLI::Range(1, 5000));
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    Query query = {{"limit", in->limit}};
    if (in->minutes > 0) {
      const WallTime since = SystemClock().wallNow() - std::chrono::minutes(in->minutes);
      query.emplace_back("since", std::to_string(unixMillis(since)));
    }
    return show(globals, View::kLinkHistory,
                client.get("/v1/links/" + HttpClient::segment(in->source) + "/" +
                               HttpClient::segment(in->target) + "/" +
                               HttpClient::segment(in->channel) + "/history",
                           query));
  });
}

}  // namespace

void addLinks(CLI::App& app, Globals& globals) {
  CLI::App* sub = app.add_subcommand("links", "Replication between sites, as it is reported");
  struct Filter {
    std::string source, target, channel;
  };
  const auto in = std::make_shared<Filter>();
  sub->add_option("--source", in->source, "Only from this site");
  sub->add_option("--target", in->target, "Only to this site");
  sub->add_option("--channel", in->channel, "Only this channel");
  addHistory(*sub, globals);
  onRun(sub, globals, [&globals, sub, in](HttpClient& client) {
    // The callback runs behind those of its own subcommands too.
    if (!sub->get_subcommands().empty()) return globals.exit;
    return show(
        globals, View::kLinks,
        client.get("/v1/links",
                   {{"source", in->source}, {"target", in->target}, {"channel", in->channel}}));
  });
}

}  // namespace meridian::ctl
