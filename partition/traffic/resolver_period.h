// ResolverPeriod: the span of time in which askers are counted together.
#pragma once

#include <cstdint>

namespace meridian::partition {

// 2,048 s (34 minutes), long against every TTL, under one topology: another topology may give the
// same index to another subject.
struct ResolverPeriod {
  static constexpr unsigned kShift = 11;
  static constexpr std::uint32_t kSeconds = std::uint32_t{1} << kShift;

  std::uint64_t value = 0;  // 0: none; revisions begin with 1

  // `unix_time`: seconds since 1970.
  static constexpr ResolverPeriod of(std::uint64_t topology_rev, std::uint32_t unix_time) noexcept {
    return {topology_rev << 32 | unix_time >> kShift};
  }
  friend constexpr bool operator==(ResolverPeriod, ResolverPeriod) = default;
};

}  // namespace meridian::partition
