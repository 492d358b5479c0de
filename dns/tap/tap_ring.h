// TapRing: records of bytes from one thread to another, in memory that never grows.
//
// The writer never waits, allocates or locks: where a record finds no room it is dropped, and
// counted. Records come out whole and in the order they went in. A record lies in one piece, so
// that it is written and read in place: one that does not fit before the end of the memory begins
// anew at its start.
//
// Threads: reserve() and commit() from one, front() and pop() from another; dropped() from any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/counter.h"

namespace meridian::dns {

class TapRing {
 public:
  // Room for `bytes`, rounded up to a power of two of at least 64. The only allocation.
  explicit TapRing(std::size_t bytes);
  ~TapRing() = default;
  TapRing(const TapRing&) = delete;
  TapRing& operator=(const TapRing&) = delete;

  // The largest record that an empty ring takes wherever its last one ended.
  std::size_t maxRecord() const { return capacity_ / 2 - kPrefix; }

  // Room for a record of `size` bytes, aligned to 8, until commit(); empty: there is none, and the
  // record is counted as dropped. A record that is not committed was never there.
  std::span<std::uint8_t> reserve(std::size_t size) noexcept;
  void commit() noexcept;

  // The oldest record; empty: there is none. Good until pop(), which makes its room free.
  std::span<const std::uint8_t> front() noexcept;
  // REQUIRES: front() was not empty.
  void pop() noexcept;

  std::uint64_t dropped() const { return dropped_.value(); }

 private:
  static constexpr std::size_t kPrefix = 8;  // a record's size, before it
  // What the reader writes shares none with what the writer does.
  static constexpr std::size_t kCacheLine = 64;

  std::size_t mask() const { return capacity_ - 1; }

  std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> bytes_;
  // Positions only rise; their low bits are the place in bytes_. The writer's:
  std::atomic<std::uint64_t> written_{0};
  std::uint64_t next_ = 0;       // what written_ will be after commit()
  std::uint64_t seen_read_ = 0;  // read_ as it was when there last was too little room
  Counter dropped_;
  [[maybe_unused]] std::array<std::uint8_t, kCacheLine> apart_{};
  // The reader's:
  std::atomic<std::uint64_t> read_{0};
  std::uint64_t front_end_ = 0;  // what read_ will be after pop()
};

}  // namespace meridian::dns
