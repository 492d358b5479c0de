// Whole files, bounded and atomic.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meridian {

// The whole of a regular file of at most `max_bytes`; kTooLarge beyond that, kNotFound, kIo.
Result<std::string> readFile(const std::filesystem::path& path, std::size_t max_bytes);

// Writes a temporary file beside `path` with `mode`, syncs it, renames it over `path` and syncs the
// folder: after a crash the file is the old one or the new one, never half.
Status writeFileAtomically(const std::filesystem::path& path, std::string_view content,
                           mode_t mode);

}  // namespace meridian
