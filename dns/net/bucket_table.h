// BucketTable: token buckets by hash, in a table that never grows.
//
// A bucket is a point in time: until then what it gave is not paid back. All buckets pay back
// alike, one second each second, and one whose time has passed is full, like one that never was.
//
// Sets of four, one cache line each. A key that is not in its set takes the place of the bucket
// with the smallest debt, and takes that debt over. So nobody gains by pushing buckets out: the
// debts of a set only pay back, never get lost, hence a key that was pushed out and comes again
// finds at least the debt it left. Who comes new into a set pays for others, but only where all
// four buckets are in debt; the owner says when that happens (dns/net/rate_limiter.h).
//
// Threads: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace meridian::dns {

struct Bucket {
  std::uint64_t paid_at = 0;  // when it is full again; the clock is the caller's
  std::uint32_t tag = 0;
  std::uint32_t limited = 0;  // a count for the caller; who takes the bucket over goes on with it
};

class BucketTable {
 public:
  // Room for `buckets`, rounded up to a power of two of at least four. The only allocation.
  explicit BucketTable(std::size_t buckets);

  // The bucket of the key that has this hash; good until the next call. Different keys share one
  // when the 32 high bits and the set's bits of their hashes are the same: the hash must be one
  // that no stranger can choose.
  Bucket& of(std::uint64_t hash) noexcept;

  std::size_t size() const { return sets_.size() * kWays; }

 private:
  static constexpr std::size_t kWays = 4;
  struct alignas(64) Set {
    std::array<Bucket, kWays> buckets;
  };

  std::vector<Set> sets_;
};

}  // namespace meridian::dns
