// CheckState: results of one check → its state, with hysteresis. Pure; the caller brings the time.
//
//   UNKNOWN  --first result-->  UP or DOWN       visible from the first result on
//   UP       --`fall` failures in a row-->  DOWN
//   DOWN     --`rise` successes in a row-->  UP
//
// Stasis: while its sensor is lost, a check keeps the state it had. Lost means: the sensor says so
// itself (kNoSensor), nothing was heard for kSilentIntervals intervals, or the owner knows that the
// whole node's view is gone (freeze()).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "partition/health/check_config.h"
#include "partition/model.h"

namespace meridian::partition {

enum class ProbeOutcome : std::uint8_t {
  kUp,
  kDown,
  kNoSensor  // nothing was measured: the program is missing, no descriptor was left
};

struct ProbeResult {
  ProbeOutcome outcome = ProbeOutcome::kDown;
  std::string reason;                // why not up, for people; cut to kMaxProbeReason bytes
  std::chrono::milliseconds took{};  // until the result was known
};
inline constexpr std::size_t kMaxProbeReason = 256;
inline ProbeResult probedDown(std::string reason) {
  return {ProbeOutcome::kDown, std::move(reason), {}};
}

enum class Stasis : std::uint8_t { kNone, kNoSensor, kSilent, kNodeBlind };
std::string_view stasisName(Stasis stasis);  // "none", "no-sensor", "silent", "node-blind"

class CheckState {
 public:
  static constexpr int kSilentIntervals = 3;

  // `now`: silence is counted from here.
  CheckState(const CheckConfig& config, MonotonicTime now);

  // True when state() changed.
  bool observe(ProbeResult result, MonotonicTime now, WallTime wall);
  // The node sees nothing at all: takes back what the present row of failures did, and lets no
  // failure count until thaw(). True when state() changed.
  bool freeze(WallTime wall);
  // Failures are counted from zero again.
  void thaw();

  Health state() const { return state_; }  // UNKNOWN, UP or DOWN
  Stasis stasis(MonotonicTime now) const;
  bool unable() const { return no_sensor_; }  // by its last result
  WallTime since() const { return since_; }   // of state(); 0 while it is UNKNOWN from the start
  const std::optional<ProbeResult>& last() const { return last_; }
  WallTime lastAt() const { return last_at_; }
  // When the present row of failures began; nullopt after a success, or before any result.
  std::optional<MonotonicTime> failingSince() const { return failing_since_; }
  std::uint64_t failures() const { return failures_; }
  std::uint64_t successes() const { return successes_; }

 private:
  bool enter(Health next, WallTime wall);
  bool succeed(WallTime wall);
  bool failed(WallTime wall);

  unsigned rise_, fall_;
  std::chrono::milliseconds silence_;
  MonotonicTime heard_;
  Health state_ = Health::kUnknown;
  WallTime since_{};
  std::optional<ProbeResult> last_;
  WallTime last_at_{};
  std::optional<MonotonicTime> failing_since_;
  Health before_failing_ = Health::kUnknown;  // state_ when failing_since_ was set
  unsigned in_a_row_ = 0;                     // results that speak against state_
  bool frozen_ = false, no_sensor_ = false;
  std::uint64_t failures_ = 0, successes_ = 0;
};

}  // namespace meridian::partition
