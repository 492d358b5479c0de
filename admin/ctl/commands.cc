#include "admin/ctl/commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "admin/ctl/http_client.h"
#include "admin/ctl/offline.h"
#include "admin/ctl/show.h"
#include "base/file.h"
#include "base/token_file.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxTopologyFile = std::size_t{64} << 20;

// Opens the connection's settings and runs the command; a token that cannot be used ends it before
// any request.
ExitCode withClient(const Globals& globals, const std::function<ExitCode(HttpClient&)>& command) {
  std::string token;
  if (!globals.token_file.empty()) {
    auto read = readTokenFile(globals.token_file);
    if (!read) return complain(ExitCode::kUsage, "token file " + read.error().message);
    token = std::move(*read);
  }
  HttpClient client(globals.url, token);
  return command(client);
}

struct ShiftArguments {
  std::string partition, to, reason;
  std::optional<std::uint64_t> expected_epoch;
  bool dry_run = false;
};

ExitCode shift(const Globals& globals, HttpClient& client, const ShiftArguments& arguments) {
  const std::string path = "/v1/partitions/" + HttpClient::segment(arguments.partition);
  std::optional<std::uint64_t> epoch = arguments.expected_epoch;
  if (!epoch) {
    const auto current = client.get(path);
    if (!current || current->status != 200) return show(globals, View::kPartition, current);
    const Json assignment = Json::parse(current->body, nullptr, false);
    if (!assignment.is_object() || !assignment.contains("epoch") ||
        !assignment.at("epoch").is_number_unsigned()) {
      return complain(ExitCode::kRefused, "the reply has no epoch; is --url a Meridian?");
    }
    epoch = assignment.at("epoch").get<std::uint64_t>();
  }
  const Json body = {{"to", arguments.to},
                     {"expected_epoch", *epoch},
                     {"reason", arguments.reason},
                     {"dry_run", arguments.dry_run}};
  return show(globals, View::kRemap, client.send("POST", path + "/remap", {}, bodyOf(body)));
}

ExitCode status(const Globals& globals, HttpClient& client) {
  const auto live = client.get("/livez");
  if (!live || live->status != 200) return show(globals, View::kRaw, live);
  const auto ready = client.get("/readyz");
  if (!ready || globals.json || ready->status != 200) {
    return show(globals, View::kRaw, ready);
  }
  const Json reply = Json::parse(ready->body, nullptr, false);
  const bool known = reply.is_object() && reply.contains("rev");
  print(client.url() + " is live and ready" + (known ? ", rev " + reply.at("rev").dump() : "") +
        "\n");
  return ExitCode::kDone;
}

void addShift(CLI::App& app, Globals& globals) {
  CLI::App* sub = app.add_subcommand("shift", "Move a partition to another eZone, now");
  const auto in = std::make_shared<ShiftArguments>();
  sub->add_option("partition", in->partition, "Partition")->required();
  sub->add_option("--to", in->to, "eZone that shall own it")->required();
  sub->add_option("--reason", in->reason, "Why; kept in the journal")->required();
  sub->add_option("--expected-epoch", in->expected_epoch,
                  "Refuse unless this is the epoch; default: read it first");
  sub->add_flag("--dry-run", in->dry_run, "Check only");
  onRun(sub, globals, [&globals, in](HttpClient& client) { return shift(globals, client, *in); });
}

void addPartitions(CLI::App& app, Globals& globals) {
  CLI::App* list = app.add_subcommand("partitions", "List assignments");
  const auto zone = std::make_shared<std::string>();
  const auto ezone = std::make_shared<std::string>();
  list->add_option("--zone", *zone, "Only of this zone of the model");
  list->add_option("--ezone", *ezone, "Only those this eZone owns");
  onRun(list, globals, [&globals, zone, ezone](HttpClient& client) {
    return show(globals, View::kPartitions,
                client.get("/v1/partitions", {{"zone", *zone}, {"ezone", *ezone}}));
  });
  CLI::App* one = app.add_subcommand("partition", "Show one assignment");
  const auto id = std::make_shared<std::string>();
  one->add_option("id", *id, "Partition")->required();
  onRun(one, globals, [&globals, id](HttpClient& client) {
    return show(globals, View::kPartition,
                client.get("/v1/partitions/" + HttpClient::segment(*id)));
  });
}

