#include "admin/reply.h"

#include <nlohmann/json.hpp>

#include "admin/json.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;

// Text of ours may quote bytes from outside that are no UTF-8: replaced, never an exception.
std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json errorsOf(const Diagnostics& problems) {
  Json out = Json::array();
  for (const Diagnostic& entry : problems.entries()) {
    out.push_back({{"file", entry.place.file},
                   {"line", entry.place.line},
                   {"column", entry.place.column},
                   {"field", entry.field},
                   {"value", entry.value},
                   {"reason", entry.reason}});
  }
  return out;
}

Json errorJson(std::string_view kind, std::string_view reason) {
  return {{"error", kind}, {"reason", reason}};
}

std::string summary(const Diagnostics& problems) {
  if (problems.entries().empty()) return "the document is not valid";
  std::string out = problems.entries().front().text();
  if (problems.size() > 1) out += " (and " + std::to_string(problems.size() - 1) + " more)";
  return out;
}

}  // namespace

int statusOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kUnauthorized:
      return 401;
    case ErrorKind::kForbidden:
      return 403;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kConflict:
      return 409;
    case ErrorKind::kTooLarge:
      return 413;
    case ErrorKind::kRefused:
      return 422;
    case ErrorKind::kUnavailable:
      return 503;
    case ErrorKind::kCorrupt:
    case ErrorKind::kIo:
      return 500;
  }
  return 500;
}

HttpReply errorReply(int status, std::string_view kind, std::string_view reason) {
  return {.status = status, .body = dumped(errorJson(kind, reason))};
}

HttpReply errorReply(ErrorKind kind, std::string_view reason) {
  return errorReply(statusOf(kind), errorKindName(kind), reason);
}

HttpReply errorReply(const Error& error) {
  return errorReply(error.kind, error.message);
}

HttpReply invalidReply(const Diagnostics& problems) {
  Json json = errorJson("invalid", summary(problems));
  json["errors"] = errorsOf(problems);
  return {.status = 400, .body = dumped(json)};
}

HttpReply refusedReply(std::string_view rule, std::string_view reason,
                       const Diagnostics& problems) {
  Json json = errorJson("refused", reason);
  json["rule"] = rule;
  if (!problems.empty()) json["errors"] = errorsOf(problems);
  return {.status = 422, .body = dumped(json)};
}

HttpReply mapErrorReply(const partition::MapError& error) {
  Json json = errorJson(errorKindName(error.error.kind), error.error.message);
  if (!error.rule.empty()) json["rule"] = error.rule;
  if (error.current_epoch) json["current_epoch"] = *error.current_epoch;
  if (error.current_rev) json["current_rev"] = *error.current_rev;
  if (!error.needs_confirmation.empty()) {
    json["needs_confirmation"] = confirmationJson(error.needs_confirmation);
  }
  if (!error.problems.empty()) {
    json["errors"] = errorsOf(error.problems);
    if (error.error.message.empty()) json["reason"] = summary(error.problems);
  }
  return {.status = statusOf(error.error.kind), .body = dumped(json)};
}

}  // namespace meridian::admin
