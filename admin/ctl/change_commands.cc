// `meridianctl change …`: ask for a change, watch it, give it orders.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "admin/ctl/commands.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

// How long one look may wait for the next step; the server allows no more.
constexpr unsigned kWatchSeconds = 30;

std::string pathOf(const std::string& id) {
  return "/v1/changes/" + HttpClient::segment(id);
}

struct StartArguments {
  std::vector<std::string> subjects;
  std::string to, reason, mode = "planned", data_policy = "lossless";
  std::vector<std::string> overrides;
  std::optional<std::uint64_t> expected_epoch, start_in, expires_in;
  bool dry_run = false, wait_for_holds = false;
};

Json startBody(const StartArguments& in, const char* kind) {
  Json body = {{"kind", kind},
               {"mode", in.mode},
               {"data_policy", in.data_policy},
               {"subjects", in.subjects},
               {"to", in.to},
               {"reason", in.reason},
               {"dry_run", in.dry_run}};
  if (in.expected_epoch) body["expected_epoch"] = *in.expected_epoch;
  if (in.wait_for_holds) body["wait_for_holds"] = true;
  if (in.start_in) body["start_in_s"] = *in.start_in;
  if (in.expires_in) body["expires_in_s"] = *in.expires_in;
  for (const std::string& rule : in.overrides) {
    body["overrides"].push_back({{"rule", rule}, {"reason", in.reason}});
  }
  return body;
}

void addStart(CLI::App& change, Globals& globals, const char* kind, const char* what,
              std::vector<std::string> modes) {
  CLI::App* sub = change.add_subcommand(kind, what);
  const auto in = std::make_shared<StartArguments>();
  sub->add_option("subjects", in->subjects, "Partitions, or one global zone")->required();
  sub->add_option("--to", in->to, "eZone that shall own it")->required();
  sub->add_option("--reason", in->reason, "Why; kept with the change")->required();
  sub->add_option("--mode", in->mode, "How")->check(CLI::IsMember(std::move(modes)));
  sub->add_option("--data-policy", in->data_policy, "What an emergency may lose")
      ->check(CLI::IsMember({"lossless", "bounded", "force"}));
  sub->add_option("--expected-epoch", in->expected_epoch, "Refuse unless this is the epoch");
  sub->add_option("--start-in", in->start_in, "Seconds from now");
  sub->add_option("--expires-in", in->expires_in, "Goes back by itself after so many seconds");
  sub->add_option("--override", in->overrides,
                  "Rule that shall not count, e.g. S6; for the reason");
  sub->add_flag("--wait-for-holds", in->wait_for_holds,
                "Start when nobody holds it any more, instead of being refused");
  sub->add_flag("--dry-run", in->dry_run, "Say what every rule finds, and change nothing");
  onRun(sub, globals, [&globals, in, kind](HttpClient& client) {
    return show(globals, View::kPlan,
                client.send("POST", "/v1/changes", {}, bodyOf(startBody(*in, kind))));
  });
}

// Prints each step as it happens until the change is over or needs somebody.
ExitCode watch(const Globals& globals, HttpClient& client, const std::string& id) {
  std::uint64_t seen = 0;
  for (;;) {
    const auto reply = client.get(
        pathOf(id), {{"after", std::to_string(seen)}, {"wait", std::to_string(kWatchSeconds)}},
        std::chrono::seconds(kWatchSeconds + 30));
    if (!reply || reply->status != 200) return show(globals, View::kRaw, reply);
    const Json change = Json::parse(reply->body, nullptr, false);
    const auto lines = watchLines(reply->body, seen);
    if (!lines) return complain(ExitCode::kRefused, lines.error().message);
    print(globals.json ? reply->body : *lines);
    std::fflush(stdout);
    seen = change.value("step", std::uint64_t{0});
    const std::string state = change.value("state", "");
    if (state == "DONE") return ExitCode::kDone;
    if (state == "ABORTED" || state == "NEEDS_OPERATOR") return ExitCode::kRefused;
  }
}

void addLook(CLI::App& change, Globals& globals) {
  CLI::App* list = change.add_subcommand("list", "Changes, newest first");
  const auto open = std::make_shared<bool>(false);
  list->add_flag("--open", *open, "Only those that are not over");
  onRun(list, globals, [&globals, open](HttpClient& client) {
    return show(globals, View::kChanges, client.get("/v1/changes", {{"open", *open ? "1" : ""}}));
  });
  for (const bool live : {false, true}) {
    CLI::App* sub =
        change.add_subcommand(live ? "watch" : "show",
                              live ? "Follow a change until it is over (exit 1 when it ends badly)"
                                   : "One change, whole");
    const auto id = std::make_shared<std::string>();
    sub->add_option("id", *id, "Change, e.g. c-17")->required();
    onRun(sub, globals, [&globals, id, live](HttpClient& client) {
      return live ? watch(globals, client, *id)
                  : show(globals, View::kChange, client.get(pathOf(*id)));
    });
  }
}

void addOrders(CLI::App& change, Globals& globals) {
  for (const auto& [order, what] :
       {std::pair{"pause", "Wait where it is, if nobody is blocked"},
        std::pair{"resume", "Go on; after NEEDS_OPERATOR, try what remained again"},
        std::pair{"abort", "Put everything back; after COMMIT roll back instead"},
        std::pair{"resolve", "What remained was done by hand"}}) {
    CLI::App* sub = change.add_subcommand(order, what);
    const auto id = std::make_shared<std::string>();
    sub->add_option("id", *id, "Change")->required();
    onRun(sub, globals, [&globals, id, name = std::string(order)](HttpClient& client) {
      return show(globals, View::kChange, client.send("POST", pathOf(*id) + "/" + name, {}, ""));
    });
  }
  CLI::App* sub = change.add_subcommand("rollback", "A new change that takes it back");
  const auto in = std::make_shared<StartArguments>();
  sub->add_option("id", in->to, "Change")->required();
  sub->add_option("--reason", in->reason, "Why")->required();
  sub->add_option("--mode", in->mode, "How")
      ->check(CLI::IsMember({"planned", "gradual", "emergency"}));
  sub->add_flag("--dry-run", in->dry_run, "Check only");
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    const Json body = {{"mode", in->mode}, {"reason", in->reason}, {"dry_run", in->dry_run}};
    return show(globals, View::kPlan,
                client.send("POST", pathOf(in->to) + "/rollback", {}, bodyOf(body)));
  });
}

}  // namespace

void addChange(CLI::App& app, Globals& globals) {
  CLI::App* change = app.add_subcommand("change", "Safe changes: shifts and switches in steps");
  change->require_subcommand(1);
  addStart(*change, globals, "shift", "Move partitions to another eZone",
           {"planned", "gradual", "emergency", "drill"});
  addStart(*change, globals, "switch", "Move the primary of a global zone",
           {"planned", "emergency", "drill"});
  addLook(*change, globals);
  addOrders(*change, globals);
}

}  // namespace meridian::ctl