struct PutArguments {
  std::string file, reason;
  std::string expected_rev;
  bool dry_run = false;
  bool confirm_moves = false;
};

void addTopology(CLI::App& app, Globals& globals) {
  CLI::App* topology = app.add_subcommand("topology", "Read or replace the topology");
  topology->require_subcommand(1);
  onRun(topology->add_subcommand("get", "Print it"), globals, [&globals](HttpClient& client) {
    return show(globals, View::kRaw, client.get("/v1/topology"));
  });
  CLI::App* put = topology->add_subcommand("put", "Replace it by a file");
  const auto in = std::make_shared<PutArguments>();
  put->add_option("file", in->file, "Topology document")->required();
  put->add_option("--reason", in->reason, "Why; kept in the journal")->required();
  put->add_option("--expected-rev", in->expected_rev, "Refuse unless this is the rev")
      ->check(CLI::PositiveNumber);
  put->add_flag("--dry-run", in->dry_run, "Check and show the diff only");
  put->add_flag("--confirm-moves", in->confirm_moves,
                "It is meant that many places go to other partitions");
  onRun(put, globals, [&globals, in](HttpClient& client) {
    const auto document = readFile(in->file, kMaxTopologyFile);
    if (!document) return complain(ExitCode::kUsage, document.error().message);
    return show(globals, View::kTopologyPut,
                client.send("PUT", "/v1/topology",
                            {{"dry_run", in->dry_run ? "1" : ""},
                             {"confirm_moves", in->confirm_moves ? "1" : ""},
                             {"expected_rev", in->expected_rev},
                             {"reason", in->reason}},
                            *document));
  });
}

struct ExplainArguments {
  OfflineQuestion question;
  std::string type, config;
};

void addExplain(CLI::App& app, Globals& globals) {
  CLI::App* sub = app.add_subcommand("explain", "Why a client gets the answer it gets");
  const auto in = std::make_shared<ExplainArguments>();
  sub->add_option("name", in->question.name, "Name that is asked for")->required();
  sub->add_option("--client", in->question.client, "Address of the client or its resolver");
  sub->add_option("--subnet", in->question.subnet, "Client subnet of the query (ECS)");
  sub->add_option("--type", in->type, "Show the records of this type only");
  sub->add_option("--config", in->config, "Answer offline from this configuration");
  sub->callback([&globals, in] {
    if (!in->config.empty()) {
      globals.exit = explainOffline(in->config, in->question, globals.json);
      return;
    }
    globals.exit = withClient(globals, [&](HttpClient& client) {
      return show(globals, View::kExplain,
                  client.get("/v1/explain", {{"name", in->question.name},
                                             {"client", in->question.client},
                                             {"subnet", in->question.subnet},
                                             {"type", in->type}}));
    });
  });
}

struct ResolveArguments {
  std::string service, access;
  std::string client, lat, lon, geohash, city, poi, key;
};

void addResolve(CLI::App& app, Globals& globals) {
  CLI::App* sub = app.add_subcommand("resolve", "Which site serves a place");
  const auto in = std::make_shared<ResolveArguments>();
  sub->add_option("service", in->service, "Name of the service")->required();
  sub->add_option("--client", in->client, "By address");
  CLI::Option* lat = sub->add_option("--lat", in->lat, "By point, degrees")->check(CLI::Number);
  CLI::Option* lon = sub->add_option("--lon", in->lon, "By point, degrees")->check(CLI::Number);
  lat->needs(lon);
  lon->needs(lat);
  sub->add_option("--geohash", in->geohash, "By geohash");
  sub->add_option("--city", in->city, "By city of the catalogue");
  sub->add_option("--poi", in->poi, "By point of interest of the catalogue");
  sub->add_option("--key", in->key, "By sharding key");
  sub->add_option("--access", in->access, "In a global zone: rw or ro")
      ->check(CLI::IsMember({"rw", "ro"}));
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    return show(globals, View::kResolve,
                client.get("/v1/resolve", {{"service", in->service},
                                           {"client", in->client},
                                           {"lat", in->lat},
                                           {"lon", in->lon},
                                           {"geohash", in->geohash},
                                           {"city", in->city},
                                           {"poi", in->poi},
                                           {"key", in->key},
                                           {"access", in->access}}));
  });
}

