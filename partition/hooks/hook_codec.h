// A HookCall as its receivers see it (JSON payload, GEO_* environment) and as the outbox keeps it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "partition/hooks/hook.h"

namespace meridian::partition {

// "<change>:<phase>:<hook>": the same for every attempt of one call.
std::string idempotencyKey(const HookCall& call, std::string_view hook);

// The body of a request and the standard input of a program (docs/hooks.md).
std::string hookPayload(const HookCall& call, std::string_view hook, unsigned attempt);
// PATH and GEO_…; values as they are, for no shell to read.
std::vector<std::pair<std::string, std::string>> hookEnvironment(const HookCall& call,
                                                                 std::string_view hook,
                                                                 unsigned attempt);

// For the outbox: decodeCall(encodeCall(c)) is c. kCorrupt.
std::string encodeCall(const HookCall& call);
Result<HookCall> decodeCall(std::string_view text);

}  // namespace meridian::partition
