// The process's limit of open files (RLIMIT_NOFILE).
#pragma once

#include <cstddef>

#include "base/result.h"

namespace meridian::server {

// Makes the soft limit at least `files`. kRefused when the hard limit is lower: the soft limit is
// then the hard one. kIo.
Status raiseFileLimit(std::size_t files);

}  // namespace meridian::server
