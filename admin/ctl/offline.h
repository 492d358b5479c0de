// Commands that need no server: the server's own loader and the server's own decision.
#pragma once

#include <string>

#include "admin/ctl/exit_code.h"

namespace meridian::ctl {

// Loads and compiles all that the configuration names. Every error goes to stderr (kUsage), else a
// summary to stdout.
ExitCode checkConfig(const std::string& config_file, bool json);

struct OfflineQuestion {
  std::string name;
  std::string client;  // address; may be empty where the name says where
  std::string subnet;  // CIDR; wins over the client unless it is private
};
// The decision with homes as assignments and all sites UP: what a first start would answer.
ExitCode explainOffline(const std::string& config_file, const OfflineQuestion& question, bool json);

}  // namespace meridian::ctl
