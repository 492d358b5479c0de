// How meridianctl ends (docs/api.md): scripts depend on these numbers.
#pragma once

namespace meridian::ctl {

enum class ExitCode : int {
  kDone = 0,
  kRefused = 1,      // the server refused or failed; the reason is on stderr
  kUsage = 2,        // wrong usage, or a configuration that cannot be used
  kUnreachable = 3,  // no answer from the server
};

}  // namespace meridian::ctl
