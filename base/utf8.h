// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <string_view>

namespace meridian {

// True when `text` is UTF-8 without control characters (U+0000–U+001F, U+007F–U+009F): safe to show
// in a log, a terminal or a table.
bool isPrintableUtf8(std::string_view text);

}  // namespace meridian