void addTable(CLI::App& app, Globals& globals) {
  CLI::App* sub = app.add_subcommand("table", "The assignment table, or what changed in it");
  const auto since = std::make_shared<std::string>();
  const auto wait = std::make_shared<unsigned>(0);
  CLI::Option* from = sub->add_option("--since", *since, "Only what changed after this rev")
                          ->check(CLI::NonNegativeNumber);
  sub->add_option("--wait", *wait, "Wait up to so many seconds for a newer rev")
      ->needs(from)
      ->check(CLI::Range(0, 30));
  onRun(sub, globals, [&globals, since, wait](HttpClient& client) {
    const std::string seconds = *wait == 0 ? "" : std::to_string(*wait);
    return show(globals, View::kTable,
                client.get("/v1/table", {{"since", *since}, {"wait", seconds}},
                           std::chrono::seconds(*wait + 30)));
  });
}

void addVersions(CLI::App& app, Globals& globals) {
  CLI::App* list = app.add_subcommand("versions", "The journal, newest first");
  const auto limit = std::make_shared<std::string>();
  list->add_option("--limit", *limit, "At most so many")->check(CLI::Range(1, 1000));
  onRun(list, globals, [&globals, limit](HttpClient& client) {
    return show(globals, View::kVersions, client.get("/v1/versions", {{"limit", *limit}}));
  });
  CLI::App* one = app.add_subcommand("version", "One record of the journal");
  const auto rev = std::make_shared<std::string>();
  one->add_option("rev", *rev, "Revision")->required()->check(CLI::PositiveNumber);
  onRun(one, globals, [&globals, rev](HttpClient& client) {
    return show(globals, View::kVersion, client.get("/v1/versions/" + HttpClient::segment(*rev)));
  });
  CLI::App* diff = app.add_subcommand("diff", "Assignments that differ between two revisions");
  const auto from = std::make_shared<std::string>();
  const auto to = std::make_shared<std::string>();
  diff->add_option("from", *from, "Revision")->required()->check(CLI::PositiveNumber);
  diff->add_option("to", *to, "Revision")->required()->check(CLI::PositiveNumber);
  onRun(diff, globals, [&globals, from, to](HttpClient& client) {
    return show(globals, View::kDiff,
                client.get("/v1/versions/diff", {{"from", *from}, {"to", *to}}));
  });
}

struct RollbackArguments {
  std::string rev, reason;
  std::optional<std::uint64_t> expected_rev;
  bool dry_run = false;
};

void addRollback(CLI::App& app, Globals& globals) {
  CLI::App* sub = app.add_subcommand("rollback", "A new commit with the assignments of a revision");
  const auto in = std::make_shared<RollbackArguments>();
  sub->add_option("rev", in->rev, "Revision to go back to")->required()->check(CLI::PositiveNumber);
  sub->add_option("--reason", in->reason, "Why; kept in the journal")->required();
  sub->add_option("--expected-rev", in->expected_rev, "Refuse unless this is the rev");
  sub->add_flag("--dry-run", in->dry_run, "Check only");
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    Json body = {{"reason", in->reason}, {"dry_run", in->dry_run}};
    if (in->expected_rev) body["expected_rev"] = *in->expected_rev;
    return show(globals, View::kRollback,
                client.send("POST", "/v1/versions/" + HttpClient::segment(in->rev) + "/rollback",
                            {}, bodyOf(body)));
  });
}

