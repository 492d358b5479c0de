// What the high-availability framework (EMHA) tells: one event, as JSON, hostile until decoded.
//
//   {"event_id": "e-1", "type": "switch.request", "cluster": "order-3", "scope": "cross_dc",
//    "subjects": ["p17"], "from": {"host": "db1", "dc": "bj"}, "to": {"host": "db7", "dc": "sh"},
//    "reason": "planned", "positions": {"gtid_executed": "…"}, "expected_epoch": 65,
//    "occurred_at": 1777636800000, "expires_at": 1777636860000, "auto": false,
//    "correlation_id": "ticket-4"}
//
// Which members a type needs: docs/hooks.md, "Inbound". Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "partition/ids.h"

namespace meridian::partition {

enum class HaEventType : std::uint8_t {
  kFailureDetected,
  kSwitchRequest,  // may I? The only one that can start a change
  kSwitchStarted,
  kSwitchCompleted,
  kSwitchFailed,
  kDcIsolated,
  kDcRecovered,
  kWriteBlocked,
  kWriteUnblocked,
  kHeartbeat
};
inline constexpr std::size_t kHaEventTypes = 10;
enum class HaScope : std::uint8_t { kIntraDc, kCrossDc, kDc };
enum class HaReason : std::uint8_t { kPlanned, kFailure, kDrill };

std::string_view haEventTypeName(HaEventType type);  // "failure.detected", …
std::string_view haScopeName(HaScope scope);         // "intra_dc", …
std::string_view haReasonName(HaReason reason);      // "planned", …
std::optional<HaEventType> haEventTypeOf(std::string_view name);
std::optional<HaScope> haScopeOf(std::string_view name);
std::optional<HaReason> haReasonOf(std::string_view name);

struct HaPlace {
  std::string host;  // may be empty
  std::string dc;    // an id
};

struct HaEvent {
  std::string event_id;
  HaEventType type = HaEventType::kHeartbeat;
  std::string cluster;
  HaScope scope = HaScope::kIntraDc;
  std::vector<std::string> subjects;  // all different
  HaPlace from;
  HaPlace to;                        // dc is empty when it was not given
  std::optional<HaReason> reason{};  // always of a switch
  std::string gtid_executed;
  std::optional<Epoch> expected_epoch{};  // only with one subject
  WallTime occurred_at{};
  WallTime expires_at{};  // after occurred_at, by at most kMaxHaLife
  bool automatic = false;
  std::string correlation_id;
  // SHA-256, in hex, of what was said, whatever the order of its members and the spaces between.
  std::string digest;
};

inline constexpr std::size_t kMaxHaEventBytes = std::size_t{16} << 10;
inline constexpr std::size_t kMaxHaSubjects = 64;
inline constexpr std::chrono::hours kMaxHaLife{72};

// Every error with its path; unknown members are errors.
Checked<HaEvent> decodeHaEvent(std::string_view text);

}  // namespace meridian::partition
