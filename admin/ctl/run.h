// How every command of meridianctl runs: with a client, to a reply that is shown.
#pragma once

#include <functional>

#include "admin/ctl/commands.h"
#include "admin/ctl/http_client.h"
#include "admin/ctl/show.h"

namespace meridian::ctl {

using Command = std::function<ExitCode(HttpClient&)>;

// Opens the connection's settings and runs the command; a token that cannot be used ends it before
// any request.
ExitCode withClient(const Globals& globals, const Command& command);
// Runs the command when `app` was parsed. `globals` must outlive the parsing.
void onRun(CLI::App* app, Globals& globals, Command command);
// Prints a reply, or why there is none.
ExitCode show(const Globals& globals, View view, const Result<Reply>& reply);

}  // namespace meridian::ctl
