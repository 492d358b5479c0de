// JSON replies: the one place where an error becomes a status, a kind and a reason (docs/api.md).
#pragma once

#include <string>
#include <string_view>

#include "admin/http_server.h"
#include "base/diagnostics.h"
#include "base/result.h"
#include "partition/map_service.h"

namespace meridian::admin {

int statusOf(ErrorKind kind);

// {"error": KIND, "reason": TEXT}
HttpReply errorReply(int status, std::string_view kind, std::string_view reason);
HttpReply errorReply(ErrorKind kind, std::string_view reason);
HttpReply errorReply(const Error& error);
// 400 with every entry: {"error": "invalid", "reason": …, "errors": [{file, line, column, field,
// value, reason}]}
HttpReply invalidReply(const Diagnostics& problems);
// 422: understood, but a rule forbids it; `problems` may be empty.
HttpReply refusedReply(std::string_view rule, std::string_view reason,
                       const Diagnostics& problems = {});
// With current_epoch or current_rev for conflicts, `rule` for refusals, `errors` for documents.
HttpReply mapErrorReply(const partition::MapError& error);

}  // namespace meridian::admin
