#include "dns/net/bucket_table.h"

#include <algorithm>
#include <bit>

namespace meridian::dns {

BucketTable::BucketTable(std::size_t buckets)
    : sets_(std::bit_ceil(std::max(buckets, kWays)) / kWays) {}

Bucket& BucketTable::of(std::uint64_t hash) noexcept {
  Set& set = sets_[hash & (sets_.size() - 1)];
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  Bucket* least = set.buckets.data();
  for (Bucket& bucket : set.buckets) {
    if (bucket.tag == tag) return bucket;
    if (bucket.paid_at < least->paid_at) least = &bucket;
  }
  least->tag = tag;
  return *least;
}

}  // namespace meridian::dns
