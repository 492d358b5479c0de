#include "admin/ctl/run.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "admin/ctl/token_file.h"

namespace meridian::ctl {

ExitCode withClient(const Globals& globals, const Command& command) {
  std::string token;
  if (!globals.token_file.empty()) {
    auto read = readTokenFile(globals.token_file);
    if (!read) return complain(ExitCode::kUsage, "token file " + read.error().message);
    token = std::move(*read);
  }
  HttpClient client(globals.url, token);
  return command(client);
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

void onRun(CLI::App* app, Globals& globals, Command command) {
  app->callback(
      [&globals, command = std::move(command)] { globals.exit = withClient(globals, command); });
}

}  // namespace meridian::ctl
