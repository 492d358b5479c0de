// The program's version, as CMake has it.
#pragma once

namespace meridian::server {

inline constexpr const char* kVersion = "meridian " MERIDIAN_VERSION;

}  // namespace meridian::server
