// What one attempt of a hook came to. The bytes are a stranger's: bounded, checked, never trusted
// to be printable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "partition/hooks/hook.h"

namespace meridian::partition {

struct HookReply {
  enum class Kind : std::uint8_t {
    kAllow,
    kVeto,
    kDefer,
    kRetry,     // not reached, no answer in time, 5xx, a redirect: it may work the next time
    kPermanent  // asking again would be answered the same
  };
  Kind kind = Kind::kAllow;
  std::string reason;    // as HookOutcome::reason
  std::string evidence;  // as HookOutcome::evidence
};

inline constexpr std::size_t kMaxHookReplyBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxHookReasonBytes = 512;
inline constexpr std::size_t kMaxHookEvidenceBytes = 4096;

// Any bytes as printable UTF-8 of at most `max_bytes`.
std::string shownText(std::string_view text, std::size_t max_bytes = kMaxHookReasonBytes);

// 2xx: the JSON object {decision, reason?, evidence?}, or nothing, which allows; in a notify phase
// the body says nothing. 409: done already. Other 4xx: permanent. The rest: retry.
HookReply readHttpReply(int status, std::string_view body, HookRole role);
// 0 allows, 10 allows with a warning, 20 defers, others are errors that may pass. The reason is the
// first line of standard output, or of standard error.
HookReply readExecEnd(int exit_code, std::string_view output, std::string_view problem);
// The attempt itself failed.
HookReply readFailure(const Error& error);

}  // namespace meridian::partition
