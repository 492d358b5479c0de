// A bearer token: one line in a file that nobody else may read.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace meridian {

// kForbidden: readable or writable by group or others. kInvalid: not one line of visible ASCII.
// The token never stands in an error.
Result<std::string> readTokenFile(const std::filesystem::path& file);

}  // namespace meridian
