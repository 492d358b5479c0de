// One log line = one event: an id in snake_case, then key=value pairs. To stderr, levelled.
//
//   logInfo("zone_loaded", {{"zone", name}, {"records", std::to_string(n)}});
//
// Values are quoted when they hold spaces; control bytes are escaped, so that nothing from outside
// can forge a line. Thread-safe. Never called between the parsing of a query and its answer.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meridian {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

struct LogField {
  std::string_view key;
  std::string value;
};

Result<LogLevel> parseLogLevel(std::string_view name);
void setLogLevel(LogLevel level);
void logEvent(LogLevel level, std::string_view id, std::initializer_list<LogField> fields);

inline void logDebug(std::string_view id, std::initializer_list<LogField> fields = {}) {
  logEvent(LogLevel::kDebug, id, fields);
}
inline void logInfo(std::string_view id, std::initializer_list<LogField> fields = {}) {
  logEvent(LogLevel::kInfo, id, fields);
}
inline void logWarn(std::string_view id, std::initializer_list<LogField> fields = {}) {
  logEvent(LogLevel::kWarn, id, fields);
}
inline void logError(std::string_view id, std::initializer_list<LogField> fields = {}) {
  logEvent(LogLevel::kError, id, fields);
}

}  // namespace meridian
