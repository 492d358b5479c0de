// The files that the secrets of TSIG keys are in, one for each key; read again when they change, so
// that a secret is replaced without a restart (docs/transfers.md).
// Threads: the control thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dns/wire/tsig.h"
#include "server/tsig_config.h"

namespace meridian::server {

class TsigFiles {
 public:
  explicit TsigFiles(std::vector<TsigKeyConfig> keys) : keys_(std::move(keys)) {}

  // All keys, when a file says something else than at the last look; nullopt: none does. One that
  // cannot be used makes the look an error, which is told once; the files are looked at again all
  // the same. A secret never stands in an error.
  Result<std::optional<dns::TsigKeys>> look();

 private:
  std::vector<TsigKeyConfig> keys_;
  // What each file said, or why it could not be read; nullopt: nothing yet.
  std::optional<std::vector<std::string>> seen_;
};

}  // namespace meridian::server
