// meridianctl: the operator's tool. Talks REST; works offline for check and explain --config.
#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "admin/ctl/commands.h"

namespace {

using meridian::ctl::ExitCode;

ExitCode run(int argc, char** argv) {
  // Not thread-safe, hence here, before anything else.
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return meridian::ctl::complain(ExitCode::kUnreachable, "libcurl does not start");
  }
  CLI::App app{"meridianctl: look at and move what a Meridian server serves"};
  meridian::ctl::Globals globals;
  app.add_option("--url", globals.url, "Server's admin address")
      ->envname("MERIDIAN_URL")
      ->capture_default_str();
  app.add_option("--token-file", globals.token_file, "File with the token, mode 0600")
      ->envname("MERIDIAN_TOKEN_FILE");
  app.add_flag("--json", globals.json, "Print replies as they came");
  app.require_subcommand(1);
  app.fallthrough();
  meridian::ctl::addCommands(app, globals);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool help = app.exit(error) == 0;
    globals.exit = help ? ExitCode::kDone : ExitCode::kUsage;
  }
  curl_global_cleanup();
  if (std::fflush(stdout) != 0) {
    globals.exit = meridian::ctl::complain(ExitCode::kRefused, "cannot write the output");
  }
  return globals.exit;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return static_cast<int>(run(argc, argv));
  } catch (const std::exception& error) {
    // Nothing of ours throws; this is want of memory, or a mistake in how the commands are set up.
    std::fprintf(stderr, "meridianctl: %s\n", error.what());
    return static_cast<int>(ExitCode::kRefused);
  }
}
