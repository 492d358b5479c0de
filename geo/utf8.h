// Whether bytes are UTF-8 (RFC 3629 §4): names from databases and lists end in JSON and logs.
#pragma once

#include <string_view>

namespace meridian::geo {

bool isUtf8(std::string_view text) noexcept;

}  // namespace meridian::geo
