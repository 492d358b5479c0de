// A clock that stands still until the test moves it.
#pragma once

#include "base/clock.h"

namespace meridian::test {

class FakeClock final : public Clock {
 public:
  WallTime wallNow() const override { return wall_; }
  MonotonicTime monotonicNow() const override { return monotonic_; }

  void advance(std::chrono::milliseconds step) {
    wall_ += step;
    monotonic_ += step;
  }
  // The wall clock alone: somebody set it.
  void jump(std::chrono::milliseconds step) { wall_ += step; }

 private:
  WallTime wall_{std::chrono::milliseconds(1'777'636'800'000)};  // 2026-05-01T12:00:00Z
  MonotonicTime monotonic_{std::chrono::milliseconds(1'000)};
};

}  // namespace meridian::test
