// The body of a request that brings reports (POST /v1/load, /v1/arrivals): one JSON object, or one
// a line, of which each is taken or refused by itself.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "admin/http_server.h"
#include "base/config_node.h"
#include "base/diagnostics.h"

namespace meridian::admin {

// What became of one report: `name` and `text` as in the reply.
struct ReportVerdict {
  bool accepted = false;
  std::string_view name, text;
};

// How reports of one kind are read and where they go. Errors are those of what is no report at all.
struct ReportReader {
  std::string_view what;  // "load reports"
  std::function<Checked<ReportVerdict>(const ConfigNode&)> whole;
  std::function<Checked<ReportVerdict>(std::string_view)> line;
  std::function<ReportVerdict()> malformed;  // counts one of those, and names it
};

// One report: 200, or why not. Lines: 200 with the number of those accepted, and of the others the
// first 20, each with its line. A body over 1 MiB: 413.
HttpReply takeReports(const std::string& body, const ReportReader& reader);

}  // namespace meridian::admin