void addConsumers(CLI::App& app, Globals& globals) {
  onRun(app.add_subcommand("consumers", "Routers and DALs that follow the table, and how far"),
        globals, [&globals](HttpClient& client) {
          return show(globals, View::kConsumers, client.get("/v1/consumers"));
        });
}

void addHooks(CLI::App& app, Globals& globals) {
  CLI::App* hooks = app.add_subcommand("hooks", "Calls to others in the phases of a change");
  hooks->require_subcommand(1);
  onRun(hooks->add_subcommand("list", "What is configured, and how it went"), globals,
        [&globals](HttpClient& client) {
          return show(globals, View::kHooks, client.get("/v1/hooks"));
        });
  onRun(hooks->add_subcommand("dead-letters", "Messages that were given up"), globals,
        [&globals](HttpClient& client) {
          return show(globals, View::kDeadLetters, client.get("/v1/hooks/dead-letters"));
        });
  const auto on_letter = [&](const char* name, const char* help, const char* method,
                             const char* suffix) {
    CLI::App* sub = hooks->add_subcommand(name, help);
    const auto id = std::make_shared<std::string>();
    sub->add_option("id", *id, "Of the dead letter")->required()->check(CLI::PositiveNumber);
    onRun(sub, globals, [&globals, id, method, suffix](HttpClient& client) {
      const std::string path = "/v1/hooks/dead-letters/" + HttpClient::segment(*id) + suffix;
      return show(globals, View::kHandled, client.send(method, path, {}, ""));
    });
  };
  on_letter("requeue", "Send a dead letter again", "POST", "/requeue");
  on_letter("drop", "Forget a dead letter", "DELETE", "");
}

}  // namespace

void onRun(CLI::App* app, Globals& globals, std::function<ExitCode(HttpClient&)> command) {
  app->callback(
      [&globals, command = std::move(command)] { globals.exit = withClient(globals, command); });
}

ExitCode show(const Globals& globals, View view, const Result<Reply>& reply) {
  if (!reply) {
    return complain(ExitCode::kUnreachable,
                    "no answer from " + reply.error().message +
                        "\nnext: is meridiand running, and is --url its admin.listen?");
  }
  if (reply->status < 200 || reply->status > 299) {
    if (globals.json) print(reply->body);
    std::string text = refusalText(*reply);
    text.pop_back();
    return complain(ExitCode::kRefused, text);
  }
  const auto text = shown(globals.json ? View::kRaw : view, reply->body);
  if (!text) return complain(ExitCode::kRefused, text.error().message);
  print(*text);
  return ExitCode::kDone;
}

void addCommands(CLI::App& app, Globals& globals) {
  addShift(app, globals);
  addPartitions(app, globals);
  addTopology(app, globals);
  addExplain(app, globals);
  addResolve(app, globals);
  addTable(app, globals);
  addVersions(app, globals);
  addRollback(app, globals);
  addZones(app, globals);
  addKeys(app, globals);
  addAcme(app, globals);
  addChange(app, globals);
  addConsumers(app, globals);
  addLinks(app, globals);
  addHealth(app, globals);
  addHold(app, globals);
  addSite(app, globals);
  addHa(app, globals);
  addHooks(app, globals);
  addLoad(app, globals);
  onRun(app.add_subcommand("status", "Liveness, readiness, rev"), globals,
        [&globals](HttpClient& client) { return status(globals, client); });
  onRun(app.add_subcommand("metrics", "Prometheus text"), globals, [&globals](HttpClient& client) {
    return show(globals, View::kRaw, client.get("/metrics"));
  });
  CLI::App* check = app.add_subcommand("check", "Load a configuration as the server would");
  const auto config = std::make_shared<std::string>();
  check->add_option("config", *config, "meridiand's configuration")->required();
  check->callback([&globals, config] { globals.exit = checkConfig(*config, globals.json); });
}

std::string bodyOf(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ExitCode complain(ExitCode code, const std::string& message) {
  std::fprintf(stderr, "meridianctl: %s\n", message.c_str());
  return code;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace meridian::ctl
