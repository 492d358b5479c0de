// Positions in a stream of changes, and whether one is past another (domain.md §3a, 3b).
//
//   "UUID:1-9001:9005,UUID:1-3"   a MySQL GTID set; spaces, line breaks and order do not matter
//   "TEXT@SEQ"                    opaque text and a decimal sequence number, which is compared
//   anything else                 opaque: comparable with itself only
//
// Bounds: text ≤ kMaxPosition bytes (feed_line.h), hence ≤ 4,096 intervals. Pure; fuzzed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace meridian::partition {

class GtidSet {
 public:
  using Uuid = std::array<std::uint8_t, 16>;

  // kInvalid: not a GTID set. An empty text is none: whoever reports nothing has proven nothing.
  static Result<GtidSet> parse(std::string_view text);

  bool contains(const GtidSet& other) const;
  // The part of this set that comes from sources which `other` knows.
  GtidSet onlySourcesOf(const GtidSet& other) const;
  GtidSet unionWith(const GtidSet& other) const;
  bool empty() const { return intervals_.empty(); }
  // Canonical: lower case, sources and intervals ascending.
  std::string text() const;

  friend bool operator==(const GtidSet&, const GtidSet&) = default;

 private:
  // [first, last] of one source.
  struct Interval {
    Uuid source{};
    std::uint64_t first = 0, last = 0;
    friend auto operator<=>(const Interval&, const Interval&) = default;
  };
  void normalize();

  std::vector<Interval> intervals_;  // sorted, neither overlapping nor adjacent within a source
};

// The sequence number of "TEXT@SEQ".
std::optional<std::uint64_t> positionSeq(std::string_view text);

// True when `applied` is proven to include `barrier`: superset of GTIDs, a larger sequence number
// or the very same position. False for an empty or incomparable one.
bool positionContains(std::string_view applied, std::string_view barrier);
// The later of two reports of the same source: the union of GTID sets, the larger sequence number;
// `a` where they are not comparable or `b` is empty.
std::string laterPosition(const std::string& a, const std::string& b);

}  // namespace meridian::partition
