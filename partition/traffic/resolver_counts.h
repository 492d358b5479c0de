// ResolverCounts: about how many resolvers asked for subjects of the table of late: their sketches
// (dns/answer/subject_resolvers.h), kept by subject id for the period that runs and the one before,
// so that a topology that moves indices takes nothing away. A change asks for all its subjects
// together: who asks for two of them counts once.
// Threads: the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hyperloglog.h"
#include "partition/map_service.h"

namespace meridian::partition {

struct ResolverCount {
  double resolvers = 0;           // estimated (base/hyperloglog.h)
  std::chrono::seconds window{};  // up to when they were last looked at: so far back it reaches
};

class ResolverCounts {
 public:
  // How often to look: what was asked since the last look is missed when a period ends.
  static constexpr std::chrono::seconds kEvery{10};

  // `sketches`: of the running period, by SubjectIx of `map`; a shorter list leaves out the last.
  // `unix_time`: seconds since 1970; one that goes back begins anew.
  void sample(const std::vector<HyperLogLog>& sketches, const MapSnapshot& map,
              std::uint32_t unix_time);
  // nullopt: nothing is known of any of them.
  std::optional<ResolverCount> of(const std::vector<std::string_view>& subjects) const;

 private:
  struct Kept {
    HyperLogLog now, before;
  };
  std::map<std::string, Kept, std::less<>> kept_;
  std::uint32_t since_ = 0;  // the first look; 0: none yet
  std::uint32_t last_ = 0;
};

}  // namespace meridian::partition
