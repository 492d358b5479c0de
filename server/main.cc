// meridiand: options, exit codes. 0 stopped by a signal; 1 could not serve; 2 unusable options or
// configuration.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "server/server.h"
#include "server/version.h"

namespace {

int serve(const std::string& config_file) {
  auto server = meridian::server::Server::start(config_file);
  if (!server) {
    std::fprintf(stderr, "meridiand: cannot start\n%s\n", server.error().message.c_str());
    return server.error().kind == meridian::ErrorKind::kInvalid ? 2 : 1;
  }
  (*server)->run();
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app{
      "meridiand: the DNS server that sends each user to the site that owns the user's data"};
  std::string config_file;
  app.add_option("-c,--config", config_file, "configuration, TOML (docs/config.md)")->required();
  app.set_version_flag("--version", std::string(meridian::server::kVersion));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return serve(config_file);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    // Nothing of ours throws past its own folder; this is memory or a thread that the system would
    // not give.
    std::fprintf(stderr, "meridiand: %s\n", error.what());
    return 1;
  }
}
