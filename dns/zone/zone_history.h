// ZoneHistory: the last steps of a zone, so that who has an older serial needs only these (RFC
// 1995).
//
// Immutable: a step more makes another history, which shares the steps before. Bounded: by
// kMaxSteps, and by bytes, beyond which the zone as a whole is the shorter way. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dns/zone/difference.h"

namespace meridian::dns {

class ZoneHistory {
 public:
  static constexpr std::size_t kMaxSteps = 1000;
  using Step = std::shared_ptr<const ZoneDifference>;

  // `steps`, oldest first, as many of the last as lead to one another and have at most `max_bytes`.
  ZoneHistory(std::vector<Step> steps, std::size_t max_bytes);
  // This and one step more. A step that does not begin where this ends makes a history of its own.
  ZoneHistory with(Step step, std::size_t max_bytes) const;

  std::span<const Step> steps() const { return steps_; }
  // The steps that lead from `serial` to the last one; nullopt: not known.
  std::optional<std::span<const Step>> since(std::uint32_t serial) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace meridian::dns
