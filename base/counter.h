// Counter: written by one thread, read by any. No locked instruction: the writer loads and stores,
// the reader loads.
#pragma once

#include <atomic>
#include <cstdint>

namespace meridian {

class Counter {
 public:
  void add(std::uint64_t count = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace meridian
