// One line of the DRC feed (domain.md §3d): bytes → value, or why not. Pure; fuzzed.
//
// Lines are JSON objects (RFC 8259, UTF-8). Members that nobody knows are skipped, whatever is in
// them; a known member twice is an error, since two readers might pick different ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>

#include "partition/drc/link_view.h"

namespace meridian::partition {

inline constexpr std::size_t kMaxFeedLine = std::size_t{16} << 10;  // bytes, without the newline
inline constexpr std::size_t kMaxPosition = std::size_t{8} << 10;   // bytes of one position

// {"type":"hello","v":1,"agent":ID,"dc":ID,"boot":TEXT,"token":TEXT}; first of a stream or body.
struct HelloLine {
  std::string agent, dc;
  std::string boot;   // 1–64 bytes of printable ASCII; another one means the agent started anew
  std::string token;  // ≤ 512 bytes; may be absent
};

struct Conflicts {
  std::int64_t total = 0, last_1m = 0, unresolved = 0;
};

struct LinkLine {
  std::uint64_t seq = 0;  // 1…2^63−1
  std::string source, target;
  std::string channel;  // "default" when absent
  LinkState state = LinkState::kUnknown;
  std::optional<std::int64_t> lag_ms;  // nullopt: null or absent; ± a year; may be negative
  std::string src_pos, applied_pos;    // ≤ kMaxPosition; empty: not reported
  std::uint64_t gtid_gap = 0;
  std::int64_t hb_ts = 0, last_event_ts = 0;  // ms since 1970; 0: not reported
  std::int64_t ts = 0;                        // ms since 1970: when this was measured
  Conflicts conflicts;
};

// The agent lives. Says nothing about any link.
struct HeartbeatLine {
  std::uint64_t seq = 0;
  std::int64_t ts = 0;
};
struct AckLine {
  std::uint64_t seq = 0;
};
struct ByeLine {
  std::string reason;  // ≤ 256 bytes
};
struct UnknownLine {
  std::string type;  // ≤ 64 bytes of it
};
using FeedLine = std::variant<HelloLine, LinkLine, HeartbeatLine, AckLine, ByeLine, UnknownLine>;

// Label values of meridian_drc_rejected_total; stable.
enum class FeedReject : std::uint8_t {
  kTooLong,
  kNotJson,
  kNotObject,
  kTooDeep,
  kDuplicate,
  kMissing,
  kWrongType,
  kOutOfRange,
  kBadText
};
inline constexpr std::size_t kFeedRejects = 9;
std::string_view feedRejectName(FeedReject reason);  // "too_long", …

struct FeedError {
  FeedReject reason = FeedReject::kNotJson;
  std::string text;  // for people: which member, which value, what it must be
};

tl::expected<FeedLine, FeedError> decodeFeedLine(std::string_view line);

}  // namespace meridian::partition
