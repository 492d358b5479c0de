// Errors are values: a kind that callers may act on, and a message that says what, where and why.
//
// Result<T> is tl::expected until std::expected is there; this alias is the one place to change.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace meridian {

enum class ErrorKind : std::uint8_t {
  kInvalid,       // the input is wrong; the same input will fail again
  kNotFound,      // what it names does not exist
  kConflict,      // a stale epoch or revision; read again and decide again
  kRefused,       // understood, but a rule forbids it
  kUnauthorized,  // no or unknown credentials
  kForbidden,     // credentials lack the role
  kTooLarge,      // over a stated bound
  kCorrupt,       // stored bytes are not what was written
  kIo,            // the operating system or the store failed
  kUnavailable,   // not now; may succeed later
};

// The name used in logs and REST bodies, e.g. "not_found".
std::string_view errorKindName(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kInvalid;
  std::string message;

  // The same error with "context: " before its message; for use on the way up.
  Error within(std::string_view context) const;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(message)});
}

}  // namespace meridian
