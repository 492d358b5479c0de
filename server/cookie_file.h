// The file that the secrets of DNS cookies are in, for a set of servers that share them; read again
// when it changes, so that a secret is rotated without a restart (docs/config.md).
// Threads: the control thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "dns/wire/cookie.h"

namespace meridian::server {

class CookieFile {
 public:
  explicit CookieFile(std::filesystem::path path) : path_(std::move(path)) {}

  // The secrets, when the file says something else than at the last look; nullopt: it does not. An
  // error is told once; the file is looked at again all the same.
  Result<std::optional<dns::CookieSecrets>> look();

 private:
  std::filesystem::path path_;
  std::optional<std::string>
      seen_;  // what it said, or why it could not be read; nullopt: nothing yet
};

}  // namespace meridian::server
