// The commands of meridianctl (docs/api.md): each turns its arguments into requests and shows the
// reply.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "admin/ctl/exit_code.h"
#include "admin/ctl/http_client.h"
#include "admin/ctl/show.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is CLI11's
namespace CLI {
class App;
}

namespace meridian::ctl {

struct Globals {
  std::string url = "http://127.0.0.1:8053";
  std::string token_file;
  bool json = false;
  ExitCode exit = ExitCode::kDone;  // set by the command that ran
};

// Adds all commands to `app`. `globals` must outlive the parsing.
void addCommands(CLI::App& app, Globals& globals);

// The parts of it that have files of their own.
void addHealth(CLI::App& app, Globals& globals);
void addSite(CLI::App& app, Globals& globals);
void addAcme(CLI::App& app, Globals& globals);
void addHold(CLI::App& app, Globals& globals);
void addChange(CLI::App& app, Globals& globals);
void addHa(CLI::App& app, Globals& globals);
void addLoad(CLI::App& app, Globals& globals);
void addLinks(CLI::App& app, Globals& globals);
void addZones(CLI::App& app, Globals& globals);
void addKeys(CLI::App& app, Globals& globals);

// Runs `command` with a client of the globals' server and token when `app` is the one that was
// asked for.
void onRun(CLI::App* app, Globals& globals, std::function<ExitCode(HttpClient&)> command);
// Shows a reply, or why there is none.
ExitCode show(const Globals& globals, View view, const Result<Reply>& reply);

// Compact; bytes that are no UTF-8 are replaced.
std::string bodyOf(const nlohmann::json& json);

// "meridianctl: MESSAGE" on stderr.
ExitCode complain(ExitCode code, const std::string& message);
void print(const std::string& text);

}  // namespace meridian::ctl
