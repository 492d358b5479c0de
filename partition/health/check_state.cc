#include "partition/health/check_state.h"

#include <utility>

namespace meridian::partition {
namespace {

// What programs and servers say may be long, and may hold anything; it ends on terminals.
std::string presentable(std::string text) {
  if (text.size() > kMaxProbeReason) {
    std::size_t end = kMaxProbeReason;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') c = ' ';
  }
  return text;
}

}  // namespace

std::string_view stasisName(Stasis stasis) {
  switch (stasis) {
    case Stasis::kNone:
      return "none";
    case Stasis::kNoSensor:
      return "no-sensor";
    case Stasis::kSilent:
      return "silent";
    case Stasis::kNodeBlind:
      return "node-blind";
  }
  return "none";
}

CheckState::CheckState(const CheckConfig& config, MonotonicTime now)
    : rise_(config.rise),
      fall_(config.fall),
      silence_(kSilentIntervals * config.interval),
      heard_(now) {}

bool CheckState::observe(ProbeResult result, MonotonicTime now, WallTime wall) {
  result.reason = presentable(std::move(result.reason));
  last_ = std::move(result);
  last_at_ = wall;
  no_sensor_ = last_->outcome == ProbeOutcome::kNoSensor;
  if (no_sensor_) return false;  // heard_ stays: an unable sensor is a silent one
  heard_ = now;
  if (last_->outcome == ProbeOutcome::kUp) {
    ++successes_;
    failing_since_.reset();
    return succeed(wall);
  }
  ++failures_;
  if (!failing_since_) {
    failing_since_ = now;
    before_failing_ = state_;
  }
  return !frozen_ && failed(wall);
}

bool CheckState::succeed(WallTime wall) {
  if (state_ == Health::kUnknown) return enter(Health::kUp, wall);
  if (state_ == Health::kUp) {
    in_a_row_ = 0;
    return false;
  }
  return ++in_a_row_ >= rise_ && enter(Health::kUp, wall);
}

bool CheckState::failed(WallTime wall) {
  if (state_ == Health::kUnknown) return enter(Health::kDown, wall);
  if (state_ == Health::kDown) {
    in_a_row_ = 0;
    return false;
  }
  return ++in_a_row_ >= fall_ && enter(Health::kDown, wall);
}

bool CheckState::enter(Health next, WallTime wall) {
  in_a_row_ = 0;
  if (state_ == next) return false;
  state_ = next;
  since_ = wall;
  return true;
}

bool CheckState::freeze(WallTime wall) {
  if (frozen_) return false;
  frozen_ = true;
  in_a_row_ = 0;
  return failing_since_ && enter(before_failing_, wall);
}

void CheckState::thaw() {
  frozen_ = false;
  in_a_row_ = 0;
  failing_since_.reset();
}

Stasis CheckState::stasis(MonotonicTime now) const {
  if (frozen_) return Stasis::kNodeBlind;
  if (no_sensor_) return Stasis::kNoSensor;
  return now - heard_ > silence_ ? Stasis::kSilent : Stasis::kNone;
}

}  // namespace meridian::partition
