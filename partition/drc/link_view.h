// What the safety rules see of replication between two sites (domain.md §3d): a value, worst case
// included.
//
// I5: nothing here that is unknown, null, stale or negative may satisfy a rule about lag. So a lag
// that is not known is nullopt and never 0, and a reader that compares must first ask whether there
// is one.
// Threads: the control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::partition {

// By the age of the newest report that counts; a link whose lag is unknown is kUnknown at any age.
enum class Freshness : std::uint8_t { kFresh, kStale, kUnknown };
std::string_view freshnessName(Freshness freshness);  // "FRESH", …

enum class LinkState : std::uint8_t {
  kRunning,
  kCatchingUp,
  kStalled,
  kPaused,
  kRebasing,
  kBroken,
  kUnknown
};
std::string_view linkStateName(LinkState state);  // "RUNNING", "CATCHING_UP", …
std::optional<LinkState> linkStateOf(std::string_view name);
// The one that a planner should fear more: RUNNING < CATCHING_UP < REBASING < PAUSED < STALLED <
// BROKEN < UNKNOWN.
LinkState worseState(LinkState a, LinkState b);

struct LinkView {
  LinkState state = LinkState::kUnknown;
  Freshness freshness = Freshness::kUnknown;
  // Reported lag + age of the report + bound of the clocks' difference; nullopt: unknown.
  std::optional<std::int64_t> effective_lag_ms;
  // The worst of the last 60 s, in which a report younger than LinkLimits::on_time adds no age
  // (with a beat of a second nothing would ever be below a second). nullopt: it was unknown at some
  // time in them, it is known for less than 60 s, or the clocks differ too much.
  std::optional<std::int64_t> worst_lag_60s_ms;
  // As reported; empty: not known. Over several channels the union of GTID sets, or empty where
  // they are no GTID sets.
  std::string src_pos, applied_pos;
  std::uint64_t src_seq = 0, applied_seq = 0;  // of "opaque@SEQ" positions, else 0
  std::uint64_t gtid_gap = 0;                  // transactions, as reported
  bool conflicts_growing = false;              // unresolved ones became more in the last 60 s
  std::int64_t unresolved = 0;                 // conflicts
  std::int64_t skew_ms = 0;                    // ≥ 0: by how much clocks are known to differ
  bool skewed = false;                         // more than 500 ms: no lag counts as verified
  // How old src_pos is: a barrier must be younger than the block that it ends. nullopt: no src_pos.
  std::optional<std::int64_t> src_pos_age_ms;
};

class LinkSource {
 public:
  virtual ~LinkSource() = default;
  // The worst over all channels of this direction; a default LinkView when nobody reports.
  virtual LinkView link(std::string_view source_dc, std::string_view target_dc) const = 0;
  // True when the target is proven to have applied all of `barrier` (position.h), over all
  // channels. False whenever that is not certain.
  virtual bool contains(std::string_view source_dc, std::string_view target_dc,
                        std::string_view barrier) const = 0;
};

}  // namespace meridian::partition
